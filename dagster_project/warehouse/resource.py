"""Answers what assets and checks ask of the stored tables.

Belongs here: the questions assets ask of the stored tables. Does not belong here: loading (`load`), publishing
(`publish`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.contracts.base import Contract
from dagster_project.contracts.batch import FileRead
from dagster_project.warehouse import connection
from dagster_project.warehouse.files_read import remembered
from dagster_project.warehouse.load import create_tables


@dataclass(frozen=True)
class CurrentRows:
    """The rows of a raw table that stand: how many, how many too many for their keys, first and last date.

    `last_loaded` are the rows loaded last, in the contract's columns.
    """

    rows: int
    duplicate_keys: int
    first_date: dt.date | None
    last_date: dt.date | None
    last_loaded: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class TableSummary:
    """What a run shows of a table: how many rows, and the first columns of the first ones.

    Of a table by session also the last one, and how many sessions the exchange has had since (today's not counted).
    """

    rows: int
    first_rows: tuple[dict[str, Any], ...] | None
    last_session: dt.date | None = None
    sessions_behind: int | None = None


@dataclass(frozen=True)
class TechnicalsBuild:
    """How the technicals were written last: brought up to date or computed anew, and how many symbols and rows."""

    is_by_tail: bool
    symbols: int
    rows_written: int


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
        """A read-only connection to the published file, closed in the end.

        Whoever opened it to write, against its permissions, is named at once (`WarehouseLockedError`).
        """
        return connection.read(self.published_database, wait_seconds=0)

    def current_values(self, contract: Contract, column: str, where: tuple[str, str] | None = None) -> frozenset[str]:
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

    def latest_rows(
        self, contract: Contract, source: str, columns: Sequence[str], last: int | None
    ) -> dict[str, list[tuple[Any, ...]]]:
        """By group (`guard_by`), the last rows (`window_by`) that stand from a source, oldest first: these columns.

        Without `last` all of them.
        """
        group = " || ' ' || ".join(contract.guard_by)
        with self.write() as con:
            create_tables(con, contract)
            rows = con.execute(
                f"""select {group}, {", ".join(columns)} from raw.{contract.table}
                    where valid_to is null and source = ?
                    qualify coalesce(
                        row_number() over (partition by {group} order by {contract.window_by} desc) <= ?, true)
                    order by {group}, {contract.window_by}""",
                [source, last],
            ).fetchall()
        found: dict[str, list[tuple[Any, ...]]] = {}
        for grouped, *cells in rows:
            found.setdefault(grouped, []).append(tuple(cells))
        return found

    def files_read(self, contract: Contract, source: str) -> dict[str, FileRead]:
        """By name, the files of a source that were loaded whole and whose rows all stand."""
        with self.write() as con:
            return remembered(con, contract, source)

    def current_rows(self, contract: Contract, date_column: str | None, preview_rows: int = 5) -> CurrentRows:
        """What stands in a raw table; the table is made where it is missing."""
        key = ", ".join(contract.key)
        dates = f"min({date_column}), max({date_column})" if date_column else "null, null"
        with self.write() as con:
            create_tables(con, contract)
            rows, keys, first, last = con.execute(
                f"""select count(*), (select count(*) from (select distinct {key} from raw.{contract.table}
                    where valid_to is null)), {dates} from raw.{contract.table} where valid_to is null"""
            ).fetchall()[0]
            shown = con.execute(
                f"""select {", ".join(contract.column_names)} from raw.{contract.table}
                    order by rowid desc limit {preview_rows}"""
            ).fetchall()
        return CurrentRows(
            rows=rows,
            duplicate_keys=rows - keys,
            first_date=first,
            last_date=last,
            last_loaded=tuple(dict(zip(contract.column_names, row, strict=True)) for row in shown),
        )

    def summarize(
        self, tables: Collection[str], preview_schema: str, rows: int = 3, columns: int = 12
    ) -> dict[str, TableSummary]:
        """Row counts of those of the tables (`schema.name`) that are tables and no views; of one schema rows as well.

        The rows are the newest by the first column of days that the table has, else those that stand first.

        One connection and one query for all counts: it is taken after every area, and must cost next to nothing.
        """
        with self.read() as con:
            found = con.execute(
                """select schema_name, table_name, column_name, data_type from duckdb_columns()
                   semi join duckdb_tables() using (schema_name, table_name)
                   where schema_name || '.' || table_name in (select unnest(?::varchar[]))
                   order by schema_name, table_name, column_index""",
                [list(tables)],
            ).fetchall()
            names: dict[tuple[str, str], list[str]] = {}
            newest_by: dict[tuple[str, str], str] = {}
            for schema, table, column, kind in found:
                names.setdefault((schema, table), []).append(column)
                if kind in ("DATE", "TIMESTAMP"):
                    newest_by.setdefault((schema, table), column)
            if not names:
                return {}
            last = {table: "max(trade_date)" if "trade_date" in has else "null::date" for table, has in names.items()}
            counts = con.execute(
                " union all ".join(
                    f"select '{schema}.{table}', count(*), {last[schema, table]} from {schema}.{table}"
                    for schema, table in names
                )
            ).fetchall()
            behind = _sessions_since(con, {day for _, _, day in counts if day is not None})
            seen: dict[str, tuple[dict[str, Any], ...]] = {}
            for (schema, table), all_columns in names.items():
                if schema == preview_schema:
                    shown = all_columns[:columns]
                    quoted = ", ".join(f'"{column}"' for column in shown)
                    column = newest_by.get((schema, table))
                    newest = f'order by "{column}" desc nulls last' if column else ""
                    cells = con.execute(f"select {quoted} from {schema}.{table} {newest} limit {rows}").fetchall()
                    seen[f"{schema}.{table}"] = tuple(dict(zip(shown, row, strict=True)) for row in cells)
        return {table: TableSummary(int(count), seen.get(table), day, behind.get(day)) for table, count, day in counts}

    def last_technicals_build(self) -> TechnicalsBuild | None:
        """What dbt noted when it last wrote the technicals; None where it never did."""
        with self.read() as con:
            if not con.execute("from duckdb_tables() where table_name = 'technicals_builds'").fetchall():
                return None
            last = con.execute(
                """select is_by_tail, symbols, rows_written from intermediate.technicals_builds
                   order by build_number desc limit 1"""
            ).fetchall()
        return TechnicalsBuild(*last[0]) if last else None

    def first_rows(self, query: str, rows: int = 5) -> list[dict[str, Any]]:
        """The first rows of the answer to a query on the build file."""
        with self.read() as con:
            answer = con.execute(query)
            names = [column[0] for column in answer.description or ()]
            return [dict(zip(names, row, strict=True)) for row in answer.fetchmany(rows)]


def _sessions_since(con: duckdb.DuckDBPyConnection, days: Collection[dt.date]) -> dict[dt.date, int]:
    """How many sessions lie between each day and today, neither counted; nothing where the calendar is not built."""
    calendar = "select 1 from duckdb_tables() where schema_name = 'marts' and table_name = 'dim_sessions'"
    if not days or not con.execute(calendar).fetchall():
        return {}
    counted = con.execute(
        """select day, count(session_date) from (select unnest(?::date[]) as day)
           left join marts.dim_sessions on session_date > day and session_date < ? group by day""",
        [list(days), dt.datetime.now(dt.UTC).date()],
    ).fetchall()
    return {day: int(sessions) for day, sessions in counted}
