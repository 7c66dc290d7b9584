"""One look at the published file for a brief, and the numbered notes on what was read.

Belongs here: asking, and citing the source. Does not belong here: what is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import duckdb

Row = dict[str, Any]


class StoryError(ValueError):
    """The story asked for cannot be told; the message says why, in one line."""


@dataclass(frozen=True)
class Note:
    """Where a figure comes from: a table of the marts, what in it, and the page behind it if it has one."""

    number: int
    table: str
    what: str
    url: str | None


@dataclass
class Reader:
    """One look at the published file for one miner and day, and the notes on what was read."""

    connection: duckdb.DuckDBPyConnection
    known: Row
    notes: list[Note] = field(default_factory=list)

    def rows(self, sql: str, **more: object) -> list[Row]:
        """The answer as one dictionary per row; `$name` in the SQL is what is known of that name."""
        answer = self.connection.execute(sql, _used(sql, self.known | more))
        names = [column[0] for column in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def row(self, sql: str, **more: object) -> Row | None:
        """The first row of the answer; None where it has none."""
        return next(iter(self.rows(sql, **more)), None)

    def cite(self, table: str, what: str, url: str | None = None) -> int:
        """The number of the note that says so; one page, or one table without a page, has one note."""
        for place, note in enumerate(self.notes):
            if (note.table, note.url) == (table, url) and (url or note.what == what):
                if what not in note.what.split("; "):
                    self.notes[place] = replace(note, what=f"{note.what}; {what}")
                return note.number
        self.notes.append(Note(len(self.notes) + 1, table, what, url))
        return len(self.notes)


def _used(sql: str, values: Row) -> Row:
    return {name: value for name, value in values.items() if f"${name}" in sql}
