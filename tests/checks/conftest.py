"""A warehouse made by hand, for checks to look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.warehouse.publish import publish
from dagster_project.warehouse.resource import Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A published warehouse with one mart whose last session is 2025-11-21."""
    warehouse = Warehouse(tmp_path / "build" / "warehouse.duckdb", tmp_path / "published")
    with warehouse.write() as con:
        con.execute("create schema marts")
        con.execute(
            "create table marts.fct_daily_technicals as select 'CLSK' as symbol, date '2025-11-21' as trade_date"
        )
        con.execute("create table marts.dim_miners as select 'CLSK' as symbol, true as is_covered_company")
    publish(warehouse.build_database, warehouse.published_dir)
    return warehouse
