"""Asks the published file.

Belongs here: opening and closing it. Does not belong here: what is asked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from dagster_project.engine import duckdb_config


class NotPublishedError(FileNotFoundError):
    """There is no published file yet; `make run` writes one."""


@contextlib.contextmanager
def connect(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """One look at the published file, read-only and with schema `marts` as the default.

    All queries within see the same refresh, for the file is swapped for a new one and never changed. Raises
    `NotPublishedError` where there is no file.
    """
    if not database.exists():
        raise NotPublishedError(f"{database} is not there yet: run `make run` first")
    with duckdb.connect(str(database), read_only=True, config=duckdb_config()) as connection:
        connection.execute("use marts")
        yield connection


def query(database: Path, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> pa.Table:
    """The answer to one query, for a reader that must see a new refresh at once.

    The file is opened for this query alone: a refresh swaps it for a new one, and a connection kept open would go on
    showing the old. Raises `NotPublishedError` where there is no file, and DuckDB's own errors.
    """
    with connect(database) as connection:
        return connection.sql(sql, params=parameters).to_arrow_table()
