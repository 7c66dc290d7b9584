"""Every dbt test of grain, columns and references can fail: a table of the sample, spoiled for it, is noticed.

The rules of plausibility have faults of their own (tests/faults). A test that is lost is missed in docs/inventory.txt.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import duckdb
import pytest

OTHER = {
    "VARCHAR": "'nonsense'",
    "DATE": "date '1801-01-01'",
    "TIMESTAMP": "timestamp '1801-01-01'",
    "BOOLEAN": "not coalesce({0}, false)",
}
"""By type, a value that the column `{0}` does not have; of a number one more than it has."""


WHOLE = {"adds_up", "deals_add_up", "equals_position", "lies_between", "tells_of_suspect_bars"}
"""Tests of figures that the first rows may lack, and of a table against another; the others need a few rows."""


@dataclass(frozen=True)
class Asked:
    """A dbt test: the generic test that it is, of which table (`schema.name`), with which arguments, as which SQL."""

    name: str
    generic: str
    table: str
    arguments: dict[str, Any]
    sql: str


@pytest.fixture(scope="module")
def asked(sample: Any) -> list[Asked]:
    """The tests as the sample's run compiled them, without the rules of plausibility."""
    target = sample.settings.dbt_target_dir
    nodes = json.loads((target / "manifest.json").read_bytes())["nodes"]
    found = []
    for node in nodes.values():
        if node["resource_type"] != "test" or node["test_metadata"]["name"] == "nothing_found":
            continue
        model = nodes[node["attached_node"]]
        sql = target / "compiled" / "minehouse" / node["original_file_path"] / f"{node['alias']}.sql"
        found.append(
            Asked(
                node["name"],
                node["test_metadata"]["name"],
                f"{model['schema']}.{model['name']}",
                node["test_metadata"]["kwargs"],
                sql.read_text(encoding="utf-8"),
            )
        )
    return found


@pytest.fixture(scope="module")
def warehouse(sample: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A file in which every table and view of the build file is a view of it, so that a copy can take its place."""
    file: Path = tmp_path_factory.mktemp("spoiled") / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"attach '{sample.settings.build_database}' as built (read_only)")
        names = connection.execute(
            """select schema_name, table_name from duckdb_tables() where database_name = 'built' union all
               select schema_name, view_name from duckdb_views() where database_name = 'built' and not internal"""
        ).fetchall()
        for schema in sorted({schema for schema, _ in names}):
            connection.execute(f"create schema if not exists {schema}")
        waiting = names
        while waiting:  # a view of the build file reads others, by the names that they have here
            left = [name for name in waiting if not _shown(connection, *name)]
            assert len(left) < len(waiting), left
            waiting = left
        yield connection


def _shown(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> bool:
    try:
        connection.execute(f"create view {schema}.{name} as from built.{schema}.{name}")
    except duckdb.CatalogException:
        return False
    return True


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    return {row[0]: row[1].partition("(")[0] for row in connection.execute(f"describe {table}").fetchall()}


def _changed(table: str, column: str, kind: str) -> str:
    other = OTHER.get(kind, "coalesce({0}, 0) + 1e6").format(f'"{column}"')
    return f'update {table} set "{column}" = {other} where rowid = (select min(rowid) from {table})'


def _spoils(test: Asked, columns: dict[str, str]) -> Iterator[str]:
    """Statements that each make of the good table one that the test must complain of."""
    table, given = test.table, test.arguments
    column = str(given.get("column_name"))
    match test.generic:
        case "unique" | "unique_combination":
            yield f"insert into {table} from {table} limit 1"
            for name in given.get("filled", ()):
                yield f'update {table} set "{name}" = null where rowid = (select min(rowid) from {table})'
        case "not_null":
            yield f"update {table} set {column} = null where rowid = (select min(rowid) from {table})"
        case "accepted_values" | "relationships":
            yield _changed(table, column, columns[column])
        case "finite":
            floats = [name for name, kind in columns.items() if kind in ("DOUBLE", "FLOAT")]
            for name, value in zip(floats, cycle(("nan", "infinity", "-infinity")), strict=False):
                yield f"update {table} set \"{name}\" = '{value}'"
        case "lies_between":
            yield f"update {table} set {column} = {given['high']} + 1"
            yield f"update {table} set {column} = {given['low']} - 1"
        case "adds_up":
            yield f"update {table} set {column} = {column} + 0.01 * abs({column}) + 1"
            yield f"update {table} set {column} = null"
        case "equals_position":
            for name in given["columns"]:
                yield _changed(table, name, columns[name])
        case "deals_add_up":
            yield f"delete from {table} where month = (select min(month) from {table})"
            for name in ("deals", "contract_value_usd", "critical_it_mw"):
                yield f"update {table} set {name} = 2 * {name}"
                if name != "deals":
                    yield f"update {table} set cumulative_{name} = 2 * cumulative_{name}"
        case "tells_of_suspect_bars":
            yield (
                f"""insert into {table} by name select symbol, trade_date, 'ghost_bar' as event_type
                    from intermediate.int_daily_bars where not is_suspect limit 1"""
            )
        case "no_rows":
            yield f"insert into {table} from {table} limit 1"
        case "rules_are_known":
            yield _changed(table, "rule", "VARCHAR")
        case "leads_to_an_end":
            yield (
                f"""insert into {table} by name
                    select {given["to"]} as {column}, 'somebody else' as {given["to"]} from {table}
                    where lower({column}) <> lower({given["to"]}) limit 1"""
            )
        case "has_each_value":
            for value in given["values"]:
                yield f"delete from {table} where {column} = '{value}'"
        case "totals_are_reconciled":
            yield f"update {table} set is_reconciled = false"
        case _:
            raise AssertionError(f"{test.generic}: say what spoils a table for it")


def test_every_dbt_test_of_a_table_can_fail(asked: list[Asked], warehouse: duckdb.DuckDBPyConnection) -> None:
    unnoticed, tried = [], 0
    for test in asked:
        columns = _columns(warehouse, test.table)
        warehouse.execute("begin transaction")
        few = "" if test.generic in WHOLE else " limit 100"
        warehouse.execute(f"drop view {test.table}; create table {test.table} as from built.{test.table}{few}")
        if not warehouse.execute(f"select 1 from {test.table} limit 1").fetchall():
            values = ", ".join(
                {"VARCHAR": "'x'", "BOOLEAN": "true"}.get(kind, "date '2025-01-02'" if "DATE" in kind else "1")
                if "TIMESTAMP" not in kind
                else "timestamp '2025-01-02'"
                for kind in columns.values()
            )
            warehouse.execute(f"insert into {test.table} values ({values})")
        elif test.generic != "no_rows":
            assert not warehouse.execute(test.sql).fetchall(), f"{test.name} complains of the sample"
        warehouse.execute("commit")
        for spoil in _spoils(test, columns):
            tried += 1
            warehouse.execute("begin transaction")
            warehouse.execute(spoil)
            if not warehouse.execute(test.sql).fetchall():
                unnoticed.append((test.name, spoil))
            warehouse.execute("rollback")
        warehouse.execute(f"drop table {test.table}; create view {test.table} as from built.{test.table}")
    assert not unnoticed
    assert len(asked) > 100
    assert tried > 2 * len(asked)
