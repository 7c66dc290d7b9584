"""Keeps the results of checks as a mart.

Belongs here: the table `marts.data_quality_results` and appending to it. Does not belong here: collecting the
results from Dagster (`assets.serving`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import duckdb
import pyarrow as pa

from dagster_project.warehouse.load import sql_literal

_TABLE = "marts.data_quality_results"
_DESCRIPTION = "One row per run, check and table: what every check found. It is the log of all runs, newest last."


@dataclass(frozen=True)
class CheckRecord:
    """One evaluation of one check, in the columns of the mart."""

    run_id: str
    checked_at: dt.datetime
    layer: str
    table_name: str
    check_name: str
    tool: str
    severity: str
    passed: bool
    failing_rows: int | None
    observed: str | None
    check_title: str


COLUMNS = {
    "run_id": ("varchar", "Dagster run in which the check was evaluated."),
    "checked_at": ("timestamp", "When it was evaluated, UTC."),
    "layer": ("varchar", "Layer of the table: raw, staging, intermediate, marts or published."),
    "table_name": ("varchar", "Table that was checked."),
    "check_name": ("varchar", "Name of the check."),
    "tool": ("varchar", "Who evaluated it: great_expectations, gate (what comes before them), dbt or dagster."),
    "severity": ("varchar", "WARN (worth a look) or ERROR (do not trust the table)."),
    "passed": ("boolean", "Whether the check passed."),
    "failing_rows": ("bigint", "Rows that failed; null where the check does not count rows."),
    "observed": ("varchar", "What was seen, in words or as a figure."),
    "check_title": ("varchar", "What the check asks, in words."),
}
"""Type and description of each column."""


_OPTIONAL = ("failing_rows", "observed", "check_title")


def append_check_records(connection: duckdb.DuckDBPyConnection, records: Sequence[CheckRecord]) -> int:
    """Add the evaluations that are not there yet; returns how many were added.

    A table of an older version gains the columns that it lacks.
    """
    connection.execute("create schema if not exists marts")
    columns = ", ".join(
        f"{name} {kind}" if name in _OPTIONAL else f"{name} {kind} not null" for name, (kind, _) in COLUMNS.items()
    )
    connection.execute(f"create table if not exists {_TABLE} ({columns}, primary key (run_id, table_name, check_name))")
    connection.execute(f"alter table {_TABLE} add column if not exists check_title varchar")
    connection.execute(f"comment on table {_TABLE} is {sql_literal(_DESCRIPTION)}")
    for name, (_, description) in COLUMNS.items():
        connection.execute(f"comment on column {_TABLE}.{name} is {sql_literal(description)}")
    if not records:
        return 0
    before = connection.execute(f"select count(*) from {_TABLE}").fetchall()[0][0]
    rows = pa.Table.from_pylist([asdict(record) for record in records])
    connection.register("check_records", rows.select(list(COLUMNS)))
    connection.execute(f"insert or ignore into {_TABLE} by name select * from check_records")
    connection.unregister("check_records")
    return int(connection.execute(f"select count(*) from {_TABLE}").fetchall()[0][0]) - int(before)


def forget_old_records(connection: duckdb.DuckDBPyConnection, keep_days: int, now: dt.datetime) -> int:
    """Delete the evaluations that are older than `keep_days` before `now` (naive UTC); returns how many."""
    deleted = connection.execute(f"delete from {_TABLE} where checked_at < ?", [now - dt.timedelta(days=keep_days)])
    return int(deleted.fetchall()[0][0])


def last_checked_at(connection: duckdb.DuckDBPyConnection) -> dt.datetime | None:
    """When the newest evaluation that is kept was made, naive UTC; None where there is none."""
    latest: dt.datetime | None = connection.execute(f"select max(checked_at) from {_TABLE}").fetchall()[0][0]
    return latest
