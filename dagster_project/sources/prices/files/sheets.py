"""Turns the bytes of a file into columns of text, with the line of each row.

Belongs here: encodings, delimiters, header lines, quotes, Parquet and Excel. Does not belong here: which column is
which (`layouts`) and what a cell means (`dates`, `numbers`).

A plain text file goes through Arrow's reader. One with quotes is read record by record, so that a stray quote costs its
own line and no others.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from dagster_project.sources.prices.files.errors import NoPriceTableError, UnreadableFileError, shortened
from dagster_project.sources.prices.files.folder import PriceFile
from dagster_project.sources.prices.files.layouts import header_of_headerless, names_prices, notice, symbol_in_titles
from dagster_project.sources.text import encoding_of, separator_said

BOOK_ENDINGS = (".xlsx", ".xlsm", ".xls", ".ods")
HEAD_BYTES = 64 * 1024
"""How much of a text file is looked at for its header."""

DELIMITERS = (",", ";", "\t", "|")
_WEB_PAGE = re.compile(
    r"\s*<(?:!doctype|!--|\?xml|html|head|body|script|style|div|table|p|h\d|title|meta|error)\b", re.I
)
_MOST_TITLES = 40
"""How many lines are looked at for the header: vendors write titles and notes above it."""
_FOOTER = re.compile(r'"?\s*(?:downloaded from|source:|data provided by|copyright|©)', re.IGNORECASE)
_TUPLE = re.compile(r"\(\s*'([^']*)'\s*,\s*'([^']*)'\s*\)")
_INDEX_NAMES = frozenset({"", "date", "datetime"})


@dataclass(frozen=True)
class Misfit:
    """A line that does not fit the header."""

    line: int
    reason: str
    record: str


@dataclass(frozen=True)
class Rows:
    """The rows of a sheet: the columns that were asked for by their place, and the line of each row.

    `typed` are the places of columns that the file itself holds as numbers, not as text.
    """

    columns: dict[int, pa.Array]
    lines: pa.Array
    misfits: tuple[Misfit, ...] = ()
    raw: Callable[[int], str] | None = None
    typed: frozenset[int] = frozenset()

    def record(self, at: int) -> str:
        """What stands in the file where this row was read."""
        if self.raw is not None:
            return self.raw(self.lines[at].as_py())
        return ",".join(str(column[at].as_py() or "") for _, column in sorted(self.columns.items()))


@dataclass(frozen=True)
class Block:
    """The columns of a sheet that belong together: their names and places, and the symbol where the header names it."""

    header: tuple[str, ...]
    places: tuple[int, ...]
    symbol: str | None = None


@dataclass(frozen=True)
class Sheet:
    """A file whose header was read.

    `blocks` are its columns, one block for each symbol where the header names symbols. `delimiter` parts its cells, ""
    where nothing does. `rows` reads the columns at these places.
    """

    blocks: tuple[Block, ...]
    delimiter: str
    rows: Callable[[Sequence[int]], Rows] = field(repr=False)


def open_sheet(file: PriceFile) -> Sheet:
    """Read a file's header; raises `UnreadableFileError` where there is none that can be read."""
    head = file.head(HEAD_BYTES)
    if not head.strip():
        raise UnreadableFileError("empty file")
    if head.startswith(b"PAR1") or file.ending in (".parquet", ".pq"):
        return _parquet(file)
    # some sites give a page or a text the ending of a workbook
    is_text = file.ending == ".xls" and b"\0" not in head
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")) or (file.ending in BOOK_ENDINGS and not is_text):
        return _workbook(file)
    return _text(file, head)


# ------------------------------------------------------------------------------------------------------ headers


@dataclass(frozen=True)
class _Header:
    """Where a header stands: the lines above it, the lines it takes, and what parts its cells."""

    at: int
    lines: int
    delimiter: str
    width: int
    blocks: tuple[Block, ...]


def _header(rows: Sequence[Sequence[str]], delimiters: Sequence[str] = ()) -> _Header | None:
    """The first line that is a header, below titles if there are any; None where no line is one."""
    for at in range(min(len(rows), _MOST_TITLES)):
        blocks, lines = _blocks(rows[at : at + 3])
        if blocks[0].symbol is None and not names_prices(rows[at]):
            continue
        if len(blocks) == 1 and blocks[0].symbol is None:
            symbol = symbol_in_titles([" ".join(cell for cell in row if cell.strip()) for row in rows[:at]])
            blocks = (replace(blocks[0], symbol=symbol),)
        return _Header(at, lines, delimiters[at] if delimiters else "", len(rows[at]), blocks)
    return None


def _blocks(first: Sequence[Sequence[str]]) -> tuple[tuple[Block, ...], int]:
    """The blocks of a header that may take several lines, and how many it takes.

    yfinance writes a table of several symbols with one line for the fields, one for the symbols and one for the index.
    """
    top = [cell.strip() for cell in first[0]]
    if len(first) > 1 and len(first[1]) == len(top) > 1:
        below = [cell.strip() for cell in first[1]]
        ends = {top[0].lower(), below[0].lower()}
        if ends <= {"price", "ticker", "attributes", "symbols", ""} and _names_close(top) != _names_close(below):
            fields, symbols = (top, below) if _names_close(top) else (below, top)
            has_index_line = len(first) > 2 and _is_index_line(first[2])
            if symbol_blocks := _symbol_blocks(fields, symbols):
                return symbol_blocks, 3 if has_index_line else 2
    return (Block(tuple(top), tuple(range(len(top)))),), 1


def _names_close(cells: Sequence[str]) -> bool:
    return any(cell.lower() in ("close", "adj close") for cell in cells[1:])


def _is_index_line(cells: Sequence[str]) -> bool:
    return cells[0].strip().lower() in _INDEX_NAMES and not any(cell.strip() for cell in cells[1:])


def _symbol_blocks(fields: Sequence[str], symbols: Sequence[str]) -> tuple[Block, ...]:
    names = dict.fromkeys(symbol for symbol in symbols[1:] if symbol)
    return tuple(
        Block(
            ("Date", *(fields[at] for at in range(1, len(fields)) if symbols[at] == name)),
            (0, *(at for at in range(1, len(fields)) if symbols[at] == name)),
            name,
        )
        for name in names
    )


# --------------------------------------------------------------------------------------------------------- text


def _text(file: PriceFile, head: bytes) -> Sheet:
    encoding = encoding_of(head)
    beginning = _beginning(head, encoding)
    if not beginning.strip():
        raise UnreadableFileError("empty file")
    if _WEB_PAGE.match(beginning):
        raise UnreadableFileError("a web page, not a price file: download it again", shortened(beginning.strip()))
    lines = _lines(beginning)
    if len(head) == HEAD_BYTES and len(lines) < 2:
        reason = f"the first line is longer than {HEAD_BYTES} bytes: no price file"
        raise UnreadableFileError(reason, shortened(lines[0]))
    header = _text_header(lines)
    start = header.at + header.lines

    def rows(places: Sequence[int]) -> Rows:
        data = _whole(file, encoding)
        lines = cache(lambda: data.split(b"\n"))
        found = _text_rows(data, start, header.delimiter, header.width, places)
        return replace(found, raw=lambda line: lines()[line - 1].decode(errors="replace").strip())

    return Sheet(header.blocks, header.delimiter, rows)


def _text_header(lines: Sequence[str]) -> _Header:
    """The header of a text; raises `UnreadableFileError` where a vendor sent a notice, or there is none to be seen."""
    top = lines[:_MOST_TITLES]
    said = next(((at, sign) for at, line in enumerate(top[:3]) if (sign := separator_said(line))), None)
    delimiters = [said[1] if said else max(DELIMITERS, key=line.count) for line in top]
    rows = [_cells(line, delimiter) for line, delimiter in zip(top, delimiters, strict=True)]
    if header := _header(rows, delimiters):
        return header
    at = next((at for at, line in enumerate(top) if line.strip() and not (said and said[0] == at)), 0)
    if known := header_of_headerless(rows[at]):
        return _Header(at, 0, delimiters[at], len(known), (Block(known, tuple(range(len(known)))),))
    if what := notice("\n".join(top)):
        raise NoPriceTableError(f"no prices, but a notice: {shortened(top[at].strip())}: {what}", top[at])
    if (
        len(rows[at]) > 1
        and any(map(_is_value, rows[at]))
        and all(_is_value(cell) for cell in rows[at] if cell.strip())
    ):
        raise NoPriceTableError(
            f"no header, the first line is {shortened(top[at])}: write the names of the columns above it, such as "
            "Date,Open,High,Low,Close,Volume",
            top[at],
        )
    # the line that comes closest to one: the first with as many cells as any, titles have fewer
    widest = max((len(row) for row in rows[at : at + 10]), default=1)
    at = next((line for line in range(at, len(rows)) if len(rows[line]) == widest), at)
    return _Header(at, 1, delimiters[at], len(rows[at]), _blocks(rows[at : at + 1])[0])


def _is_value(cell: str) -> bool:
    """Whether a cell is a number or a date, and no name of a column."""
    return re.fullmatch(r"[\d.,:/ TZ+-]*\d[\d.,:/ TZ+-]*", cell.strip()) is not None


def _beginning(head: bytes, encoding: str) -> str:
    if encoding != "utf-16" and b"\0" in head:
        raise UnreadableFileError("no text: save it as CSV UTF-8", repr(head[:40]))
    try:
        return head.decode(encoding)
    except UnicodeDecodeError as error:
        if error.end >= len(head) - 4 and len(head) == HEAD_BYTES:  # cut within a character
            return head[: error.start].decode(encoding)
        raise _not_text(head, error) from error


def _not_text(data: bytes, error: UnicodeDecodeError) -> UnreadableFileError:
    near = data[max(0, error.start - 40) : error.start + 40]
    reason = f"not UTF-8 text: byte 0x{data[error.start]:02x} at offset {error.start}: save it as CSV UTF-8"
    return UnreadableFileError(reason, repr(near))


def _whole(file: PriceFile, encoding: str) -> bytes:
    """The file as UTF-8, lines ending in a line feed."""
    data = file.read()
    if encoding == "utf-16":
        try:
            data = data.decode("utf-16").encode()
        except UnicodeDecodeError as error:
            raise _not_text(data, error) from error
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data


def _lines(text: str) -> list[str]:
    """The lines of a text, line ends taken off."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [""])
    except csv.Error:
        return line.split(delimiter)


def _text_rows(data: bytes, start: int, delimiter: str, width: int, places: Sequence[int]) -> Rows:
    offset = 0
    for _ in range(start):
        offset = data.find(b"\n", offset) + 1
        if not offset:
            return Rows({at: pa.array([], pa.string()) for at in places}, pa.array([], pa.int64()))
    if data.find(b'"', offset) != -1:
        return _quoted_rows(data, start, delimiter, width, places)
    try:
        return _plain_rows(data, offset, start, delimiter, width, places)
    except pa.ArrowInvalid as error:
        try:
            data.decode()
        except UnicodeDecodeError as wrong:
            raise _not_text(data, wrong) from wrong
        raise UnreadableFileError(f"not readable as text: {shortened(str(error))}") from error


def _plain_rows(data: bytes, offset: int, start: int, delimiter: str, width: int, places: Sequence[int]) -> Rows:
    """The rows of a text without quotes, by Arrow's reader."""
    unfit: list[pacsv.InvalidRow] = []

    def put_aside(row: pacsv.InvalidRow) -> str:
        unfit.append(row)
        return "skip"

    if data.find(b"\n", offset) == -1 and not data[offset:].strip():
        return Rows({at: pa.array([], pa.string()) for at in places}, pa.array([], pa.int64()))
    names = [str(at) for at in range(width)]
    table = pacsv.read_csv(
        pa.BufferReader(memoryview(data)[offset:]),
        read_options=pacsv.ReadOptions(column_names=names, use_threads=False, block_size=1 << 20),
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter, quote_char=False, ignore_empty_lines=False, invalid_row_handler=put_aside
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=[names[at] for at in dict.fromkeys(places)],
            strings_can_be_null=False,
        ),
    )
    count = table.num_rows + len(unfit)
    lines = pa.array(np.arange(start + 1, start + 1 + count))
    if unfit:
        kept = [True] * count
        for row in unfit:
            kept[row.number - 1] = False
        lines = lines.filter(pa.array(kept))
    columns = {at: joined(table.column(names[at])) for at in places}
    found = [(start + row.number, row.text.split(delimiter), row.text) for row in unfit]
    return _with_nearly_fitting(columns, lines, found, width)


def joined(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def _quoted_rows(data: bytes, start: int, delimiter: str, width: int, places: Sequence[int]) -> Rows:
    """The rows of a text with quotes, record by record."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _not_text(data, error) from error
    lines = list(io.StringIO(text, newline=""))
    flat: list[list[str]] = [[] for _ in places]  # a million small lists would keep the garbage collector busy
    numbers: list[int] = []
    unfit: list[tuple[int, list[str] | None, str]] = []
    for number, cells in _records(lines, start, delimiter, width):
        if cells is not None and len(cells) == width:
            for column, at in zip(flat, places, strict=True):
                column.append(cells[at])
            numbers.append(number)
        else:
            unfit.append((number, cells, lines[number - 1].rstrip("\r\n")))
    columns = {at: pa.array(column, pa.string()) for at, column in zip(places, flat, strict=True)}
    return _with_nearly_fitting(columns, pa.array(numbers, pa.int64()), unfit, width)


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


def _with_nearly_fitting(
    columns: dict[int, pa.Array], lines: pa.Array, unfit: Sequence[tuple[int, list[str] | None, str]], width: int
) -> Rows:
    """The rows, those added that only have more or fewer empty cells at their end; the others as misfits."""
    misfits: list[Misfit] = []
    more: dict[int, list[str]] = {at: [] for at in columns}
    more_lines: list[int] = []
    for number, cells, raw in unfit:
        record = raw.strip()
        if not record.strip(' ,;\t|"'):
            continue
        if cells is None:
            misfits.append(Misfit(number, "a stray quote", record))
        elif len(cells) > width and not any(cell.strip() for cell in cells[width:]):
            for at, column in more.items():
                column.append(cells[at])
            more_lines.append(number)
        elif not (len([cell for cell in cells if cell.strip()]) == 1 and _FOOTER.match(record)):
            misfits.append(Misfit(number, f"{len(cells)} cells, the header has {width}", record))
    if more_lines:
        lines = pa.concat_arrays([lines, pa.array(more_lines, pa.int64())])
        columns = {at: pa.concat_arrays([column, pa.array(more[at], pa.string())]) for at, column in columns.items()}
        order = pc.sort_indices(lines)
        lines = lines.take(order)
        columns = {at: column.take(order) for at, column in columns.items()}
    return Rows(columns, lines, tuple(misfits))


# ---------------------------------------------------------------------------------------------- Parquet and Excel


def _parquet(file: PriceFile) -> Sheet:
    """A Parquet file; its first row counts as line 2, as if a header stood above it."""
    try:
        with pq.ParquetFile(pa.BufferReader(file.read()), page_checksum_verification=True) as parquet:
            table = parquet.read()
        table.validate(full=True)
        names = tuple(table.column_names)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"not a readable Parquet file: {shortened(str(error))}", file.name) from error

    def rows(places: Sequence[int]) -> Rows:
        columns = {at: _as_text(names[at], table.column(at)) for at in places}
        typed = frozenset(at for at in places if not _holds_text(table.schema.field(at).type))
        return Rows(columns, pa.array(np.arange(2, table.num_rows + 2)), typed=typed)

    index = _pandas_index(table)
    shown = ["Date" if name == index or name.startswith("__index_level_") else name for name in names]
    return Sheet(_parquet_blocks(shown), "", rows)


def _holds_text(kind: pa.DataType) -> bool:
    held = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(
        pa.types.is_string(held)
        or pa.types.is_large_string(held)
        or pa.types.is_string_view(held)
        or pa.types.is_binary(held)
        or pa.types.is_large_binary(held)
    )


def _pandas_index(table: pa.Table) -> str | None:
    """The column that pandas wrote its dates into, where no other is called a date."""
    columns = (table.schema.pandas_metadata or {}).get("index_columns", [])
    names = [name for name in columns if isinstance(name, str)]
    has_date = any(name.strip("()' ").lower() in ("date", "datetime") for name in table.column_names)
    return names[0] if len(names) == 1 and not has_date else None


def _parquet_blocks(names: Sequence[str]) -> tuple[Block, ...]:
    """The blocks of a table; pandas writes the names of a column index of two levels as `('Close', 'CLSK')`."""
    parts = [_TUPLE.fullmatch(name) for name in names]
    if not any(parts):
        return (Block(tuple(names), tuple(range(len(names)))),)
    pairs = [(match[1], match[2]) if match else (name, "") for match, name in zip(parts, names, strict=True)]
    if not _names_close(["", *(first for first, _ in pairs)]):
        pairs = [(second, first) if second else (first, "") for first, second in pairs]
    dates = [at for at, (first, second) in enumerate(pairs) if not second or first.lower() in ("date", "datetime")]
    if not dates:
        raise UnreadableFileError("no column for the date in the table", ",".join(names))
    symbols = dict.fromkeys(second for at, (_, second) in enumerate(pairs) if second and at not in dates)
    return tuple(
        Block(
            ("Date", *(first for first, second in pairs if second == symbol)),
            (dates[0], *(at for at, (_, second) in enumerate(pairs) if second == symbol)),
            symbol,
        )
        for symbol in symbols
    )


def _as_text(name: str, column: pa.ChunkedArray) -> pa.Array:
    """A typed column as text that reads back to the same values."""
    try:
        if pa.types.is_timestamp(column.type) and column.type.tz:
            local = pc.local_timestamp(column)
            is_day = pc.all(pc.equal(local, pc.floor_temporal(local, unit="day"))).as_py()
            column = (
                local.cast(pa.date32())
                if is_day
                else pc.divide(column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()), 10**6)
            )
        text = column.cast(pa.string())
    except pa.ArrowException as error:
        reason = f"column {name} holds {column.type}, neither text nor numbers nor dates"
        raise UnreadableFileError(reason, name) from error
    return joined(text)


def _workbook(file: PriceFile) -> Sheet:
    """The first sheet of an Excel or OpenDocument file that has a header of prices."""
    from python_calamine import CalamineError, CalamineWorkbook

    tables: dict[str, list[list[object]]] = {}
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(file.read()))
        for name in book.sheet_names:
            tables[name] = list(map(list, book.get_sheet_by_name(name).to_python(skip_empty_area=False)))
    except (CalamineError, ValueError, OSError, IndexError) as error:
        raise UnreadableFileError(f"not a readable workbook: {shortened(str(error))}", file.name) from error
    tables = {name: cells for name, cells in tables.items() if any(any(map(_cell_text, row)) for row in cells)}
    if not tables:
        raise UnreadableFileError("empty file")
    headers = {
        name: _header([list(map(_cell_text, row)) for row in cells[:_MOST_TITLES]]) for name, cells in tables.items()
    }
    chosen = next((name for name, header in headers.items() if header), next(iter(tables)))
    others = [name for name, header in headers.items() if name != chosen and header]
    if others:
        raise UnreadableFileError(
            f"several sheets of prices ({', '.join([chosen, *others][:5])}): save each as a file that is called by its "
            "symbol",
            file.name,
        )
    cells = tables[chosen]
    first = next(at for at, row in enumerate(cells) if any(map(_cell_text, row)))
    header = headers[chosen] or _Header(
        first, 1, "", len(cells[first]), _blocks([list(map(_cell_text, cells[first]))])[0]
    )

    def rows(places: Sequence[int]) -> Rows:
        start = header.at + header.lines
        body = cells[start:]
        columns = {at: pa.array([_cell_text(row[at]) for row in body], pa.string()) for at in places}
        typed = frozenset(at for at in places if not any(isinstance(row[at], str) and row[at] for row in body))
        return Rows(columns, pa.array(range(start + 1, start + 1 + len(body)), pa.int64()), typed=typed)

    return Sheet(header.blocks, "", rows)


def _cell_text(cell: object) -> str:
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(" ")
    if isinstance(cell, dt.date):
        return cell.isoformat()
    if isinstance(cell, float):
        return repr(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return str(cell)
