"""Every check of ours passes on good data and fails on bad."""

import dataclasses
import datetime as dt
from typing import Any

import dagster as dg
import duckdb
import pytest

from dagster_project.checks import freshness
from dagster_project.checks.freshness import technicals_reach_last_session
from dagster_project.checks.serving import published_equals_build, published_opens_in_old_duckdb
from dagster_project.warehouse.resource import Warehouse


@dataclasses.dataclass
class Source:
    """A price source that is never asked for prices."""

    is_simulated: bool
    name: str = "files"


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


@pytest.mark.parametrize(
    ("last_session", "is_simulated", "passed"),
    [("2025-11-21", False, True), ("2025-11-24", False, False), ("2025-11-24", True, True)],
)
def test_technicals_reach_last_session(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, last_session: str, is_simulated: bool, passed: bool
) -> None:
    monkeypatch.setattr(freshness, "last_complete_session", lambda _: dt.date.fromisoformat(last_session))
    result = _evaluate(technicals_reach_last_session, warehouse, Source(is_simulated))
    assert result.passed is passed
    if not passed:
        assert result.severity is dg.AssetCheckSeverity.WARN
