"""What every source hands over.

Belongs here: `Batch`, `Reject` and the errors that sources raise. Does not belong here: any particular source.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping


class SourceError(Exception):
    """A source could not deliver; the message says which one and why."""


class EmptyFetchError(SourceError):
    """A source answered, with nothing in it: never taken for 'no data today'."""


class RateLimitedError(SourceError):
    """A vendor wants fewer requests, and still did after every polite wait."""


class VendorDownError(SourceError):
    """A vendor could not be reached, timed out or failed (5xx), every time it was tried."""


class AccessRefusedError(SourceError):
    """A vendor does not let us in: a wrong or missing key, or a block."""


class UnknownSymbolError(SourceError):
    """A vendor does not know a symbol: renamed, delisted or misspelt."""


class UnexpectedStatusError(SourceError):
    """A vendor answered with an HTTP status that none of the other errors stands for."""


class WebPageError(SourceError):
    """A vendor sent a web page where data was expected."""


class TruncatedAnswerError(SourceError):
    """A vendor's answer is cut off, or is no JSON at all."""


class ChangedSchemaError(SourceError):
    """A vendor's answer is well-formed, but is not laid out as it used to be."""


class OutOfTimeError(SourceError):
    """The time that a run may spend on a source is used up."""


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
    """Something that could not be read as rows at all: a file, or one line of it.

    `row` is the line in the file (the header is line 1), or None where the whole file is meant; `record` is what was
    seen, so that nothing is lost. All texts are made `visible`.
    """

    file: str
    row: int | None
    reason: str
    record: str

    def __post_init__(self) -> None:
        """Whatever was seen, it can be shown."""
        for name in ("file", "reason", "record"):
            object.__setattr__(self, name, visible(getattr(self, name)))


@dataclass(frozen=True)
class Batch:
    """What one fetch brought: rows, and what could not be read.

    `rows` has the contract's columns, each either of the contract's type or text still to be cast (ISO dates, plain
    decimal numbers; an empty or null cell is missing), and beside them `source_file` (text) and `source_row` (int64).

    The other fields speak of groups of the contract's `guard_by` (of prices: symbols). `since` names those for which
    the batch holds only the days from one on, so that fewer rows than stand are no loss. `restated` names those, with
    the reason, whose whole history comes anew and takes the place of what stands. `missing` names those, with the
    reason, that were asked for in vain; what stands for them stands. `is_partial` says that a person picked some
    symbols or days, so that whatever the batch lacks is no loss.
    """

    source: str
    rows: pa.Table
    rejects: tuple[Reject, ...] = field(default=())
    since: Mapping[str, dt.date] = field(default_factory=dict)
    restated: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    is_partial: bool = False
