"""The metrics of `dbt/models/semantic`, asked of a small warehouse whose answers were worked out by hand.

That they agree with SQL on the marts of the whole sample is asked in `tests/orchestration/test_metrics_on_sample.py`.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from metricflow_semantics.errors.error_classes import InvalidQueryException

from bi.metrics import Metrics
from bi.published import NotPublishedError

DEALS = [
    {"deal_id": "a", "announced_date": "2025-10-06", "symbol": "AAA", "is_firm": True, "contract_value_usd": 3e9,
     "critical_it_mw": 100, "usd_per_critical_it_mw": 3e7},
    {"deal_id": "b", "announced_date": "2025-10-20", "symbol": "AAA", "is_firm": True, "contract_value_usd": 3e9,
     "critical_it_mw": 300, "usd_per_critical_it_mw": 1e7},
    # a cloud contract has no rent per MW, a framework is not signed, and the last one states nothing
    {"deal_id": "c", "announced_date": "2025-10-21", "symbol": "BBB", "is_firm": True, "contract_value_usd": 9e9,
     "critical_it_mw": 200},
    {"deal_id": "d", "announced_date": "2025-10-22", "symbol": "BBB", "is_firm": False, "contract_value_usd": 7e9,
     "critical_it_mw": 50, "usd_per_critical_it_mw": 1.4e8},
    {"deal_id": "e", "announced_date": "2025-12-01", "symbol": "BBB", "is_firm": True},
]  # fmt: skip
VALUATION = [
    {"symbol": "AAA", "trade_date": "2025-10-31", "enterprise_value_usd": 1e9, "contracted_critical_it_mw": 400,
     "ev_per_critical_it_mw_usd": 2.5e6, "contracted_revenue_usd": 6e9},
    {"symbol": "AAA", "trade_date": "2025-11-03", "enterprise_value_usd": 2e9, "contracted_critical_it_mw": 400,
     "ev_per_critical_it_mw_usd": 5e6, "contracted_revenue_usd": 6e9},
    {"symbol": "BBB", "trade_date": "2025-11-03", "enterprise_value_usd": 4e9, "contracted_critical_it_mw": 200,
     "ev_per_critical_it_mw_usd": 2e7, "contracted_revenue_usd": 9e9},
    # MW that are not complete have no ratio: neither they nor the value may enter that of the others
    {"symbol": "CCC", "trade_date": "2025-11-03", "enterprise_value_usd": 8e9, "contracted_critical_it_mw": 10},
]  # fmt: skip
CONSENSUS = [
    {"symbol": "AAA", "trade_date": "2025-10-31", "implied_upside_pct": 90},
    {"symbol": "AAA", "trade_date": "2025-11-03", "implied_upside_pct": 10},
    {"symbol": "BBB", "trade_date": "2025-11-03", "implied_upside_pct": 30},
    {"symbol": "CCC", "trade_date": "2025-11-03"},
]
TECHNICALS = [
    {"symbol": symbol, "trade_date": date, "rsi_14": rsi, "rsi_zone": zone}
    for symbol, date, rsi, zone in (
        ("AAA", "2025-10-31", 29.9, "oversold"),
        ("AAA", "2025-11-03", 30.0, "oversold"),
        ("BBB", "2025-10-31", None, None),
        ("BBB", "2025-11-03", 12.0, "oversold"),
        ("BTC", "2025-11-01", 30.1, "neutral"),
        ("BTC", "2025-11-02", 5.0, "oversold"),
    )
]
MINERS = [
    {"symbol": "AAA", "company_name": "Aaa Corp.", "is_covered_company": True},
    {"symbol": "BBB", "company_name": "Bbb Corp.", "is_covered_company": True},
    {"symbol": "BTC", "company_name": "Bitcoin", "is_covered_company": False},
]
MARTS = {
    "fct_hpc_deals": DEALS,
    "fct_miner_valuation_daily": VALUATION,
    "fct_consensus_daily": CONSENSUS,
    "fct_daily_technicals": TECHNICALS,
    "dim_miners": MINERS,
    "dim_sessions": [
        {"session_date": (dt.date(2025, 10, 1) + dt.timedelta(days=day)).isoformat()} for day in range(92)
    ],
}
"""The marts behind the metrics: columns that are not given are null."""


@pytest.fixture(scope="module")
def metrics(dbt_target: Path, tmp_path_factory: pytest.TempPathFactory) -> Metrics:
    """The metrics of the small warehouse, whose marts have the columns and types that their contracts say."""
    database = tmp_path_factory.mktemp("published") / "minehouse.duckdb"
    manifest = json.loads((dbt_target / "manifest.json").read_text())
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema marts")
        for name, rows in MARTS.items():
            columns = manifest["nodes"][f"model.minehouse.{name}"]["columns"].values()
            types = ", ".join(f'"{column["name"]}" {column["data_type"]}' for column in columns)
            connection.execute(f"create table marts.{name} ({types})")
            for row in rows:
                marks = ", ".join("?" * len(row))
                connection.execute(f"insert into marts.{name} ({', '.join(row)}) values ({marks})", list(row.values()))
    return Metrics(database, dbt_target / "semantic_manifest.json")


def _by(metrics: Metrics, metric: str, by: str, **more: Any) -> dict[Any, Any]:
    answer = metrics.ask([metric], by=[by], **more).to_pylist()
    return {
        key.date() if isinstance(key, dt.datetime) else key: value for key, value in (row.values() for row in answer)
    }


def _total(metrics: Metrics, metric: str, **more: Any) -> Any:
    (row,) = metrics.ask([metric], **more).to_pylist()
    return row[metric]


def test_flows_add_up_over_the_announcements(metrics: Metrics) -> None:
    october, december = dt.date(2025, 10, 1), dt.date(2025, 12, 1)
    assert _by(metrics, "signed_deals", "metric_time__month") == {october: 3, december: 1}
    assert _by(metrics, "signed_contract_value_usd", "metric_time__month") == {october: 15e9, december: None}
    assert _by(metrics, "signed_critical_it_mw", "miner") == {"AAA": 400, "BBB": 200}


def test_a_rent_per_mw_is_weighted_and_of_comparable_firm_leases_alone(metrics: Metrics) -> None:
    assert _total(metrics, "rent_per_critical_it_mw_usd") == 1.5e7  # 6bn over 400 MW; the mean of the ratios is 2e7
    assert _by(metrics, "rent_per_critical_it_mw_usd", "miner") == {"AAA": 1.5e7, "BBB": None}


def test_a_running_total_carries_on_through_months_without_a_contract(metrics: Metrics) -> None:
    assert _by(metrics, "cumulative_contract_value_usd", "metric_time__month") == {
        dt.date(2025, 10, 1): 15e9,
        dt.date(2025, 11, 1): 15e9,
        dt.date(2025, 12, 1): 15e9,
    }


def test_stocks_are_those_of_the_last_session_and_add_up_over_companies(metrics: Metrics) -> None:
    assert _total(metrics, "contracted_revenue_usd") == 15e9
    assert _total(metrics, "contracted_critical_it_mw") == 610
    assert _by(metrics, "contracted_critical_it_mw", "metric_time__month") == {
        dt.date(2025, 10, 1): 400,
        dt.date(2025, 11, 1): 610,
    }


def test_ev_per_mw_is_weighted_and_leaves_incomplete_companies_out(metrics: Metrics) -> None:
    assert _total(metrics, "ev_per_critical_it_mw_usd") == 1e7  # 6bn over 600 MW; the mean of the ratios is 1.25e7
    assert _by(metrics, "ev_per_critical_it_mw_usd", "miner") == {"AAA": 5e6, "BBB": 2e7, "CCC": None}


def test_upside_is_a_plain_mean_over_companies_on_the_last_session(metrics: Metrics) -> None:
    assert _total(metrics, "upside_to_consensus_pct") == 20
    assert _by(metrics, "upside_to_consensus_pct", "metric_time__month") == {
        dt.date(2025, 10, 1): 90,
        dt.date(2025, 11, 1): 20,
    }


def test_oversold_is_what_the_mart_calls_so_and_never_in_the_warm_up(metrics: Metrics) -> None:
    assert _by(metrics, "days_oversold", "miner") == {"AAA": 2, "BBB": 1, "BTC": 1}
    covered = ["{{ Dimension('miner__is_covered_company') }}"]
    assert _by(metrics, "days_oversold", "miner__company_name", where=covered) == {"Aaa Corp.": 2, "Bbb Corp.": 1}


def test_every_metric_can_be_asked_for(metrics: Metrics, dbt_target: Path) -> None:
    known = json.loads((dbt_target / "semantic_manifest.json").read_text())["metrics"]
    for metric in known:
        assert metrics.ask([metric["name"]], by=["metric_time__quarter"]).num_rows, metric["name"]


def test_an_unknown_metric_is_refused(metrics: Metrics) -> None:
    with pytest.raises(InvalidQueryException, match="contracted_mw"):
        metrics.ask(["contracted_mw"])


def test_a_missing_file_names_the_command_that_makes_it(dbt_target: Path, tmp_path: Path) -> None:
    with pytest.raises(NotPublishedError, match="make run"):
        Metrics(tmp_path / "minehouse.duckdb", dbt_target / "semantic_manifest.json")
