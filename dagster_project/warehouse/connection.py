"""Opens the build file for one reader or one writer, waits for its lock, and always closes it.

Belongs here: connections. Does not belong here: what is said over them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from dagster_project.engine import duckdb_config

_LOCK_MESSAGE = "Could not set lock"
_DAMAGE_MESSAGES = (
    "not a valid DuckDB database file",
    "Corrupt database file",
    "Could not read enough bytes from file",
    "Failed to load metadata",
)


class WarehouseLockedError(TimeoutError):
    """Another process kept the build file open for longer than we were ready to wait."""


@contextmanager
def write(database: Path, *, wait_seconds: float = 120) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that may write, the folder and the file being made where they are missing.

    Raises `WarehouseLockedError` where another process holds the file for `wait_seconds`.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(database, read_only=False, wait_seconds=wait_seconds)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def read(database: Path, *, wait_seconds: float = 120) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection; raises like `write`, and `FileNotFoundError` where there is no such file."""
    if not database.exists():
        raise FileNotFoundError(f"{database} is not there yet: run the pipeline first")
    connection = _connect(database, read_only=True, wait_seconds=wait_seconds)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All that happens in the block, or nothing of it; what went wrong is what is raised.

    A commit that the disk refuses has ended the transaction already: there is nothing to take back then.
    """
    connection.execute("begin transaction")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        with suppress(duckdb.Error):
            connection.execute("rollback")
        raise


def tells_of_damage(message: str) -> bool:
    """Whether DuckDB says in this message that a file is not as it wrote it: cut, overwritten or none of its own."""
    return any(text in message for text in _DAMAGE_MESSAGES)


def read_whole(connection: duckdb.DuckDBPyConnection, database: str, tables: Collection[str] | None = None) -> None:
    """Read every value of an attached database, or of these tables in any schema; raises where one is damaged.

    DuckDB compares the checksum of a block when it reads it, and reads it no sooner than it is asked for.
    """
    found = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ? and not temporary", [database]
    ).fetchall()
    for schema, table in found:
        if tables is None or table in tables:
            connection.execute(f'select bit_xor(hash(held)) from {database}.{schema}."{table}" as held').fetchall()


def is_damaged(database: Path) -> bool:
    """Whether a file is there and cannot be read to its end, for want of sense and not of rights or memory."""
    try:
        with read(database, wait_seconds=0) as connection:
            read_whole(connection, database.stem)
    except (duckdb.Error, WarehouseLockedError, FileNotFoundError) as error:
        return tells_of_damage(str(error))
    return False


def _connect(database: Path, *, read_only: bool, wait_seconds: float) -> duckdb.DuckDBPyConnection:
    config = duckdb_config()
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return duckdb.connect(str(database), read_only=read_only, config=config)
        except duckdb.IOException as error:
            if _LOCK_MESSAGE not in str(error):
                raise
            if time.monotonic() >= deadline:
                raise WarehouseLockedError(
                    f"{database} is open in another process; readers belong on the published file: {error}"
                ) from error
            time.sleep(0.2)
