"""The protocol that every price source follows.

Belongs here: what a request says and what a source must offer. Does not belong here: any vendor.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Protocol

from dagster_project.sources.base import Batch


@dataclass(frozen=True)
class PriceRequest:
    """Which prices are wanted.

    `symbols` is the reference list (a folder of files may bring more); `start` and `end` are inclusive days, None
    where the source's own full range is wanted.
    """

    symbols: tuple[str, ...]
    start: dt.date | None = None
    end: dt.date | None = None


class PriceSource(Protocol):
    """Fetches daily bars for `contracts.market.DAILY_PRICES`."""

    name: str
    is_simulated: bool

    def fetch(self, request: PriceRequest) -> Batch:
        """Bars for the request. Raises `SourceError` where nothing could be had."""
        ...
