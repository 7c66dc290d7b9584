"""Reads daily prices from a folder of files that vendors let people download.

Belongs here: recognising a vendor's layout, and rewriting its dates and numbers as ISO dates and plain decimals, text
to text. Does not belong here: judging whether a value is plausible (the quality gate), or fetching anything from a
network. A cell that cannot be rewritten is handed on as it is, so that the gate can report it with file and line.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import re
import zlib
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dagster_project.contracts.batch import Batch, Reject
from dagster_project.contracts.market import DAILY_PRICES
from dagster_project.sources.base import EmptyFetchError, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dagster_project.sources.prices.base import PriceRequest


@dataclass(frozen=True)
class Format:
    """How one vendor lays out a file; header names are in lower case, with spaces for underscores.

    `columns` and `optional` pair the vendor's header with ours. Beside the contract's columns there are two that only
    check: `ticker` must agree with the file name and `period` must say daily. `unused` headers are known and left out.
    `month_first` reads 11/21/2025 as a date.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    optional: tuple[tuple[str, str], ...] = ()
    unused: tuple[str, ...] = ()
    month_first: bool = False

    def matches(self, header: tuple[str, ...]) -> bool:
        """Whether a file with this header, in any order, is of this format."""
        needed = {name for name, _ in self.columns}
        allowed = needed | {name for name, _ in self.optional} | set(self.unused)
        return len(set(header)) == len(header) and needed <= set(header) <= allowed


_DATE_AND_BAR = (("date", "trade_date"), ("open", "open"), ("high", "high"), ("low", "low"))

FORMATS: tuple[Format, ...] = (
    Format(
        "Yahoo or Stooq",
        columns=(*_DATE_AND_BAR, ("close", "close")),
        optional=(("adj close", "adj_close"), ("volume", "volume")),
    ),
    Format(
        "Stooq in Polish",
        columns=(
            ("data", "trade_date"),
            ("otwarcie", "open"),
            ("najwyzszy", "high"),
            ("najnizszy", "low"),
            ("zamkniecie", "close"),
        ),
        optional=(("wolumen", "volume"),),
    ),
    Format(
        "Stooq bulk",
        columns=(
            ("<ticker>", "ticker"),
            ("<per>", "period"),
            ("<date>", "trade_date"),
            ("<open>", "open"),
            ("<high>", "high"),
            ("<low>", "low"),
            ("<close>", "close"),
            ("<vol>", "volume"),
        ),
        unused=("<time>", "<openint>"),
    ),
    Format(
        "Nasdaq.com",
        columns=(*_DATE_AND_BAR, ("close/last", "close"), ("volume", "volume")),
        month_first=True,
    ),
    Format(
        "Investing.com",
        columns=(*_DATE_AND_BAR, ("price", "close")),
        optional=(("vol.", "volume"),),
        unused=("change %",),
        month_first=True,
    ),
    Format(
        "plain",
        columns=(("date", "trade_date"), ("close", "close")),
        optional=(("adj close", "adj_close"), ("volume", "volume")),
    ),
)
"""The layouts that are read. They exclude each other, so that their order does not matter."""

_SCHEMA = pa.schema(
    [(name, pa.string()) for name in (*DAILY_PRICES.column_names, "source_file")] + [("source_row", pa.int64())]
)

_SUFFIXES = (".csv.gz", ".csv", ".parquet", ".txt")
_DELIMITERS = (",", ";", "\t")
_MISSING = frozenset({"", "-", "n/a", "nan", "null"})
_FACTORS = {"K": 10**3, "M": 10**6, "B": 10**9}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_BROWSER_COPY = re.compile(r" ?\(\d+\)$")
_VENDOR_NAMES = (
    re.compile(r"(.+) historical data", re.IGNORECASE),  # Investing.com
    re.compile(r"(.+?)(?:_us)?_d", re.IGNORECASE),  # Stooq, one symbol
    re.compile(r"(.+)\.us", re.IGNORECASE),  # Stooq, bulk
)
_WEB_PAGE = re.compile(r"\s*<(?:!doctype|!--|\?xml|html|head|body|script)", re.IGNORECASE)

# Cells that match one of these, nearly all of them, are right as they are and never leave Arrow.
_PLAIN_DATE = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"
_PLAIN_PRICE = r"^-?\d+(\.\d+)?$"
_PLAIN_COUNT = r"^-?\d+$"

_DRESSING = r"[\s$,]"
_SIGNED = r"\s*-?\$?\d+(\.\d+)?"
_GROUPED = r"\s*-?\$?\d{1,3}(,\d{3})+(\.\d+)?"

_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_WORDED = re.compile(r"([A-Za-z]{3}) (\d{1,2}), (\d{4})")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)([eE][+-]?\d{1,3})?")


class FilePrices:
    """Every price file of one folder, for whatever symbols the file names say."""

    name: str = "files"
    is_simulated: bool = False
    is_local: bool = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fetch(self, request: PriceRequest) -> Batch:
        """All rows of all readable files within the request's days, and as rejects what could not be read.

        Raises `SourceError` where the folder is missing, `EmptyFetchError` where it brings neither rows nor rejects.
        """
        tables = [_SCHEMA.empty_table()]
        rejects: list[Reject] = []
        owners: dict[str, str] = {}
        for path in _data_files(self.folder):
            try:
                symbol = _symbol(path.name)
                if request.only_listed and symbol not in request.symbols:
                    continue
                owner = owners.setdefault(symbol, path.name)
                if owner != path.name:
                    raise _UnreadableError(f"a second file for {symbol}, beside {owner}: keep one of them", path.name)
                table, misfits = _read(path, symbol)
            except _UnreadableError as error:
                rejects.append(Reject(path.name, None, error.reason, error.record))
            else:
                tables.append(_within(table, request.start, request.end))
                rejects.extend(misfits)
        rows = pa.concat_tables(tables)
        if not rows.num_rows and not rejects:
            of_whom = f" of {', '.join(request.symbols)}" if request.only_listed else ""
            days = f"from {request.start or 'the beginning'} to {request.end or 'the end'}"
            raise EmptyFetchError(f"{self.folder} has no price{of_whom} {days}")
        asked = request.symbols if request.only_listed else ()
        missing = {symbol: f"no file for it in {self.folder.name}" for symbol in asked if symbol not in owners}
        return Batch(self.name, rows, tuple(rejects), missing=missing, is_partial=request.is_partial)


class _UnreadableError(Exception):
    """A whole file could not be read; becomes a `Reject`."""

    def __init__(self, reason: str, record: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.record = record


@dataclass(frozen=True)
class _Sheet:
    """A file as columns of text: `lines` is each row's line, `misfits` the lines that did not fit the header.

    `commas_group` is whether a comma can only be a thousands separator: beside a `;` or tab it may be a decimal one.
    """

    header: tuple[str, ...]
    columns: tuple[pa.Array, ...]
    lines: pa.Array
    misfits: tuple[Reject, ...] = ()
    commas_group: bool = True


def _data_files(folder: Path) -> list[Path]:
    """The folder's data files by name."""
    if not folder.is_dir():
        raise SourceError(f"price folder {folder} does not exist, or is not a folder")
    found = sorted((path for path in folder.iterdir() if _is_data_file(path)), key=lambda path: path.name)
    if not found:
        raise EmptyFetchError(f"price folder {folder} has no .csv, .csv.gz or .parquet file")
    return found


def _is_data_file(path: Path) -> bool:
    name = path.name.lower()
    if name.startswith((".", "readme")) or not name.endswith(_SUFFIXES) or not path.is_file():
        return False
    return not name.endswith(".txt") or _starts_like_stooq_bulk(path)


def _starts_like_stooq_bulk(path: Path) -> bool:
    """Whether a .txt file is a price file at all: of all vendors only Stooq uses that extension."""
    try:
        with path.open("rb") as file:
            return file.readline(100).removeprefix(b"\xef\xbb\xbf").lower().startswith(b"<ticker>")
    except OSError:
        return False


def _symbol(file_name: str) -> str:
    """The symbol that a file name holds."""
    suffix = next(suffix for suffix in _SUFFIXES if file_name.lower().endswith(suffix))
    stem = _BROWSER_COPY.sub("", file_name[: -len(suffix)]).strip()
    matches = (pattern.fullmatch(stem) for pattern in _VENDOR_NAMES)
    symbol = next((match[1] for match in matches if match), stem).upper()
    if not re.fullmatch(DAILY_PRICES.column("symbol").pattern or ".+", symbol):
        raise _UnreadableError(f"no symbol in the file name: rename it to SYMBOL{suffix}", file_name)
    return symbol


def _read(path: Path, symbol: str) -> tuple[pa.Table, tuple[Reject, ...]]:
    """The rows of one file in the batch's columns, and the lines that are not rows of it."""
    sheet = _read_parquet(path) if path.name.lower().endswith(".parquet") else _read_text(path)
    names = tuple(name.strip().lower().replace("_", " ") for name in sheet.header)
    layout = _format_of(names, ",".join(sheet.header))
    if not len(sheet.lines) and not sheet.misfits:
        raise _UnreadableError("no row below the header", ",".join(sheet.header))
    ours = dict((*layout.columns, *layout.optional))
    cells = {ours[name]: column for name, column in zip(names, sheet.columns, strict=True) if name in ours}
    if layout.month_first:
        _refuse_day_first(cells["trade_date"])

    kept, strangers = _of_symbol(sheet, cells, symbol, path.name)
    count = len(sheet.lines)
    made = {
        "symbol": pa.repeat(pa.scalar(symbol), count),
        "trade_date": _rewritten(cells["trade_date"], _PLAIN_DATE, _us_date if layout.month_first else _date),
        "source_file": pa.repeat(pa.scalar(path.name), count),
        "source_row": sheet.lines,
    }
    for name in ("open", "high", "low", "close", "adj_close"):
        if name in cells:
            made[name] = _rewritten(_bare(cells[name], sheet.commas_group), _PLAIN_PRICE, _price)
    if "volume" in cells:
        made["volume"] = _rewritten(_bare(cells["volume"], sheet.commas_group, "[KMBkmb]?"), _PLAIN_COUNT, _count)
    table = pa.table([made.get(field.name, pa.nulls(count, field.type)) for field in _SCHEMA], schema=_SCHEMA)
    return table.filter(kept), (*sheet.misfits, *strangers)


def _format_of(names: tuple[str, ...], seen: str) -> Format:
    for known in FORMATS:
        if known.matches(names):
            return known
    known_names = ", ".join(known.name for known in FORMATS)
    raise _UnreadableError(f"unknown header: {_short(seen)}; known formats: {known_names}", seen)


def _of_symbol(
    sheet: _Sheet, cells: dict[str, pa.Array], symbol: str, file_name: str
) -> tuple[pa.Array, tuple[Reject, ...]]:
    """Which rows are daily bars of the symbol, and the others as rejects: only layouts that say so can tell."""
    kept = pa.repeat(pa.scalar(True), len(sheet.lines))
    strangers: list[Reject] = []
    for name, wanted, reason in (
        ("ticker", symbol, f"ticker {{}} is not the file name's {symbol}"),
        ("period", "D", "period {} is not D (daily)"),
    ):
        if name not in cells:
            continue
        said = pc.replace_substring_regex(pc.utf8_upper(pc.utf8_trim_whitespace(cells[name])), r"\.US$", "")
        agrees = pc.fill_null(pc.equal(said, wanted), False)
        for row in pc.indices_nonzero(pc.and_not(kept, agrees)).to_pylist():
            record = ",".join(column[row].as_py() or "" for column in sheet.columns)
            line = sheet.lines[row].as_py()
            strangers.append(Reject(file_name, line, reason.format(cells[name][row].as_py()), record))
        kept = pc.and_(kept, agrees)
    return kept, tuple(strangers)


def _within(table: pa.Table, start: dt.date | None, end: dt.date | None) -> pa.Table:
    """The rows from start to end; a date that is none stays, for the gate to see."""
    dates = table["trade_date"]
    first = start.isoformat() if start else "0000-00-00"
    last = end.isoformat() if end else "9999-99-99"
    inside = pc.and_(pc.greater_equal(dates, first), pc.less_equal(dates, last))
    unknown = pc.invert(pc.match_substring_regex(dates, _PLAIN_DATE))
    return table.filter(pc.fill_null(pc.or_(inside, unknown), True))


# Files -> sheets


def _read_parquet(path: Path) -> _Sheet:
    """A Parquet file; its first row counts as line 2, as if a header stood above it."""
    if not path.stat().st_size:
        raise _UnreadableError("empty file", "")
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
        table.validate(full=True)
        header = tuple(table.column_names)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _UnreadableError(f"not a readable Parquet file: {_short(str(error))}", path.name) from error
    columns = tuple(_as_text(name, column) for name, column in zip(header, table.columns, strict=True))
    return _Sheet(header, columns, pa.array(range(2, table.num_rows + 2), pa.int64()))


def _as_text(name: str, column: pa.ChunkedArray) -> pa.Array:
    """A typed column as text that reads back to the same values."""
    try:
        if pa.types.is_timestamp(column.type) and column.type.tz:
            column = pc.local_timestamp(column)
        text = column.cast(pa.string()).combine_chunks()
    except pa.ArrowException as error:
        reason = f"column {name} holds {column.type}, neither text nor numbers nor dates"
        raise _UnreadableError(reason, name) from error
    return pa.concat_arrays(text.chunks) if isinstance(text, pa.ChunkedArray) else text


def _read_text(path: Path) -> _Sheet:
    """A delimited text file."""
    lines = list(io.StringIO(_decoded(path), newline=""))
    top = next(number for number, line in enumerate(lines) if line.strip())
    delimiter = max(_DELIMITERS, key=lines[top].count)
    header = tuple(cell.strip() for cell in next(csv.reader([lines[top]], delimiter=delimiter)))

    flat: list[str] = []  # row after row: a million small lists would keep the garbage collector busy for seconds
    numbers: list[int] = []
    misfits: list[Reject] = []
    for number, cells in _records(lines, top + 1, delimiter, len(header)):
        if cells is not None and len(cells) == len(header):
            flat.extend(cells)
            numbers.append(number)
        elif raw := lines[number - 1].strip():
            reason = f"{len(cells)} cells, the header has {len(header)}" if cells else "a stray quote"
            misfits.append(Reject(path.name, number, reason, raw))
    columns = tuple(pa.array(flat[place :: len(header)], pa.string()) for place in range(len(header)))
    return _Sheet(header, columns, pa.array(numbers, pa.int64()), tuple(misfits), commas_group=delimiter == ",")


def _decoded(path: Path) -> str:
    try:
        data = gzip.decompress(path.read_bytes()) if path.name.lower().endswith(".gz") else path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _UnreadableError(f"not a readable gzip file: {error}", path.name) from error
    except OSError as error:
        raise _UnreadableError(f"cannot be opened: {error.strerror}", path.name) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        near = data[max(0, error.start - 40) : error.start + 40]
        reason = f"not UTF-8 text: byte 0x{data[error.start]:02x} at offset {error.start}"
        raise _UnreadableError(reason, repr(near)) from error
    if not text.strip():
        raise _UnreadableError("empty file", "")
    if _WEB_PAGE.match(text):
        raise _UnreadableError("a web page, not a price file: download it again", _short(text.strip()))
    return text


def _records(lines: list[str], start: int, delimiter: str, width: int) -> Iterator[tuple[int, list[str] | None]]:
    """Each record's first line number and its cells, None where a stray quote would swallow the lines below.

    Such a line is given up alone and reading goes on with the next one, so that one bad line costs no good ones.
    """
    at = start
    while at < len(lines):
        reader = csv.reader(map(lines.__getitem__, range(at, len(lines))), delimiter=delimiter, strict=True)
        base = at
        while at < len(lines):
            try:
                cells = next(reader)
                stray = base + reader.line_num > at + 1 and len(cells) != width
            except csv.Error:
                stray = True
            if stray:
                yield at + 1, None
                at += 1
                break
            yield at + 1, cells
            at = base + reader.line_num


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]} ..."


# Cells -> plain text


def _rewritten(cells: pa.Array, plain: str, rewrite: Callable[[str], str | None]) -> pa.Array:
    """The cells, with those that do not match `plain` rewritten one by one."""
    odd = pc.fill_null(pc.invert(pc.match_substring_regex(cells, plain)), False)
    coded = pc.filter(cells, odd).dictionary_encode()
    fresh = pa.array([rewrite(cell) for cell in coded.dictionary.to_pylist()], pa.string())
    return pc.replace_with_mask(cells, odd, fresh.take(coded.indices))


def _is_missing(cell: str) -> bool:
    return cell.strip().lower() in _MISSING


def _date(cell: str) -> str | None:
    """An ISO date from 20251121, Nov 21, 2025 or midnight of a day."""
    if _is_missing(cell):
        return None
    text = cell.strip()
    if match := _ISO.fullmatch(text):
        return match[1]
    if match := _COMPACT.fullmatch(text):
        return _iso(match[1], match[2], match[3]) or cell
    if (match := _WORDED.fullmatch(text)) and match[1].lower() in _MONTHS:
        return _iso(match[3], _MONTHS.index(match[1].lower()) + 1, match[2]) or cell
    return cell


def _us_date(cell: str) -> str | None:
    """An ISO date, from 11/21/2025 as well."""
    if match := _SLASHED.fullmatch(cell.strip()):
        return _iso(match[3], match[1], match[2]) or cell
    return _date(cell)


def _iso(year: str, month: str | int, day: str) -> str | None:
    try:
        return dt.date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


def _refuse_day_first(dates: pa.Array) -> None:
    """Refuse a file whose dates are day/month/year: read month first, many would become wrong dates unnoticed."""
    slashed = [match for text in dates.unique().to_pylist() if text and (match := _SLASHED.fullmatch(text.strip()))]
    day_first = [match[0] for match in slashed if int(match[1]) > 12 and _iso(match[3], match[2], match[1])]
    month_first = any(int(match[2]) > 12 for match in slashed)
    if day_first and not month_first:
        raise _UnreadableError(f"dates are day first ({day_first[0]}): export it with month/day/year", day_first[0])


def _bare(cells: pa.Array, commas_group: bool, suffix: str = "") -> pa.Array:
    """The cells without dollar signs and, where a comma can mean nothing else, thousands separators."""
    if not pc.any(pc.match_substring_regex(cells, _DRESSING)).as_py():
        return cells
    number = f"({_SIGNED}|{_GROUPED})" if commas_group else _SIGNED
    dressed = pc.match_substring_regex(cells, rf"^{number}{suffix}\s*$")
    return pc.if_else(dressed, pc.replace_substring_regex(cells, _DRESSING, ""), cells)


def _price(cell: str) -> str | None:
    """A plain decimal from 1.2e-05."""
    if _is_missing(cell):
        return None
    match = _NUMBER.fullmatch(cell.strip())
    if not match:
        return cell
    return format(Decimal(match[0]), "f") if match[2] else match[1]


def _count(cell: str) -> str | None:
    """A whole number from 12.34M or 1234.0."""
    if _is_missing(cell):
        return None
    text = cell.strip().upper()
    factor = _FACTORS.get(text[-1:], 1)
    number = text if factor == 1 else text[:-1]
    if not _NUMBER.fullmatch(number):
        return cell
    count = Decimal(number) * factor
    return str(int(count)) if count == count.to_integral_value() else cell
