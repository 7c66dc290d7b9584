"""Every check of ours passes on good data and fails on bad."""

import datetime as dt
from typing import Any

import dagster as dg
import duckdb
import pytest

from dagster_project.checks.freshness import AGES, answer
from dagster_project.checks.serving import published_equals_build, published_opens_in_old_duckdb
from dagster_project.warehouse.resource import Warehouse


def _evaluate(check: Any, *arguments: Any) -> dg.AssetCheckResult:
    result = check(*arguments)
    assert isinstance(result, dg.AssetCheckResult)
    return result


def test_published_equals_build(warehouse: Warehouse) -> None:
    assert _evaluate(published_equals_build, warehouse).passed
    with warehouse.write() as con:
        con.execute("insert into marts.fct_daily_technicals values ('MARA', date '2025-11-21')")
    result = _evaluate(published_equals_build, warehouse)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert result.metadata["observed"].value == "fct_daily_technicals"


def test_published_equals_build_sees_a_missing_table(warehouse: Warehouse) -> None:
    with warehouse.write() as con:
        con.execute("create table marts.dim_new as select 1 as x")
    assert not _evaluate(published_equals_build, warehouse).passed


def test_published_opens_in_old_duckdb(warehouse: Warehouse) -> None:
    assert _evaluate(published_opens_in_old_duckdb, warehouse).passed
    warehouse.published_database.unlink()
    with duckdb.connect(str(warehouse.published_database)) as con:
        con.execute("create table t as select 1 as x")
    result = _evaluate(published_opens_in_old_duckdb, warehouse)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.ERROR)


NOW = dt.datetime(2025, 11, 25, 3, tzinfo=dt.UTC)  # after the close of Monday, November 24
RECENT = {age.name: age for age in AGES}


def _age(warehouse: Warehouse, name: str, *, is_simulated: bool = False) -> dg.AssetCheckResult:
    result = answer(RECENT[name], warehouse, is_simulated=is_simulated, now=NOW)
    assert result.severity is dg.AssetCheckSeverity.WARN
    return result


def test_technicals_reach_last_session(warehouse: Warehouse) -> None:
    old = _age(warehouse, "technicals_reach_last_session")
    assert not old.passed
    assert old.metadata["observed"].value == "newest 2025-11-21, the last complete session is 2025-11-24"
    assert _age(warehouse, "technicals_reach_last_session", is_simulated=True).passed
    with warehouse.write() as con:
        con.execute("insert into marts.fct_daily_technicals values ('CLSK', date '2025-11-24')")
    assert _age(warehouse, "technicals_reach_last_session").passed


def test_one_company_that_fell_behind_is_named(warehouse: Warehouse) -> None:
    with warehouse.write() as con:
        con.execute("insert into marts.dim_miners values ('MARA', true)")
        con.execute("insert into marts.fct_daily_technicals values ('MARA', date '2025-11-24')")
    result = _age(warehouse, "technicals_reach_last_session")
    assert not result.passed
    assert "too old: CLSK 2025-11-21" in result.metadata["observed"].value
    assert result.metadata["days_behind"] == dg.MetadataValue.int(3)


def test_every_check_has_a_number_that_dagster_can_draw(warehouse: Warehouse) -> None:
    checked = [_evaluate(check, warehouse) for check in (published_equals_build, published_opens_in_old_duckdb)]
    for result in (*checked, _age(warehouse, "technicals_reach_last_session")):
        numbers = [value for value in result.metadata.values() if isinstance(value, dg.IntMetadataValue)]
        assert numbers, result


@pytest.mark.parametrize(
    ("name", "table", "column", "recent", "old"),
    [
        ("ratings_are_recent", "fct_rating_changes", "rating_date", "2025-10-25", "2025-10-24"),
        ("deals_are_recent", "fct_hpc_deals", "announced_date", "2025-08-24", "2025-08-23"),
        ("balance_sheets_are_recent", "fct_capital_structure", "period_end_date", "2025-05-18", "2025-05-17"),
    ],
)
def test_facts_grow_old(warehouse: Warehouse, name: str, table: str, column: str, recent: str, old: str) -> None:
    with warehouse.write() as con:
        con.execute(f"create table marts.{table} as select 'CLSK' as symbol, date '{old}' as {column}")
    assert not _age(warehouse, name).passed
    with warehouse.write() as con:  # told by prices that end on that day, the facts are recent
        con.execute(f"update marts.fct_daily_technicals set trade_date = date '{old}'")
    assert _age(warehouse, name, is_simulated=True).passed
    with warehouse.write() as con:
        con.execute(f"update marts.{table} set {column} = date '{recent}'")
    assert _age(warehouse, name).passed
    with warehouse.write() as con:
        con.execute(f"delete from marts.{table}")
    assert not _age(warehouse, name).passed, "nothing is not recent"
