"""Tells which files need not be read again, and of which the new lines alone need be.

A file is unchanged where its size and time are those that were remembered, or where its bytes are; and where nothing
else that its reading rests on is another: the code, the settings, the reference list. A text has grown where it begins
with the bytes that were remembered. Its new lines are read beneath its first and last old ones (`Growth`); they stand
for the whole where these are read as they were before, and where the new ones are later days and nothing unusual.

Belongs here: that judgement. Does not belong here: where it is remembered (`warehouse.files_read`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

import dagster_project
from dagster_project.contracts.batch import FileRead
from dagster_project.sources.prices.base import PriceRequest
from dagster_project.sources.prices.files.dates import DateOrder
from dagster_project.sources.prices.files.errors import UnreadableFileError
from dagster_project.sources.prices.files.folder import TEXT_ENDINGS, PriceFile

_SETTLED = dt.timedelta(seconds=2)
"""A file that was written so shortly before it is read may be written once more within one tick of the clock."""


class ReadBefore:
    """The files that are loaded already, as one reading of a folder sees them."""

    def __init__(self, request: PriceRequest, date_order: DateOrder | None, now: dt.datetime) -> None:
        """A request for picked symbols or days, or for the full history, wants every file read."""
        self.is_asked = not request.is_partial
        self.reader = _digest(
            _code(), str(date_order), ",".join(sorted(request.symbols)), ",".join(sorted(request.always_open))
        )
        self._known: Mapping[str, FileRead] = {} if request.is_partial or request.full_history else request.files
        self._now_ns = int(now.timestamp() * 10**9)

    def unchanged(self, file: PriceFile) -> FileRead | None:
        """What was remembered of a file that has not changed since; None where it has to be read."""
        known = self._known.get(file.label)
        if known is None or known.reader != self.reader or known.size_bytes != file.size_bytes:
            return None
        if known.modified_ns == file.modified_ns:
            return known
        try:
            is_same = hashlib.sha256(file.read()).hexdigest() == known.digest
        except (OSError, UnreadableFileError):
            return None
        if not is_same:
            return None
        # a time that may still change under the same bytes is not taken over
        return replace(known, modified_ns=file.modified_ns) if self._is_settled(file) else known

    def grown(self, file: PriceFile) -> Growth | None:
        """What has come to a text since it was loaded; None where anything else has changed, or nothing can be said."""
        known = self._known.get(file.label)
        if known is None or known.reader != self.reader or not known.edges or file.size_bytes <= known.size_bytes:
            return None
        data = file.read()
        hashed = hashlib.sha256(memoryview(data)[: known.size_bytes])
        if len(data) != file.size_bytes or hashed.hexdigest() != known.digest:
            return None
        hashed.update(memoryview(data)[known.size_bytes :])
        first, last = _edge_lines(data, known.size_bytes)
        left_out = data.count(b"\n", first, last)
        return Growth(known, hashed.hexdigest(), data[:first] + data[last:], left_out)

    def read(
        self, file: PriceFile, data: bytes, rows: pa.Table, groups: tuple[str, ...], remarks: tuple[str, ...]
    ) -> FileRead:
        """What to remember of a file that was read, `rows` being all that it brought."""
        digest = hashlib.sha256(data).hexdigest()
        is_text = len(data) == file.size_bytes and file.ending in TEXT_ENDINGS
        edges, last = (_edges(rows, data), pc.max(rows["trade_date"]).as_py() or "") if is_text else ("", "")
        return FileRead(
            file.label,
            file.size_bytes,
            self.modified_ns(file),
            digest,
            self.reader,
            groups,
            remarks,
            edges if last else "",
            last,
        )

    def modified_ns(self, file: PriceFile) -> int:
        """The time by which a file is known that was read now; 0 where it may still change within that time."""
        return file.modified_ns if self._is_settled(file) else 0

    def _is_settled(self, file: PriceFile) -> bool:
        return file.modified_ns < self._now_ns - _SETTLED.total_seconds() * 10**9


@dataclass(frozen=True)
class Growth:
    """A text that begins with the bytes that were loaded already.

    `digest` is a hash of all its bytes, `excerpt` its first and last old lines and below them the new ones, `left_out`
    how many lines were left out between.
    """

    known: FileRead
    digest: str
    excerpt: bytes
    left_out: int

    def new_rows(self, read: pa.Table) -> pa.Table | None:
        """Of the rows that were read of the excerpt those below the old lines, with their lines in the whole file.

        None where the whole has to be read: the old lines are read otherwise now (a split divides them, say), or a new
        row is not of a later day.
        """
        is_old = pc.less_equal(read["source_row"], 2 * _EDGE_LINES)
        if _digest_of_rows(read.filter(is_old)) != self.known.edges:
            return None
        rows = read.filter(pc.invert(is_old))
        if not pc.all(pc.greater(rows["trade_date"], self.known.last_date), min_count=0).as_py():
            return None
        at = rows.schema.get_field_index("source_row")
        return rows.set_column(at, "source_row", pc.add(rows["source_row"], self.left_out))

    def read(self, file: PriceFile, read: pa.Table, before: ReadBefore) -> FileRead:
        """What to remember of the whole file, `read` being the rows of the excerpt."""
        return replace(
            self.known,
            size_bytes=file.size_bytes,
            modified_ns=before.modified_ns(file),
            digest=self.digest,
            edges=_edges(read, self.excerpt),
            last_date=max(pc.max(read["trade_date"]).as_py() or "", self.known.last_date),
        )


_EDGE_LINES = 64
"""So many lines from either end: titles, header, and enough rows to tell how dates and numbers are written."""


def _edge_lines(data: bytes, size: int) -> tuple[int, int]:
    """Where the first lines of the first `size` bytes end, and where their last ones begin."""
    first, last = 0, size
    for _ in range(_EDGE_LINES):
        first = data.find(b"\n", first, size) + 1
    for _ in range(_EDGE_LINES + 1):
        last = data.rfind(b"\n", 0, last)
    return first, last + 1


def _edges(rows: pa.Table, data: bytes) -> str:
    """A hash of the rows of the first and last lines; empty for a text that is too short."""
    lines = data.count(b"\n")
    if lines <= 2 * _EDGE_LINES:
        return ""
    at = rows["source_row"]
    is_edge = pc.or_(pc.less_equal(at, _EDGE_LINES), pc.greater(at, lines - _EDGE_LINES))
    return _digest_of_rows(rows.filter(is_edge))


def _digest_of_rows(rows: pa.Table) -> str:
    return _digest(json.dumps(rows.drop_columns(["source_file", "source_row"]).to_pydict()))


_READ_WITH = ("pyarrow", "pandas", "python-calamine", "exchange-calendars", "great-expectations", "duckdb")
"""Packages whose next version may read or judge the same file otherwise."""


@cache
def _code() -> str:
    """A hash of the code that reads, judges and loads, ours and others': a change of it reads every file again."""
    home = Path(dagster_project.__file__).parent
    rooms = ("contracts", "gate", "sources", "warehouse")
    modules = [home / "sessions.py", home / "stored_rows.py"]
    modules += [path for room in rooms for path in sorted((home / room).rglob("*.py"))]
    return _digest(*(path.read_text(encoding="utf-8") for path in modules), *map(version, _READ_WITH))


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
