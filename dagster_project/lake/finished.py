"""Brings the tables that Spark made into the build file, so that checks and publishing find them where they always are.

Belongs here: this copy. Does not belong here: making the tables (dbt), publishing them (`warehouse.publish`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from dagster_project.lake.session import Lake
from dagster_project.warehouse.connection import transaction
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


def bring_home(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    tables: Sequence[FinishedTable],
    parquet_alone_rows: int | None = None,
) -> None:
    """Replace the tables of the build file by what Spark made, all of them or none.

    One of more than `parquet_alone_rows` rows stays where Spark wrote it; the build file has a view of it.
    """
    with transaction(connection):
        for table in tables:
            _bring(connection, lake, table, parquet_alone_rows)
            if table.name == "fct_daily_technicals":
                # what this one was made with is not what DuckDB noted last: it computes anew when its turn comes
                connection.execute("drop table if exists intermediate.technicals_builds")


def _bring(
    connection: duckdb.DuckDBPyConnection, lake: Lake, table: FinishedTable, parquet_alone_rows: int | None
) -> None:
    name = f"{table.schema}.{table.name}"
    files = sql_literal(str(lake.table_dir(table.schema, table.name) / "*.parquet"))
    (rows,) = connection.execute(f"select count(*) from read_parquet({files})").fetchall()[0]
    connection.execute(f"create schema if not exists {table.schema}")
    for stood in ("view", "table"):
        kind = f"select 1 from duckdb_{stood}s() where schema_name = ? and {stood}_name = ?"
        if connection.execute(kind, [table.schema, table.name]).fetchall():
            connection.execute(f"drop {stood} {name}")
    if parquet_alone_rows is not None and rows > parquet_alone_rows:
        columns = ", ".join(f"cast(files.{column} as {kind}) as {column}" for column, kind, *_ in table.columns)
        connection.execute(f"create view {name} as select {columns} from read_parquet({files}) as files")
        made = "view"
    else:
        columns = ", ".join(f"{column} {kind}{'' if null else ' not null'}" for column, kind, _, null in table.columns)
        connection.execute(f"create table {name} ({columns})")
        connection.execute(f"insert into {name} by name select * from read_parquet({files})")
        made = "table"
    connection.execute(f"comment on {made} {name} is {sql_literal(table.description)}")
    for column, _, description, _ in table.columns:
        connection.execute(f"comment on column {name}.{column} is {sql_literal(description)}")
