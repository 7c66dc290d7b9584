"""The dashboards ask for nothing that the marts do not promise, and carry nothing of the machine they were made on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bi.superset.assets import ASSETS, LAST_DAY, read_assets, written

Assets = dict[str, dict[str, Any]]
Contract = dict[str, dict[str, str]]
VIZ_COLUMNS = ("all_columns", "groupby", "groupby_b")
VIZ_METRICS = ("metric", "metrics", "metrics_b", "timeseries_limit_metric")
DAY_MACRO = "_asof"
VIZ_FILTERS = ("adhoc_filters", "adhoc_filters_b")


@pytest.fixture
def assets() -> Assets:
    return read_assets()


@pytest.fixture
def contract(manifest: dict[str, Any]) -> Contract:
    """The columns that dbt promises with their types, by mart and by macro of a day (`..._asof`)."""
    marts = {
        node["name"]: {name: column["data_type"] for name, column in node["columns"].items()}
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and node["schema"] == "marts"
        and (node["config"]["materialized"] != "table_macro" or node["name"].endswith(DAY_MACRO))
    }
    # a macro's columns are described without types: those of the same name in a mart
    types = {name: kind for columns in marts.values() for name, kind in columns.items() if kind}
    for columns in marts.values():
        for name, kind in columns.items():
            columns[name] = kind or types.get(name, "boolean" if "is_" in name else "varchar")
    return marts


def _of(assets: Assets, folder: str) -> Iterator[dict[str, Any]]:
    return (asset for name, asset in assets.items() if name.startswith(f"{folder}/"))


def _columns(chart: dict[str, Any]) -> Iterator[str]:
    """Every column that a chart asks for; fails on a form of asking that is not understood here."""
    params = chart["params"]
    for key in VIZ_COLUMNS:
        yield from params.get(key, [])
    if "x_axis" in params:
        yield params["x_axis"]
    for key in VIZ_METRICS:
        given = params.get(key, [])
        for metric in given if isinstance(given, list) else [given]:
            assert metric["expressionType"] == "SIMPLE", f"{chart['slice_name']}: free SQL cannot be checked"
            yield metric["column"]["column_name"]
    for key in VIZ_FILTERS:
        for rule in params.get(key, []):
            assert rule["expressionType"] == "SIMPLE", f"{chart['slice_name']}: free SQL cannot be checked"
            yield rule["subject"]
    yield from params.get("column_config", {})
    for order in params.get("order_by_cols", []):
        yield re.sub(r'^\["(\w+)", (?:true|false)\]$', r"\1", order)


def _columns_of_datasets(assets: Assets, contract: Contract) -> dict[str, set[str]]:
    """The columns that each dataset has, by its uuid, as DuckDB sees them on empty marts."""
    found = {}
    with duckdb.connect() as marts:
        marts.execute("create schema marts")
        for table, columns in contract.items():
            if table.endswith(DAY_MACRO):
                nothing = ", ".join(f'null::{kind} as "{name}"' for name, kind in columns.items())
                marts.execute(f"create macro marts.{table}(as_of) as table select {nothing} where as_of is null")
            else:
                typed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
                marts.execute(f"create table marts.{table} ({typed})")
        for dataset in _of(assets, "datasets"):
            try:
                found[dataset["uuid"]] = set(marts.sql(written(dataset["sql"], LAST_DAY)).columns)
            except duckdb.Error:
                found[dataset["uuid"]] = set()
    return found


def _broken_promises(assets: Assets, contract: Contract) -> list[str]:
    has = _columns_of_datasets(assets, contract)
    names = {dataset["uuid"]: dataset["table_name"] for dataset in _of(assets, "datasets")}
    asked = [
        (dataset["uuid"], column["column_name"]) for dataset in _of(assets, "datasets") for column in dataset["columns"]
    ]
    asked += [(dataset["uuid"], dataset["main_dttm_col"]) for dataset in _of(assets, "datasets")]
    asked += [(chart["dataset_uuid"], column) for chart in _of(assets, "charts") for column in _columns(chart)]
    for dashboard in _of(assets, "dashboards"):
        for rule in dashboard["metadata"]["native_filter_configuration"]:
            asked += [(target["datasetUuid"], target["column"]["name"]) for target in rule["targets"]]
    return sorted({f"{names[dataset]}.{column}" for dataset, column in asked if column not in has[dataset]})


def test_every_column_is_in_the_contract(assets: Assets, contract: Contract) -> None:
    assert _broken_promises(assets, contract) == []


@pytest.mark.parametrize(
    ("table", "column", "noticed"),
    [
        ("miner_snapshot_asof", "ev_per_critical_it_mw_usd", "miner_snapshot_asof.ev_per_critical_it_mw_usd"),
        ("publications_asof", "now_mw", "miner_snapshot_asof.scenario_mw"),
        ("fct_daily_technicals", "sma_200", "technicals_last_two_years.sma_200"),
        ("fct_daily_technicals", "symbol", "technicals_last_two_years.close"),  # its query cannot be asked at all
        ("fct_price_levels", "level_price", "price_levels_asof.level_price"),
        ("deals_asof", "is_comparable_lease", "deals_asof.is_comparable_lease"),
        ("dim_sessions", "session_date", "as_of_days.as_of"),
    ],
)
def test_a_renamed_column_is_noticed(table: str, column: str, noticed: str, assets: Assets, contract: Contract) -> None:
    contract[table]["renamed"] = contract[table].pop(column)
    assert noticed in _broken_promises(assets, contract)


def test_a_mart_that_is_gone_is_noticed(assets: Assets, contract: Contract) -> None:
    del contract["sites_asof"]
    assert "sites_asof.site" in _broken_promises(assets, contract)


def test_references_lead_somewhere_and_identifiers_are_unique(assets: Assets) -> None:
    uuids = [asset["uuid"] for asset in assets.values() if "uuid" in asset]
    assert len(uuids) == len(set(uuids)) == len(assets) - 1
    databases = {asset["uuid"] for asset in _of(assets, "databases")}
    charts = {asset["uuid"] for asset in _of(assets, "charts")}
    assert {dataset["database_uuid"] for dataset in _of(assets, "datasets")} == databases
    shown = [
        item["meta"]["uuid"]
        for dashboard in _of(assets, "dashboards")
        for item in dashboard["position"].values()
        if isinstance(item, dict) and item["type"] == "CHART"
    ]
    assert sorted(shown) == sorted(charts), "a chart is missing on the dashboards, or shown twice"


def test_every_dashboard_asks_for_the_day_and_says_that_sample_prices_are_simulated(assets: Assets) -> None:
    charts = {chart["uuid"]: set(_columns(chart)) for chart in _of(assets, "charts")}
    for dashboard in _of(assets, "dashboards"):
        filters = [rule["id"] for rule in dashboard["metadata"]["native_filter_configuration"]]
        assert filters[0] == "NATIVE_FILTER-as_of", dashboard["slug"]
        items = [item for item in dashboard["position"].values() if isinstance(item, dict)]
        said = " ".join(item["meta"]["code"] for item in items if item["type"] == "MARKDOWN")
        assert "`sample` are **simulated**" in said, dashboard["slug"]
        shown = set().union(*(charts[item["meta"]["uuid"]] for item in items if item["type"] == "CHART"))
        assert {"price_source", "price_date"} <= shown, dashboard["slug"]


def test_the_database_is_read_only_and_its_place_is_filled_in_later(assets: Assets) -> None:
    (database,) = _of(assets, "databases")
    assert database["sqlalchemy_uri"] == "duckdb:///{published_database}"
    arguments = database["extra"]["engine_params"]["connect_args"]
    assert arguments["read_only"] is True
    assert arguments["config"]["enable_external_access"] == "false"
    assert not any(database[right] for right in ("allow_dml", "allow_ctas", "allow_cvas", "allow_csv_upload"))


def test_nothing_of_a_machine_is_in_the_files() -> None:
    for path in sorted(Path(ASSETS).rglob("*.yaml")):
        text = path.read_text().replace("duckdb:///{published_database}", "")
        assert not re.search(
            r"(?i)https?://|localhost|\d+\.\d+\.\d+\.\d+|(?<![\w.])/[a-z]+/|password|secret_key", text
        ), path
