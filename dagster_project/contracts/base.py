"""Defines what a contract is made of: columns, rules, and how a batch meets the rows that are there.

Belongs here: the vocabulary (`Column`, rules, `Contract`). Does not belong here: any particular table (a module
beside this one), or the code that applies a contract (`gate`, `warehouse.load`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

LINK = (
    r"^https?://(?![^/?#]*(?i:xn--))(?![^/?#:]*\.(?i:localhost|localdomain|local|internal|invalid|test)(?:[:/?#]|$))"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}"
    r"(?::\d{1,5})?(?:[/?#][!-~]*)?$"
)
"""A link that a reader may follow: http or https, a public name of a host in plain letters (no look-alikes, no address
in any way of writing numbers, nothing that each machine takes for itself), no user name before it."""

LINK_REASON = "is not a plain http(s) link: a host's public name in ASCII letters, no address, no user name, no spaces"

ColumnType = Literal["varchar", "date", "double", "bigint", "boolean"]


class LoadMode(StrEnum):
    """How a batch meets the rows that are already there."""

    UPSERT = "upsert"
    """The batch holds some rows: a key that is absent from it stays as it is."""

    SNAPSHOT = "snapshot"
    """The batch holds all rows: a key that is absent from it has been withdrawn."""


@dataclass(frozen=True)
class Column:
    """One column of a raw table and what its values must satisfy, whatever the source.

    `minimum` and `maximum` are inclusive unless `above` is used, which is an exclusive lower bound; `not_before` and
    `not_after` are the same for dates. They lie where nothing sane is beyond: what is merely odd is a warning of the
    dbt models. `pattern_reason` says in words what `pattern` asks.
    `references` names a set of known values handed to the gate at run time (`"companies"`: the reference tickers), and
    `none_of` one of which no value may be.
    """

    name: str
    type: ColumnType
    description: str
    required: bool = False
    above: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] = ()
    not_before: dt.date | None = None
    not_after: dt.date | None = None
    pattern: str | None = None
    pattern_reason: str | None = None
    references: str | None = None
    none_of: str | None = None
    not_in_future: bool = False


@dataclass(frozen=True)
class AtLeast:
    """`larger` >= `smaller` in every row where both are present."""

    larger: str
    smaller: str
    reason: str


@dataclass(frozen=True)
class RequiredWith:
    """`column` must be present in every row where `given` is."""

    column: str
    given: str
    reason: str


@dataclass(frozen=True)
class RequiredWithout:
    """`column` must be present in every row where `given` is empty."""

    column: str
    given: str
    reason: str


@dataclass(frozen=True)
class EmptyWith:
    """`column` must be empty in every row where `given` is present."""

    column: str
    given: str
    reason: str


@dataclass(frozen=True)
class Within:
    """`minimum` <= `column` <= `maximum` in every row in which `given` holds the text `value`."""

    column: str
    minimum: float
    maximum: float
    given: str
    value: str
    reason: str


Rule = AtLeast | RequiredWith | RequiredWithout | EmptyWith | Within


@dataclass(frozen=True)
class Contract:
    """The promise of one raw table: `raw.<table>`, with its rejects in `quarantine.<table>`.

    `guard_by` says in which groups of rows a sharply smaller batch is refused: `("symbol",)` looks at each symbol
    alone, `()` at the table as a whole. `window_by` is the date column by which a batch may say that it speaks only for
    the days from one on: the guard then looks at those days alone. `history` is the column in which rows that stand are
    not expected to change: a group in which most of it changes at once is another instrument, or another scale.
    `lasting` are columns that rows do not lose once they have them: a group in which most of one goes is a poorer file.
    """

    table: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    mode: LoadMode = LoadMode.SNAPSHOT
    guard_by: tuple[str, ...] = ()
    window_by: str | None = None
    history: str | None = None
    lasting: tuple[str, ...] = ()

    @property
    def known_sets(self) -> tuple[str, ...]:
        """The names of the sets of known values that its columns point to."""
        return tuple(sorted({name for column in self.columns for name in (column.references, column.none_of) if name}))

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the contract's own columns, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name; `KeyError` where the contract has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.table} has no column {name!r}")
