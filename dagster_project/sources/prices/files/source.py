"""Reads a folder of price files into one batch.

Belongs here: putting the batch together, and what a person should know of the files. Does not belong here: how a file
is read (the modules beside this one).
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dagster_project.contracts.batch import Batch, FileRead, HandOver, Reject
from dagster_project.contracts.market import DAILY_PRICES
from dagster_project.progress import counted
from dagster_project.sessions import last_complete_session, last_complete_utc_day
from dagster_project.sources.base import EmptyFetchError
from dagster_project.sources.prices.files.bars import (
    for_splits,
    refuse_cents,
    refuse_longer_bars,
    refuse_moved_days,
    unfinished,
    without_noise,
)
from dagster_project.sources.prices.files.dates import PLAIN_DATE, DateOrder, plain_dates
from dagster_project.sources.prices.files.errors import NoPriceTableError, UnreadableFileError
from dagster_project.sources.prices.files.folder import PriceFile, price_files
from dagster_project.sources.prices.files.layouts import DAILY, DOLLARS, Layout, layout_of
from dagster_project.sources.prices.files.names import is_abroad, is_copy, same_instrument, symbol_in
from dagster_project.sources.prices.files.numbers import PRICE_COLUMNS, plain_numbers
from dagster_project.sources.prices.files.sheets import Block, Misfit, Rows, Sheet, joined, open_sheet
from dagster_project.sources.prices.files.unchanged import Growth, ReadBefore

if TYPE_CHECKING:
    from pathlib import Path

    from dagster_project.sources.prices.base import PriceRequest

_SCHEMA = pa.schema(
    [(name, pa.string()) for name in (*DAILY_PRICES.column_names, "source_file")] + [("source_row", pa.int64())]
)
_SYMBOL = DAILY_PRICES.column("symbol").pattern or ".+"
_MOST_NAMED = 10

# Yahoo's page shows dividends and splits as lines of their own between the bars
_DIVIDEND = re.compile(r'(?P<day>.+?)[\t,;]"?\$?(?P<amount>\d+(?:\.\d+)?) (?:cash )?dividends?"?\W*', re.IGNORECASE)
_SPLIT = re.compile(
    r'(?P<day>.+?)[\t,;]"?(?P<new>\d+(?:\.\d+)?):(?P<old>\d+(?:\.\d+)?) stock splits?"?\W*', re.IGNORECASE
)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class FilePrices:
    """Every price file of one folder, for whatever symbols the file names, or symbol columns, say."""

    name: str = "files"
    is_simulated: bool = False
    is_local: bool = True

    def __init__(
        self, folder: Path, date_order: DateOrder | None = None, now: Callable[[], dt.datetime] = _now
    ) -> None:
        """`date_order` is the user's word on dates like 05/06/2025; `now` says which day is not over yet."""
        self.folder = folder
        self._date_order = date_order
        self._now = now

    def fetch(self, request: PriceRequest, hand_over: HandOver | None = None) -> Batch:
        """All rows of all readable files within the request's days, and as rejects what could not be read.

        With `hand_over` the rows go there, file by file, and the batch has none.

        Raises `SourceError` where the folder is missing, `EmptyFetchError` where it brings neither rows nor rejects.
        """
        files, left_out = price_files(self.folder)
        # the disk's clock is the machine's, whatever day a test says it is
        before = ReadBefore(request, self._date_order, _now())
        reading = _Reading(request, self._date_order, self._now(), before)
        listed = frozenset(request.symbols)
        in_order = sorted(files, key=lambda file: (is_copy(file.stem, listed), file.label))
        for file in counted(in_order, "price files read"):
            reading.take(file)
            if hand_over is not None:
                hand_over(reading.pass_on())
        rows, rejects = reading.rows(), reading.rejects
        if not rows.num_rows and not reading.handed_over and not rejects and not reading.files:
            of_whom = f" of {', '.join(request.symbols)}" if request.only_listed else ""
            days = f"from {request.start or 'the beginning'} to {request.end or 'the end'}"
            raise EmptyFetchError(f"{self.folder} has no price{of_whom} {days}")
        asked = request.symbols if request.only_listed else ()
        missing = {symbol: f"no file for it in {self.folder.name}" for symbol in asked if symbol not in reading.sources}
        remarks = [f"{left.label}: left out, {left.reason}" for left in left_out]
        remarks += reading.remarks()
        return Batch(
            self.name,
            rows,
            tuple(rejects),
            since=reading.since,
            missing=missing,
            is_partial=request.is_partial,
            remarks=tuple(remarks),
            files=tuple(reading.files),
        )


class _Reading:
    """One pass over the files of a folder."""

    def __init__(
        self, request: PriceRequest, date_order: DateOrder | None, now: dt.datetime, before: ReadBefore
    ) -> None:
        self.files: list[FileRead] = []
        """Those that need not be read again while they stay the same."""
        self._before = before
        self._unread = self._grown = 0
        self.since: dict[str, dt.date] = {}
        """By symbol, the day from which on it was read: its file has only grown."""
        self.rejects: list[Reject] = []
        self.sources: dict[str, str] = {}
        """By symbol, the file that it comes from."""
        self._symbols_of: dict[str, dict[str, None]] = defaultdict(dict)
        """The same the other way round."""
        self._request = request
        self._listed = frozenset(request.symbols)
        self._date_order = date_order
        self._now = now
        self._today = now.astimezone(dt.UTC).date()
        self._last_utc_day = last_complete_utc_day(now)
        # asked of the calendar once and at most, not for every symbol
        self._last_session = cache(lambda: last_complete_session(now))
        self._tables: list[pa.Table] = [_SCHEMA.empty_table()]
        self.handed_over = 0
        """How many rows were handed over."""
        self._owners: dict[str, str] = {}
        self._going_on: set[str] = set()
        """Files with a bar of a day that is not over: they are read again until it is."""
        self._said: dict[str, dict[str, None]] = defaultdict(dict)
        """By what is to be said, of which files."""

    def rows(self) -> pa.Table:
        """What was read so far and not handed over."""
        return pa.concat_tables(self._tables)

    def pass_on(self) -> pa.Table:
        """The same, which whoever asks keeps from now on."""
        rows = self.rows()
        self.handed_over += rows.num_rows
        self._tables = [_SCHEMA.empty_table()]
        return rows

    def take(self, file: PriceFile) -> None:
        """Read one file, unless it has not changed; what cannot be read becomes a reject."""
        data = b""

        def read() -> bytes:
            nonlocal data
            data = file.read()
            return data

        try:
            symbol = symbol_in(file.stem, self._listed)
            if self._request.only_listed and symbol is not None and symbol not in self._listed:
                return
            if known := self._before.unchanged(file):
                self._take_unread(known)
                self._unread += 1
                return
            if (growth := self._before.grown(file)) and self._take_growth(file, growth, symbol):
                return
            rejects, tables = len(self.rejects), len(self._tables)
            self._take_sheet(replace(file, read=read), symbol)
            groups = tuple(self._symbols_of[file.label])
            if self._before.is_asked and groups and len(self.rejects) == rejects and file.label not in self._going_on:
                remarks = tuple(what for what, labels in self._said.items() if file.label in labels)
                rows = pa.concat_tables(self._tables[tables:])
                self.files.append(self._before.read(file, data, rows, groups, remarks))
        except UnreadableFileError as error:
            if file.ending == ".txt" and isinstance(error, NoPriceTableError):
                self._said["left out, a text that is no table of prices"][file.label] = None
                return
            self.rejects.append(Reject(file.label, None, error.reason, error.record))
        except OSError as error:
            self.rejects.append(Reject(file.label, None, f"cannot be opened: {error.strerror or error}", file.label))
        except MemoryError:
            raise
        except Exception as error:  # whatever one file makes a library say, the others are read
            said = f"cannot be read: {type(error).__name__}: {error}"
            self.rejects.append(Reject(file.label, None, said, file.label))

    def _take_unread(self, known: FileRead) -> None:
        """A file whose rows stand already."""
        for symbol in known.groups:
            self._own(symbol, known.label)
        for what in known.remarks:
            self._said[what][known.label] = None
        self.files.append(known)

    def _take_sheet(self, file: PriceFile, symbol: str | None) -> None:
        sheet = open_sheet(file)
        for block in sheet.blocks:
            self._take_block(file, sheet, block, symbol)

    def _take_growth(self, file: PriceFile, growth: Growth, symbol: str | None) -> bool:
        """Take the new lines of a file that has grown; False where it has to be read whole, and nothing is taken."""
        excerpt = growth.excerpt
        alone = _Reading(self._request, self._date_order, self._now, self._before)
        try:
            alone._take_sheet(replace(file, read=lambda: excerpt, head=lambda most: excerpt[:most]), symbol)
        except UnreadableFileError:
            return False
        read = alone.rows()
        rows = growth.new_rows(read)
        is_going_on = file.label in alone._going_on
        is_usual = set(alone._said) <= set(growth.known.remarks) or is_going_on
        if rows is None or alone.rejects or not is_usual or not alone.sources.keys() <= set(growth.known.groups):
            return False
        # read again from where it was until that day is over
        self._take_unread(growth.known if is_going_on else growth.read(file, read, self._before))
        for what in alone._said:
            self._said[what][file.label] = None
        self._going_on |= alone._going_on
        after = dt.date.fromisoformat(growth.known.last_date) + dt.timedelta(days=1)
        self.since |= dict.fromkeys(growth.known.groups, after)
        self._tables.append(rows)
        self._grown += 1
        return True

    def _take_block(self, file: PriceFile, sheet: Sheet, block: Block, named: str | None) -> None:
        layout = layout_of(block.header)
        if block.symbol is not None:
            inside = block.symbol.strip().upper().removesuffix(".US")
            if len(sheet.blocks) == 1 and named is not None and same_instrument(named) != same_instrument(inside):
                raise UnreadableFileError(f"the file is called {named} and holds {inside}: rename it", block.symbol)
            named = inside
        if named is None and "symbol" not in layout.places:
            raise _no_symbol(file)
        places = {ours: block.places[at] for ours, at in layout.places.items()}
        if named is not None and "symbol" not in places:
            self._own(named, file.label)
        rows = sheet.rows(tuple(dict.fromkeys(places.values())))
        if not len(rows.lines) and not rows.misfits:
            raise UnreadableFileError("no row below the header", ",".join(block.header))
        self._note_layout(file, layout)
        misfits = list(rows.misfits)
        table = self._table(file, sheet, layout, places, rows, named, misfits)
        self.rejects.extend(Reject(file.label, bad.line, bad.reason, bad.record) for bad in misfits)
        if table.num_rows:
            self._tables.append(_within(table, self._request.start, self._request.end))

    def _note_layout(self, file: PriceFile, layout: Layout) -> None:
        if layout.ignored:
            self._said[f"columns that are not used: {', '.join(layout.ignored)}"][file.label] = None
        if layout.basis == "split_and_dividend_adjusted":
            self._said["closes are adjusted for dividends too, so older ones are lower than was quoted"][file.label] = (
                None
            )
        if layout.basis == "as_traded" and "split_ratio" not in layout.places:
            self._said["closes are as they were traded: a split would look like a fall"][file.label] = None

    def _own(self, symbol: str, label: str) -> None:
        """Note that a symbol comes from this file; raises `UnreadableFileError` where another one has it already."""
        owner = self._owners.setdefault(same_instrument(symbol), label)
        if owner != label:
            raise UnreadableFileError(
                f"a second file for {symbol}, beside {owner}: keep one of them, or join them", label
            )
        self.sources[symbol] = label
        self._symbols_of[label][symbol] = None

    def _table(
        self,
        file: PriceFile,
        sheet: Sheet,
        layout: Layout,
        places: dict[str, int],
        rows: Rows,
        named: str | None,
        misfits: list[Misfit],
    ) -> pa.Table:
        cells = {ours: rows.columns[at] for ours, at in places.items()}
        lines = rows.lines
        symbols = self._symbols(cells, named)
        is_one_series = symbols is None
        # rows of another symbol or period say nothing of how this one's are written
        masks = (_not_blank(cells), self._own_rows(cells, places, rows, named, symbols, misfits))
        told = [mask for mask in masks if mask is not None]
        if told:
            kept = pc.and_(*told) if len(told) > 1 else told[0]
            cells = {ours: column.filter(kept) for ours, column in cells.items()}
            lines = lines.filter(kept)
            symbols = symbols.filter(kept) if symbols is not None else None
        days = plain_dates(
            cells["trade_date"],
            times=cells.get("trade_time"),
            said=self._date_order,
            header_is_day_first=layout.is_day_first,
            is_one_series=is_one_series,
            is_stamped_at_end=layout.is_stamped_at_end,
        )
        cells["trade_date"] = days.cells
        numeric = {name: cells[name] for name in (*PRICE_COLUMNS, "volume", "split_ratio") if name in cells}
        typed = {name for name in numeric if places[name] in rows.typed}
        cells |= plain_numbers(numeric, sheet.delimiter, layout.has_decimal_comma, typed)
        count = len(lines)
        made = {
            "symbol": symbols if symbols is not None else pa.repeat(pa.scalar(named), count),
            "source_file": pa.repeat(pa.scalar(file.label), count),
            "source_row": lines,
            "price_basis": pa.repeat(pa.scalar(_basis(layout), pa.string()), count),
            "is_repaired": pa.nulls(count, pa.string()),
            **{
                name: column for name, column in cells.items() if name in DAILY_PRICES.column_names and name != "symbol"
            },
        }
        for name, nothing in (("dividend_usd", r"^0+(\.0*)?$"), ("split_ratio", r"^(0+|1)(\.0*)?$")):
            if name in made:
                made[name] = pc.if_else(
                    pc.fill_null(pc.match_substring_regex(made[name], nothing), False),
                    pa.scalar(None, pa.string()),
                    made[name],
                )
        table = pa.table([made.get(field.name, pa.nulls(count, field.type)) for field in _SCHEMA], schema=_SCHEMA)
        table = _with_events(table, misfits)
        if not table.num_rows:
            return table
        if "high" in made and "low" in made and "open" in made:
            table = without_noise(table)
            repaired = pc.sum(pc.equal(table["is_repaired"], "true")).as_py()
            if repaired:
                self._said["highs or lows that missed the close by the noise of a float were set to it"][file.label] = (
                    None
                )
        return self._by_symbol(file, layout, table, are_moments=days.are_moments, is_text=bool(sheet.delimiter))

    def _symbols(self, cells: dict[str, pa.Array], named: str | None) -> pa.Array | None:
        """The symbol of each row where the file has a column of symbols and is not of one symbol; else None."""
        if "symbol" not in cells:
            return None
        said = pc.replace_substring_regex(pc.utf8_upper(pc.utf8_trim_whitespace(cells["symbol"])), r"\.US$", "")
        said = pc.replace_substring(said, "/", "-")
        cells["symbol"] = said
        distinct = [value for value in said.unique().to_pylist() if value]
        # a vendor's number of an instrument, or the name of a company, is no symbol
        are_symbols = all(re.fullmatch(_SYMBOL, value) and not value.isdigit() for value in distinct)
        if named is not None and not are_symbols and named not in distinct and len(distinct) > 1:
            raise UnreadableFileError(
                f"the file is called {named} and holds several instruments ({', '.join(distinct[:3])})", distinct[0]
            )
        if named is not None and (named in distinct or not are_symbols or not distinct):
            if not are_symbols and named not in distinct:
                del cells["symbol"]  # names of companies, say
            return None
        if named is not None and len(distinct) == 1:
            raise UnreadableFileError(f"the file is called {named} and holds {distinct[0]}: rename it", distinct[0])
        return said

    def _own_rows(
        self,
        cells: dict[str, pa.Array],
        places: dict[str, int],
        rows: Rows,
        named: str | None,
        symbols: pa.Array | None,
        misfits: list[Misfit],
    ) -> pa.Array | None:
        """Which rows are daily bars of the file's symbol, None for all; the others become misfits."""
        wanted: list[tuple[str, Collection[str], str]] = [
            ("period", DAILY, "period {} is not D (daily)"),
            ("currency", {*DOLLARS, ""}, "currency {} is not USD"),
        ]
        if "exchange" in cells:
            codes = pc.utf8_upper(pc.utf8_trim_whitespace(cells["exchange"])).unique().to_pylist()
            here = {code or "" for code in codes if not is_abroad(code or "")}
            wanted.append(
                ("exchange", here, "exchange {} is outside the United States, with prices in another currency")
            )
        if symbols is None and named is not None:
            wanted.insert(0, ("symbol", {named}, f"ticker {{}} is not the file name's {named}"))
        wanted = [(name, values, reason) for name, values, reason in wanted if name in cells]
        kept = pa.repeat(pa.scalar(True), len(rows.lines)) if wanted else None
        for name, values, reason in wanted:
            said = pc.fill_null(pc.utf8_upper(pc.utf8_trim_whitespace(cells[name])), "")
            agrees = pc.is_in(said, pa.array(sorted(values), pa.string()))
            for row in pc.indices_nonzero(pc.and_not(kept, agrees)).to_pylist():
                record = rows.record(row)
                if record.strip(" ,;\t|"):
                    cell = rows.columns[places[name]][row].as_py()
                    misfits.append(Misfit(rows.lines[row].as_py(), reason.format(cell), record))
            kept = pc.and_(kept, agrees)
        return kept

    def _by_symbol(
        self, file: PriceFile, layout: Layout, table: pa.Table, *, are_moments: bool, is_text: bool
    ) -> pa.Table:
        """The bars, those left out that are of a second file or of a day that is not over."""
        parts: list[pa.Table] = []
        names = table["symbol"].unique().to_pylist()
        for symbol, part in ((names[0], table),) if len(names) == 1 else _parts(table):
            if symbol is None:
                parts.append(part)  # the gate says of each row that its symbol is missing
                continue
            if self._request.only_listed and symbol not in self._listed:
                continue
            try:
                self._own(symbol, file.label)
                dates = joined(part["trade_date"])
                refuse_longer_bars(symbol, dates)
                if symbol not in self._request.always_open:
                    refuse_moved_days(symbol, dates, fewest=1 if are_moments else 2)
                    if is_text:
                        refuse_cents(symbol, part)
            except UnreadableFileError as error:
                if len(names) == 1:
                    raise
                self.rejects.append(Reject(file.label, None, f"{symbol}: {error.reason}", symbol))
                continue
            if layout.basis == "as_traded" and "split_ratio" in layout.places:
                part = for_splits(part)
            parts.append(self._finished(file, symbol, part))
        return pa.concat_tables(parts) if parts else table.slice(0, 0)

    def _finished(self, file: PriceFile, symbol: str, part: pa.Table) -> pa.Table:
        recent = (self._today - dt.timedelta(days=5)).isoformat()
        if not pc.any(pc.fill_null(pc.greater_equal(part["trade_date"], recent), False)).as_py():
            return part
        last = self._last_utc_day if symbol in self._request.always_open else self._last_session()
        going_on = unfinished(part, last, self._today)
        if pc.any(going_on).as_py():
            self._said[f"the bar of a day that is not over (after {last}) is left out until it is"][file.label] = None
            self._going_on.add(file.label)
        return part.filter(pc.invert(going_on))

    def remarks(self) -> Iterator[str]:
        """A line for each thing that a person should know, with the files that it is about."""
        if self._unread:
            yield f"{self._unread} files are as they were when they were loaded, and were not read again"
        if self._grown:
            yield f"{self._grown} files have only grown since they were loaded: their new lines were read"
        for what, labels in self._said.items():
            yield f"{_named(list(labels))}: {what}"
        if self._listed and not self._request.only_listed:
            # a company whose ticker changed may have its file under any of them
            listed_as = {
                ticker: symbol
                for symbol in self._listed
                for ticker in (symbol, *self._request.other_tickers.get(symbol, ()))
            }
            others = [
                f"{symbol} ({label})" for symbol, label in sorted(self.sources.items()) if symbol not in listed_as
            ]
            if others:
                yield f"not on the reference list, and loaded as other instruments: {_named(others)}"
            if without := sorted(self._listed - {listed_as.get(symbol, symbol) for symbol in self.sources}):
                yield f"on the reference list and without a file: {_named(without, most=30)}"


def _basis(layout: Layout) -> str | None:
    """What the loaded closes are adjusted for: splits that a file names itself are worked in."""
    return "split_adjusted" if layout.basis == "as_traded" and "split_ratio" in layout.places else layout.basis


def _no_symbol(file: PriceFile) -> NoPriceTableError:
    suffix = f".{file.name.rpartition('.')[2]}"
    reason = f"no symbol in the file name: rename it to SYMBOL{suffix}"
    if file.stem.startswith("^"):
        reason = f"{file.stem} is an index, not a share: to load it all the same, rename it to {file.stem[1:]}{suffix}"
    return NoPriceTableError(reason, file.name)


def _named(names: Sequence[str], most: int = _MOST_NAMED) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _not_blank(cells: dict[str, pa.Array]) -> pa.Array | None:
    """Which rows say anything at all, None for all: spreadsheets leave rows of empty cells behind."""
    count = len(next(iter(cells.values())))
    if pc.all(pc.not_equal(cells["close"], "")).as_py() is not False:
        return None
    says = pa.repeat(pa.scalar(False), count)
    for column in cells.values():
        says = pc.or_(says, pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(column), ""), False))
    return says


def _parts(table: pa.Table) -> Iterator[tuple[str | None, pa.Table]]:
    """The table by symbol, each part in the order of the file."""
    runs = pc.run_end_encode(table["symbol"].combine_chunks())
    ordered = table
    if len(runs.values) != len(runs.values.unique()):
        at = pa.array(np.arange(table.num_rows))
        ordered = table.append_column("_at", at).sort_by([("symbol", "ascending"), ("_at", "ascending")])
        runs, ordered = pc.run_end_encode(ordered["symbol"].combine_chunks()), ordered.drop_columns("_at")
    start = 0
    for symbol, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        yield symbol, ordered.slice(start, end - start)
        start = end


def _with_events(table: pa.Table, misfits: list[Misfit]) -> pa.Table:
    """The table, lines that tell of a dividend or a split written into the bar of their day."""
    events: list[tuple[Misfit, str, str, str]] = []
    for misfit in misfits:
        if match := _DIVIDEND.fullmatch(misfit.record):
            events.append((misfit, match["day"].strip('" '), "dividend_usd", match["amount"]))
        elif (match := _SPLIT.fullmatch(misfit.record)) and float(match["old"]):
            ratio = f"{float(match['new']) / float(match['old']):.10g}"
            events.append((misfit, match["day"].strip('" '), "split_ratio", ratio))
    if not events:
        return table
    days = plain_dates(
        pa.array([day for _, day, _, _ in events], pa.string()),
    ).cells.to_pylist()
    where = {day: at for at, day in enumerate(table["trade_date"].to_pylist())}
    for (misfit, _, column, value), day in zip(events, days, strict=True):
        if day not in where:
            continue
        cells = table[column].to_pylist()
        cells[where[day]] = value
        table = table.set_column(table.schema.get_field_index(column), column, pa.array(cells, pa.string()))
        misfits.remove(misfit)
    return table


def _within(table: pa.Table, start: dt.date | None, end: dt.date | None) -> pa.Table:
    """The rows from start to end; a date that is none stays, for the gate to see."""
    if start is None and end is None:
        return table
    dates = table["trade_date"]
    first = start.isoformat() if start else "0000-00-00"
    last = end.isoformat() if end else "9999-99-99"
    inside = pc.and_(pc.greater_equal(dates, first), pc.less_equal(dates, last))
    unknown = pc.invert(pc.match_substring_regex(dates, PLAIN_DATE))
    return table.filter(pc.fill_null(pc.or_(inside, unknown), True))
