"""A failed dbt test shows the rows it complains of, and a passed one asks nothing."""

from __future__ import annotations

import dagster as dg

from dagster_project.assets.transform import with_failing_rows
from dagster_project.transform.dbt_runner import FAILED_SQL
from dagster_project.warehouse.resource import Warehouse

KEY = dg.AssetKey(["marts", "fct_daily_technicals"])
FAILED = "select symbol, count(*) as row_count from marts.fct_daily_technicals group by symbol having count(*) > 1"


def _result(sql: str | None) -> dg.AssetCheckResult:
    metadata = {"dagster_dbt/failed_row_count": 1} | ({FAILED_SQL: dg.MetadataValue.text(sql)} if sql else {})
    return dg.AssetCheckResult(passed=False, asset_key=KEY, check_name="one_row", metadata=metadata)


def test_the_rows_of_a_failed_test_are_shown(warehouse: Warehouse) -> None:
    with warehouse.write() as con:
        con.execute("insert into marts.fct_daily_technicals from marts.fct_daily_technicals")
    shown = with_failing_rows(_result(FAILED), warehouse).metadata
    assert shown["observed"].value == "symbol CLSK, row_count 2"
    assert shown["rows"].value == "| symbol | row_count |\n|---|---|\n| CLSK | 2 |"
    assert shown["dagster_dbt/failed_row_count"].value == 1


def test_nothing_is_shown_where_nothing_can_be_asked(warehouse: Warehouse) -> None:
    assert "rows" not in with_failing_rows(_result(None), warehouse).metadata
    assert "rows" not in with_failing_rows(_result(FAILED), warehouse).metadata  # mended since
