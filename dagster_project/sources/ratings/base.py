"""Defines the protocol that every source of ratings follows.

Belongs here: what a request says, what a source must offer, and the source that is none. Does not belong here: any
vendor; the curated ratings, which are a file of the reference folder (`sources.curated`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from dagster_project.contracts.batch import Batch
from dagster_project.sources.base import SwitchedOffError


@dataclass(frozen=True)
class RatingRequest:
    """For which companies ratings are wanted: all that the source has of them.

    `other_tickers` are those under which a source may know a company whose ticker changed.
    """

    symbols: tuple[str, ...]
    other_tickers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class RatingSource(Protocol):
    """Fetches ratings for a contract of `contracts.ratings`."""

    name: str

    def fetch(self, request: RatingRequest) -> Batch:
        """Ratings for the request. Raises `SourceError` where nothing could be had."""
        ...


class NoRatings:
    """No source beside the curated ratings: the default, as it needs no network."""

    name = "none"

    def fetch(self, request: RatingRequest) -> Batch:  # noqa: ARG002
        """Raises `SwitchedOffError`."""
        raise SwitchedOffError("switched off: MINEHOUSE_RATING_SOURCE=yahoo switches it on")
