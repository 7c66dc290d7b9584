"""Defines the rows of one load on their way from a source through the gate to the warehouse.

Belongs here: `Batch` and `Reject`, which all three share. Does not belong here: reading, judging or writing them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import datetime as dt

    from dagster_project.stored_rows import StoredRows


def visible(text: str) -> str:
    r"""The text with every character that is not seen written out as JSON does (`\u202e`), tabs apart.

    Names and cells from outside may hold control characters, characters that turn the direction of reading, or bytes
    that are no text at all (a file name's); so written they harm no log, page or table.
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign == "\t" else json.dumps(sign)[1:-1] for sign in text)


@dataclass(frozen=True)
class Reject:
    """A row that was kept out, or something that could not be read as rows at all: a file, or one line of it.

    `source_row` is the line in the file (the header is line 1), or None where the whole file is meant; `record` is what
    was seen, so that nothing is lost. All texts are made `visible`.
    """

    source_file: str
    source_row: int | None
    reason: str
    record: str

    def __post_init__(self) -> None:
        """Whatever was seen, it can be shown."""
        for name in ("source_file", "reason", "record"):
            object.__setattr__(self, name, visible(getattr(self, name)))


@dataclass(frozen=True)
class GateCheck:
    """One thing that the gate asked of all rows: its name in words, who answered, and how many rows failed."""

    name: str
    tool: str
    failing_rows: int


@dataclass(frozen=True)
class FileRead:
    """A file that a batch was read from, or that had not changed since an earlier one was.

    `reader` says what the reading rests on beside the file's own bytes (of which `digest` is a hash): the code and the
    settings. `groups` are those of the contract's `guard_by` that come from it, `remarks` what was said of it.

    `edges` is a hash of what was read of its first and last lines, and `last_date` the latest day in it (ISO): by these
    a file that has only grown is known, and its new lines alone are read. Empty where they cannot be.
    """

    label: str
    size_bytes: int
    modified_ns: int
    digest: str
    reader: str
    groups: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    edges: str = ""
    last_date: str = ""


@dataclass(frozen=True)
class KeptOut:
    """What was kept out of one file: its first reject, and how many there are."""

    first: Reject
    count: int


def kept_out(rejects: Iterable[Reject]) -> dict[str, KeptOut]:
    """By file what was kept out of it."""
    return added_to({}, rejects)


def added_to(kept: dict[str, KeptOut], rejects: Iterable[Reject]) -> dict[str, KeptOut]:
    """The same with these rejects added, which come after those."""
    for reject in rejects:
        known = kept.get(reject.source_file)
        kept[reject.source_file] = KeptOut(known.first, known.count + 1) if known else KeptOut(reject, 1)
    return kept


def how_many(kept: Mapping[str, KeptOut]) -> int:
    """Rejects of all files together."""
    return sum(of_file.count for of_file in kept.values())


def rejects_table(rejects: Iterable[Reject]) -> pa.Table:
    """Rejects as rows: `source_file`, `source_row`, `reason`, `record`."""
    schema = pa.schema(
        [("source_file", pa.string()), ("source_row", pa.int64()), ("reason", pa.string()), ("record", pa.string())]
    )
    listed = list(rejects)
    return pa.table({name: [getattr(reject, name) for reject in listed] for name in schema.names}, schema=schema)


HandOver = Callable[[pa.Table], None]
"""Takes rows of a batch while others are still being read; those of one group (`guard_by`) must come together."""


@dataclass(frozen=True)
class Batch:
    """What one fetch brought: rows, and what could not be read.

    `rows` has the contract's columns and beside them `source_file` (text) and `source_row` (int64). As a source hands
    them over, a column is either of the contract's type or text still to be cast (ISO dates, plain decimal numbers; an
    empty or null cell is missing). As the gate passes them on, every column has the contract's type, every row keeps
    the contract, `rejects` holds all others, and `checks` says what was asked.

    The other fields speak of groups of the contract's `guard_by` (of prices: symbols). `since` names those for which
    the batch holds only the days from one on, so that fewer rows than stand are no loss. `restated` names those, with
    the reason, whose whole history comes anew and takes the place of what stands. `missing` names those, with the
    reason, that were asked for in vain; what stands for them stands. `is_partial` says that a person picked some
    symbols or days, so that whatever the batch lacks is no loss.

    `remarks` are what a person should know of the source as a whole, a line each: files that were left out, say.
    `files` are those that need not be read again while they stay the same, the rows of unchanged ones not among `rows`.

    `stored` are further rows like `rows`, which lie on the disk because they may be more than memory holds;
    `stored_rejects` are further rejects (as `rejects_table` makes them), of which `kept_out_on_disk` tells by file.
    """

    source: str
    rows: pa.Table
    rejects: tuple[Reject, ...] = field(default=())
    since: Mapping[str, dt.date] = field(default_factory=dict)
    restated: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    is_partial: bool = False
    remarks: tuple[str, ...] = ()
    checks: tuple[GateCheck, ...] = ()
    files: tuple[FileRead, ...] = ()
    stored: StoredRows | None = None
    stored_rejects: StoredRows | None = None
    kept_out_on_disk: Mapping[str, KeptOut] = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        """How many rows it holds, those in the file included."""
        in_memory: int = self.rows.num_rows
        return in_memory + (self.stored.num_rows if self.stored else 0)

    @property
    def kept_out(self) -> dict[str, KeptOut]:
        """By file what was kept out of it, what lies on the disk included."""
        found = kept_out(self.rejects)
        for file, kept in self.kept_out_on_disk.items():
            known = found.get(file)
            found[file] = KeptOut(known.first, known.count + kept.count) if known else kept
        return found
