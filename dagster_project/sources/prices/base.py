"""Defines the protocol that every price source follows.

Belongs here: what a request says and what a source must offer. Does not belong here: any vendor.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from dagster_project.contracts.batch import Batch, FileRead, HandOver


BARS = pa.schema(
    [
        ("symbol", pa.string()),
        ("trade_date", pa.date32()),
        ("open", pa.float64()),
        ("high", pa.float64()),
        ("low", pa.float64()),
        ("close", pa.float64()),
        ("adj_close", pa.float64()),
        ("volume", pa.int64()),
        ("dividend_usd", pa.float64()),
        ("split_ratio", pa.float64()),
        ("price_basis", pa.string()),
        ("is_repaired", pa.bool_()),
    ]
)
"""The bars that a source makes itself: the contract's columns; dividends and splits null on days without one."""

OVERLAP = 10
"""How many of the last bars that stand are fetched again and compared."""


@dataclass(frozen=True)
class CurrentBar:
    """A bar that stands; `source_file` says which request brought it."""

    trade_date: dt.date
    close: float
    adj_close: float | None
    source_file: str


@dataclass(frozen=True)
class PriceRequest:
    """Which prices are wanted.

    `symbols` is the reference list (a folder of files may bring more), or with `only_listed` those that a person
    picked: these and no others. `start` and `end` are inclusive days, None where the source's own full range is
    wanted; a source that otherwise brings what is missing brings all days from `start` to `end`, missing or not.

    `current` says what the warehouse holds of a symbol from this source, so that a source may bring only what is
    missing: its last `OVERLAP` bars, or with `full_history` all of them, so that every day can be compared.
    `always_open` are the symbols that trade around the clock; `other_tickers` are those under which a vendor may know a
    symbol whose ticker changed. `files` are those that are loaded already: unchanged ones need not be read. A source
    may ignore all of these.
    """

    symbols: tuple[str, ...]
    start: dt.date | None = None
    end: dt.date | None = None
    current: Mapping[str, tuple[CurrentBar, ...]] = field(default_factory=dict)
    always_open: frozenset[str] = frozenset()
    other_tickers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only_listed: bool = False
    full_history: bool = False
    files: Mapping[str, FileRead] = field(default_factory=dict)

    @property
    def is_ranged(self) -> bool:
        """Whether a person picked days."""
        return self.start is not None or self.end is not None

    @property
    def is_partial(self) -> bool:
        """Whether a person picked symbols or days: `Batch.is_partial` repeats it."""
        return self.only_listed or self.is_ranged


class PriceSource(Protocol):
    """Fetches daily bars for `contracts.market.DAILY_PRICES`.

    `is_local`: it reads this machine alone, and may do so in a child process; a live source asks from here.
    """

    name: str
    is_simulated: bool
    is_local: bool

    def fetch(self, request: PriceRequest, hand_over: HandOver | None = None) -> Batch:
        """Bars for the request. Raises `SourceError` where nothing could be had.

        Bars that were given to `hand_over` are not in the batch any more; a source may leave it alone.
        """
        ...
