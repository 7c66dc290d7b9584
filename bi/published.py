"""Asks the published file.

Belongs here: opening and closing it. Does not belong here: what is asked.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from dagster_project.engine import duckdb_config

Stamp = tuple[int, int, int]
"""Time of writing in nanoseconds, inode, bytes."""


class NotPublishedError(FileNotFoundError):
    """There is no published file yet; `make run` writes one."""


@contextlib.contextmanager
def connect(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """One look at the published file, read-only and with schema `marts` as the default.

    All queries within see the same refresh, for the file is swapped for a new one and never changed. Raises
    `NotPublishedError` where there is no file.
    """
    stamp_of(database)
    with duckdb.connect(str(database), read_only=True, config=duckdb_config()) as connection:
        connection.execute("use marts")
        yield connection


def stamp_of(database: Path) -> Stamp:
    """What tells this file from the one that replaces it: time of writing, inode, size.

    Raises `NotPublishedError` where there is no file.
    """
    try:
        stat = database.stat()
    except FileNotFoundError:
        raise NotPublishedError(f"{database} is not there yet: run `make run` first") from None
    return stat.st_mtime_ns, stat.st_ino, stat.st_size


class PublishedFile:
    """The published file for a reader that asks often: opened once for every refresh, and not for every question.

    Before a question it is looked whether the file is still the one that was opened; a refresh, which swaps it for a
    new one, is seen by the next question. Threads may ask at the same time. Nothing is open before the first question.
    """

    def __init__(self, database: Path, name: str = "published") -> None:
        """`name` is the catalogue under which SQL that names one finds the marts."""
        self.database = database
        self._name = name
        self._opening = threading.Lock()
        self._opened: tuple[Stamp, duckdb.DuckDBPyConnection] | None = None

    def query(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> pa.Table:
        """The answer to one query, with schema `marts` as the default.

        Raises `NotPublishedError` where there is no file, and DuckDB's own errors.
        """
        with self._connection().cursor() as cursor:
            cursor.execute(f'use "{self._name}".marts')
            return cursor.sql(sql, params=parameters).to_arrow_table()

    def _connection(self) -> duckdb.DuckDBPyConnection:
        with self._opening:
            # asked for before the file is opened: one swapped in between is opened once more, and never missed
            stamp = stamp_of(self.database)
            if self._opened is None or self._opened[0] != stamp:
                # attached, since DuckDB hands out its old connection where a path is opened a second time
                connection = duckdb.connect(config=duckdb_config())
                path = str(self.database).replace("'", "''")
                connection.execute(f"attach '{path}' as \"{self._name}\" (read_only)")
                self._opened = stamp, connection  # who is still asking the one before has a cursor that keeps it
            return self._opened[1]
