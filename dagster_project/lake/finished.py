"""Brings the tables that Spark made into the build file, so that checks and publishing find them where they always are.

Belongs here: this copy. Does not belong here: making the tables (dbt), publishing them (`warehouse.publish`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from dagster_project.lake.session import Lake
from dagster_project.warehouse.load import sql_literal


@dataclass(frozen=True)
class FinishedTable:
    """A table that Spark made, as dbt describes it.

    Of each column: its name, type, description, and whether it may be null.
    """

    schema: str
    name: str
    description: str
    columns: tuple[tuple[str, str, str, bool], ...]


def bring_home(connection: duckdb.DuckDBPyConnection, lake: Lake, tables: Sequence[FinishedTable]) -> None:
    """Replace the tables of the build file by what Spark made, all of them or none."""
    connection.execute("begin transaction")
    try:
        for table in tables:
            _bring(connection, lake, table)
            if table.name == "fct_daily_technicals":
                # what this one was made with is not what DuckDB noted last: it computes anew when its turn comes
                connection.execute("drop table if exists intermediate.technicals_builds")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _bring(connection: duckdb.DuckDBPyConnection, lake: Lake, table: FinishedTable) -> None:
    name = f"{table.schema}.{table.name}"
    files = sql_literal(str(lake.table_dir(table.schema, table.name) / "*.parquet"))
    columns = ", ".join(f"{column} {kind}{'' if null else ' not null'}" for column, kind, _, null in table.columns)
    connection.execute(f"create schema if not exists {table.schema}")
    connection.execute(f"create or replace table {name} ({columns})")
    connection.execute(f"insert into {name} by name select * from read_parquet({files})")
    connection.execute(f"comment on table {name} is {sql_literal(table.description)}")
    for column, _, description, _ in table.columns:
        connection.execute(f"comment on column {name}.{column} is {sql_literal(description)}")
