"""Builds parts of the dbt project on Spark and brings what they make into the build file.

Belongs here: what is done around dbt when Spark computes. Does not belong here: dbt's own interface (`dbt_calls`),
files and session (`lake`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.contracts.tables import RAW_TABLES
from dagster_project.lake.finished import FinishedTable, bring_home
from dagster_project.lake.raw_files import write_raw_files
from dagster_project.lake.session import Lake, name_raw_tables, open_session
from dagster_project.transform.dbt_calls import DbtOutcome, invoke, read_project
from dagster_project.warehouse import connection

if TYPE_CHECKING:
    from dbt.contracts.graph.nodes import ModelNode

TARGET = "spark"
"""The output of dbt's profile."""


def run_dbt_on_spark(
    project_dir: Path,
    target_dir: Path,
    database: Path,
    arguments: list[str],
    *,
    lake: Lake,
    parquet_alone_rows: int | None = None,
) -> DbtOutcome:
    """Run one dbt command on Spark: the raw tables go out as files, the marts come back into the build file.

    Table macros are made on both sides: Spark's for the models that ask them, DuckDB's for the readers of the published
    file. A mart of more than `parquet_alone_rows` rows stays with Spark's files, and the build file has a view of it.
    Raises `WarehouseLockedError` where another process keeps the build file open.
    """
    with connection.write(database) as con:
        write_raw_files(con, lake, RAW_TABLES)
    name_raw_tables(open_session(lake), lake, RAW_TABLES)
    outcome = invoke(project_dir, target_dir, arguments, target=TARGET)
    manifest = read_project(project_dir, target_dir, TARGET)
    made = [
        manifest.nodes[r.unique_id]
        for r in outcome.results
        if r.status == "success" and r.unique_id.startswith("model.")
    ]
    marts = [node for node in made if node.schema == "marts"]
    tables = [_finished(node) for node in marts if node.config.materialized != "table_macro"]  # type: ignore[arg-type]
    macros = [node.name for node in marts if node.config.materialized == "table_macro"]
    with connection.write(database) as con:
        bring_home(con, lake, tables, parquet_alone_rows)
        if macros:
            asked = invoke(project_dir, target_dir, ["run", "--select", *macros])
            return DbtOutcome(outcome.results, "\n".join(filter(None, (outcome.failure, asked.failure))))
    return outcome


def _finished(node: ModelNode) -> FinishedTable:
    return FinishedTable(
        node.schema,
        node.name,
        node.description.strip(),
        tuple(
            (
                column.name,
                column.data_type or "varchar",
                column.description.strip(),
                not any(rule.type == "not_null" for rule in column.constraints),
            )
            for column in node.columns.values()
        ),
    )
