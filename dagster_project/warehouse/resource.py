"""The warehouse as assets and checks see it: an object that knows its files.

Belongs here: the questions assets ask of the stored tables. Does not belong here: loading (`load`), publishing
(`publish`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from dagster_project.contracts.base import Contract
from dagster_project.warehouse import connection
from dagster_project.warehouse.load import create_tables


@dataclass(frozen=True)
class Standing:
    """The rows of a raw table that stand: how many, how many too many for their keys, first and last date."""

    rows: int
    duplicate_keys: int
    first_date: dt.date | None
    last_date: dt.date | None


@dataclass(frozen=True)
class Warehouse:
    """The build file and the published folder of one data directory."""

    build_database: Path
    published_dir: Path

    @property
    def published_database(self) -> Path:
        """The DuckDB file that readers open."""
        return self.published_dir / "minehouse.duckdb"

    def write(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A writing connection to the build file, closed in the end."""
        return connection.write(self.build_database)

    def read(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A read-only connection to the build file, closed in the end."""
        return connection.read(self.build_database)

    def read_published(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A read-only connection to the published file, closed in the end."""
        return connection.read(self.published_database)

    def standing_values(self, contract: Contract, column: str, where: tuple[str, str] | None = None) -> frozenset[str]:
        """The distinct values of a column in the rows of a raw table that stand; empty where nothing is loaded.

        `where` keeps only rows in which another column has a value.
        """
        of_those, value = (f" and {where[0]} = ?", [where[1]]) if where else ("", [])
        with self.write() as con:
            create_tables(con, contract)
            query = (
                f"select distinct {column} from raw.{contract.table} where valid_to is null and {column} is not null"
            )
            return frozenset(str(found) for (found,) in con.execute(query + of_those, value).fetchall())

    def last_standing(
        self, contract: Contract, source: str, columns: Sequence[str], last: int
    ) -> dict[str, list[tuple[Any, ...]]]:
        """By group (`guard_by`), the last rows (`window_by`) that stand from a source, oldest first: these columns."""
        group = " || ' ' || ".join(contract.guard_by)
        with self.write() as con:
            create_tables(con, contract)
            rows = con.execute(
                f"""select {group}, {", ".join(columns)} from raw.{contract.table}
                    where valid_to is null and source = ?
                    qualify row_number() over (partition by {group} order by {contract.window_by} desc) <= ?
                    order by {group}, {contract.window_by}""",
                [source, last],
            ).fetchall()
        found: dict[str, list[tuple[Any, ...]]] = {}
        for grouped, *cells in rows:
            found.setdefault(grouped, []).append(tuple(cells))
        return found

    def standing(self, contract: Contract, date_column: str | None) -> Standing:
        """What stands in a raw table; the table is made where it is missing."""
        key = ", ".join(contract.key)
        dates = f"min({date_column}), max({date_column})" if date_column else "null, null"
        with self.write() as con:
            create_tables(con, contract)
            rows, keys, first, last = con.execute(
                f"""select count(*), (select count(*) from (select distinct {key} from raw.{contract.table}
                    where valid_to is null)), {dates} from raw.{contract.table} where valid_to is null"""
            ).fetchall()[0]
        return Standing(rows=rows, duplicate_keys=rows - keys, first_date=first, last_date=last)

    def preview(self, table: str, rows: int = 5) -> pa.Table:
        """The last rows loaded into a table of the build file."""
        with self.read() as con:
            return con.sql(f"select * from {table} order by rowid desc limit {rows}").to_arrow_table()
