"""Daily prices from the network: which symbol is asked of which vendor, how much of it, and what comes of it.

Belongs here: the order of vendors, the overlap with what stands, the guard against restated history, the last whole
day, the list of symbols that failed. Does not belong here: a vendor's address or format (a module beside this one),
how a request is retried (`sources.http`).

A symbol's history is fetched in full once; after that only the days since the overlap, the last bars that stand.
Where the overlap no longer agrees with what stands (a split, a dividend in the adjusted close, a correction), the
whole history is fetched again and takes the place of the old one, so that one series never mixes two scales.

All vendors share one source name in the warehouse, so that falling back for a day does not retire a history;
`source_file` says which vendor brought a row. A vendor that is not the first choice brings only days that are
missing: the overlap is compared, but its small differences are not written over what the first choice said. What it
brought, the first choice replaces once it is back.

With `PriceRequest.full_history` the overlap is all that stands, so that a correction of a day long ago is found too.

Days that a person picked (`PriceRequest.start`, `end`) are fetched whether they are missing or not. The overlap is
compared all the same, and days between what stands and the picked ones are fetched with them: no hole, no two scales.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from dagster_project.contracts.batch import Batch, HandOver, Reject
from dagster_project.sessions import last_complete_session, last_complete_utc_day
from dagster_project.sources.base import EmptyFetchError, SourceError, VendorDownError
from dagster_project.sources.http import Clock, first_known, patience_ends
from dagster_project.sources.prices.base import BARS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dagster_project.sources.prices.base import CurrentBar, PriceRequest

_SCHEMA = pa.schema([*BARS, pa.field("source_file", pa.string()), pa.field("source_row", pa.int64())])

CLOSE_TOLERANCE = 1e-4
"""Closes that differ by less, relatively, are one close in another rounding; a cent at 50 USD is twice as much."""

CLOSE_TOLERANCE_USD = 5e-5
"""Half of the last of the four decimals in which prices below a dollar are quoted."""

ADJUSTMENT_TOLERANCE = 1e-5
"""A dividend of 0.001 % of the price moves adjusted close / close by as much."""

Reader = Callable[[str, dt.date | None], pa.Table]
"""Reads one symbol's bars from a day on (None: the whole history), in `BARS`; raises `SourceError`."""


class Vendor(Protocol):
    """One vendor of daily bars."""

    @property
    def name(self) -> str:
        """The vendor's name, one word: the first word of `source_file`."""
        ...

    def open(self, clock: Clock) -> Reader:
        """A reader for one run, with a time budget and a memory of its own."""
        ...


@dataclass
class _VendorRun:
    """One vendor during one run."""

    vendor: Vendor
    read: Reader
    is_first_choice: bool
    given_up: str = ""
    failures_in_a_row: int = 0

    def note(self, error: SourceError) -> None:
        """Remember a failure that is the vendor's, not the symbol's."""
        self.failures_in_a_row += isinstance(error, VendorDownError)
        if patience_ends(error, self.failures_in_a_row):
            self.given_up = f"{self.vendor.name} not asked any more in this run ({error})"


@dataclass(frozen=True)
class _Series:
    """The bars of one symbol: from `since` on, or all of them; `restated` says why they take the place of others."""

    bars: pa.Table
    since: dt.date | None = None
    restated: str = ""


@dataclass(frozen=True)
class _Picked:
    """The days that a person picked, both inclusive; without `start` all of them up to `end`."""

    start: dt.date | None
    end: dt.date

    def __str__(self) -> str:
        return f"{self.start or 'the beginning'} to {self.end}"

    def of(self, days: pa.ChunkedArray) -> pa.ChunkedArray:
        """Which of the days are picked."""
        within = pc.less_equal(days, pa.scalar(self.end))
        return pc.and_(within, pc.greater_equal(days, pa.scalar(self.start))) if self.start else within

    def joined_to(self, last_standing: dt.date) -> _Picked:
        """The same, begun early enough that no day is left out after the last that stands: nobody would ask for it."""
        return _Picked(min(self.start, last_standing), self.end) if self.start else self


@dataclass(frozen=True)
class _Wanted:
    """What is wanted of one symbol; `tickers` are its own and those that a vendor may know it by since or before."""

    symbol: str
    tickers: Sequence[str]
    current: Sequence[CurrentBar]
    last_day: dt.date
    picked: _Picked | None
    full_history: bool


@dataclass
class LivePrices:
    """The `live` source: vendors in order of preference, each symbol from the first that can serve it."""

    vendors: tuple[Vendor, ...]
    clock: Clock = field(default_factory=Clock)
    name: str = "live"
    is_simulated: bool = False
    is_local: bool = False

    def fetch(self, request: PriceRequest, hand_over: HandOver | None = None) -> Batch:  # noqa: ARG002
        """What is missing of each symbol. Raises `EmptyFetchError` where no vendor had a bar of any symbol."""
        now = self.clock.now()
        session, utc_day = last_complete_session(now), last_complete_utc_day(now)
        vendor_runs = [_VendorRun(vendor, vendor.open(self.clock), at == 0) for at, vendor in enumerate(self.vendors)]
        tables = [_SCHEMA.empty_table()]
        since: dict[str, dt.date] = {}
        restated: dict[str, str] = {}
        missing: dict[str, str] = {}
        for symbol in dict.fromkeys(request.symbols):
            last_day = utc_day if symbol in request.always_open else session
            picked = _Picked(request.start, min(request.end or last_day, last_day)) if request.is_ranged else None
            current = request.current.get(symbol, ())
            try:
                tickers = (symbol, *request.other_tickers.get(symbol, ()))
                wanted = _Wanted(symbol, tickers, current, last_day, picked, request.full_history)
                vendor_run, series = _from_the_first_that_can(vendor_runs, wanted)
            except SourceError as error:
                missing[symbol] = str(error)
                continue
            tables.append(_with_origin(series.bars, symbol, vendor_run.vendor.name))
            if series.since is not None:
                since[symbol] = series.since
            if series.restated:
                restated[symbol] = f"{series.restated}; whole history fetched from {vendor_run.vendor.name}"
        if len(tables) == 1:
            reasons = "; ".join(dict.fromkeys(missing.values())) or "no symbol was asked for"
            raise EmptyFetchError(f"live: none of {len(missing)} symbols: {_shortened(reasons)}")
        rejects = tuple(
            Reject(f"live {symbol}", None, f"{symbol} is missing: {why}", json.dumps({"symbol": symbol}))
            for symbol, why in missing.items()
        )
        rows = pa.concat_tables(tables)
        return Batch(self.name, rows, rejects, since, restated, missing, is_partial=request.is_partial)


def _from_the_first_that_can(vendor_runs: Sequence[_VendorRun], wanted: _Wanted) -> tuple[_VendorRun, _Series]:
    reasons: list[str] = []
    for vendor_run in vendor_runs:
        if vendor_run.given_up:
            reasons.append(vendor_run.given_up)
            continue
        try:
            series = _series(vendor_run, wanted)
        except SourceError as error:
            vendor_run.note(error)
            reasons.append(str(error))
        else:
            vendor_run.failures_in_a_row = 0
            return vendor_run, series
    raise SourceError("; ".join(reasons))


def _series(vendor_run: _VendorRun, wanted: _Wanted) -> _Series:
    vendor, symbol, current, picked = vendor_run.vendor.name, wanted.symbol, wanted.current, wanted.picked

    def read(start: dt.date | None) -> pa.Table:
        bars = first_known(wanted.tickers, lambda ticker: vendor_run.read(ticker, start))
        within = pc.less_equal(bars["trade_date"], pa.scalar(wanted.last_day))
        if start is not None:
            within = pc.and_(within, pc.greater_equal(bars["trade_date"], pa.scalar(start)))
        bars = bars.filter(within)
        if not bars.num_rows:
            raise EmptyFetchError(f"{vendor} {symbol}: no bar from {start or 'the beginning'} to {wanted.last_day}")
        return bars

    def some_of(bars: pa.Table, days: _Picked) -> pa.Table:
        kept = bars.filter(days.of(bars["trade_date"]))
        if not kept.num_rows:
            raise EmptyFetchError(f"{vendor} {symbol}: no bar from {days}")
        return kept

    if not current:
        return _Series(some_of(read(picked.start), picked) if picked else read(None))
    since = current[0].trade_date
    if wanted.full_history:
        bars = read(None)
    else:
        # days that a person picked are added to what stands: both are read, so that the overlap can be compared
        bars = read(picked.start and min(picked.start, since)) if picked else read(since)
    # bars that a substitute brought are written over by the overlap: they need not agree
    own = [bar for bar in current if bar.source_file.split(" ")[0] == vendor]
    why = _restated(bars, own if vendor_run.is_first_choice and own else current, vendor)
    fresh = bars.filter(pc.greater(bars["trade_date"], pa.scalar(current[-1].trade_date)))
    if not why and not vendor_run.is_first_choice and pc.any(pc.is_valid(fresh["dividend_usd"])).as_py():
        why = "a dividend changes every adjusted close before it"
    if why:
        return _Series(read(None), restated=why)
    if picked:
        return _Series(some_of(bars, picked.joined_to(current[-1].trade_date)))
    if vendor_run.is_first_choice:
        return _Series(bars, since=since)
    return _Series(fresh, since=current[-1].trade_date + dt.timedelta(days=1))


def _restated(bars: pa.Table, current: Sequence[CurrentBar], vendor: str) -> str:
    """Why what stands can no longer be added to: the first day on which vendor and warehouse disagree, or nothing."""
    offered = {
        day: (close, adjusted)
        for day, close, adjusted in zip(
            *(bars[name].to_pylist() for name in ("trade_date", "close", "adj_close")), strict=True
        )
        if close is not None and close > 0
    }
    shared = [bar for bar in current if bar.trade_date in offered]
    if not shared:
        return f"{vendor} has none of the days from {current[0].trade_date} to {current[-1].trade_date} that stand"
    for bar in shared:
        close, adjusted = offered[bar.trade_date]
        if not math.isclose(close, bar.close, rel_tol=CLOSE_TOLERANCE, abs_tol=CLOSE_TOLERANCE_USD):
            return f"close of {bar.trade_date} was {bar.close:.6g}, is {close:.6g}"
        if bar.source_file.split(" ")[0] != vendor or adjusted is None or bar.adj_close is None:
            continue
        if not math.isclose(adjusted / close, bar.adj_close / bar.close, rel_tol=ADJUSTMENT_TOLERANCE):
            return f"adjusted close of {bar.trade_date} was {bar.adj_close:.6g}, is {adjusted:.6g}"
    return ""


def _with_origin(bars: pa.Table, symbol: str, vendor: str) -> pa.Table:
    """The bars under the symbol that the warehouse keeps, with the ticker that the vendor was asked for as origin."""
    asked = pc.binary_join_element_wise(vendor, bars["symbol"], " ")
    kept = bars.set_column(0, "symbol", pa.repeat(pa.scalar(symbol), bars.num_rows)).append_column("source_file", asked)
    return kept.append_column("source_row", pa.array(range(1, bars.num_rows + 1), pa.int64())).cast(_SCHEMA)


def _shortened(text: str, most: int = 600) -> str:
    return text if len(text) <= most else f"{text[:most]} ..."
