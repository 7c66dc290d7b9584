"""What every source hands over.

Belongs here: `Batch`, `Reject` and the errors that sources raise. Does not belong here: any particular source.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa


class SourceError(Exception):
    """A source could not deliver; the message says which one and why."""


class EmptyFetchError(SourceError):
    """A source answered, with nothing in it: never taken for 'no data today'."""


@dataclass(frozen=True)
class Reject:
    """Something that could not be read as rows at all: a file, or one line of it.

    `row` is the line in the file (the header is line 1), or None where the whole file is meant; `record` is what was
    seen, so that nothing is lost.
    """

    file: str
    row: int | None
    reason: str
    record: str


@dataclass(frozen=True)
class Batch:
    """What one fetch brought: rows, and what could not be read.

    `rows` has the contract's columns, each either of the contract's type or text still to be cast (ISO dates, plain
    decimal numbers; an empty or null cell is missing), and beside them `source_file` (text) and `source_row` (int64).
    """

    source: str
    rows: pa.Table
    rejects: tuple[Reject, ...] = field(default=())
