"""The metrics agree with SQL on the marts of the published sample."""

from __future__ import annotations

from typing import Any

import pytest

from bi.metrics import Metrics

ON_THE_LAST_SESSION = "where trade_date = (select max(trade_date) from marts.{mart})"
SQL_OF = {
    "signed_contract_value_usd": "select sum(contract_value_usd) from marts.sector_deal_flow",
    "signed_critical_it_mw": "select sum(critical_it_mw) from marts.fct_hpc_deals where is_firm",
    "rent_per_critical_it_mw_usd": """
        select sum(contract_value_usd) / sum(critical_it_mw) from marts.fct_hpc_deals
        where is_firm and is_comparable_lease and contract_value_usd is not null and critical_it_mw is not null
            and usd_per_critical_it_mw is not null""",
    "contracted_revenue_usd": f"""
        select sum(contracted_revenue_usd) from marts.fct_miner_valuation_daily
        {ON_THE_LAST_SESSION.format(mart="fct_miner_valuation_daily")}""",
    "contracted_critical_it_mw": f"""
        select sum(contracted_critical_it_mw) from marts.fct_miner_valuation_daily
        {ON_THE_LAST_SESSION.format(mart="fct_miner_valuation_daily")}""",
    "ev_per_critical_it_mw_usd": f"""
        select sum(enterprise_value_usd) / sum(contracted_critical_it_mw) from marts.fct_miner_valuation_daily
        {ON_THE_LAST_SESSION.format(mart="fct_miner_valuation_daily")} and ev_per_critical_it_mw_usd is not null""",
    "upside_to_consensus_pct": f"""
        select avg(implied_upside_pct) from marts.fct_consensus_daily
        {ON_THE_LAST_SESSION.format(mart="fct_consensus_daily")}""",
    "days_oversold": "select count(*) from marts.fct_daily_technicals where rsi_14 <= 30",
}


@pytest.fixture(scope="module")
def metrics(sample: Any) -> Metrics:
    return Metrics(sample.settings.published_database, sample.settings.dbt_target_dir / "semantic_manifest.json")


@pytest.mark.parametrize("metric", sorted(SQL_OF))
def test_a_metric_is_what_sql_says(sample: Any, metrics: Metrics, metric: str) -> None:
    ((expected,),) = sample.query(SQL_OF[metric])
    assert expected
    (row,) = metrics.ask([metric]).to_pylist()
    assert row[metric] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("metric", "by", "column", "mart"),
    [
        ("rent_per_critical_it_mw_usd", "metric_time__month", "usd_per_critical_it_mw", "sector_deal_flow"),
        ("signed_deals", "metric_time__month", "deals", "sector_deal_flow"),
        ("signed_contract_value_usd", "metric_time__month", "contract_value_usd", "sector_deal_flow"),
        ("signed_critical_it_mw", "metric_time__month", "critical_it_mw", "sector_deal_flow"),
        ("ev_per_critical_it_mw_usd", "miner", "ev_per_critical_it_mw_usd", "miner_snapshot"),
        ("contracted_revenue_usd", "miner", "contracted_revenue_usd", "miner_snapshot"),
        ("contracted_critical_it_mw", "miner", "contracted_critical_it_mw", "miner_snapshot"),
        ("days_oversold", "miner", "count_if(rsi_zone = 'oversold')", "fct_daily_technicals group by symbol"),
    ],
)
def test_a_figure_of_a_mart_is_that_of_its_metric(
    sample: Any, metrics: Metrics, metric: str, by: str, column: str, mart: str
) -> None:
    key = "month" if by == "metric_time__month" else "symbol"
    stated = {name: value for name, value in sample.query(f"select {key}, {column} from marts.{mart}") if value}
    seen = {
        row[by].date() if key == "month" else row[by]: row[metric]
        for row in metrics.ask([metric], by=[by]).to_pylist()
        if row[by] and row[metric]  # a contract whose day is not known is in no month
    }
    assert len(seen) >= 2
    assert seen == pytest.approx(stated, rel=1e-12)


@pytest.mark.parametrize(
    ("metric", "of"),
    [
        ("ev_per_critical_it_mw_usd", "valuation"),
        ("upside_to_consensus_pct", "consensus_day"),
        ("days_oversold", "technical_day"),
    ],
)
def test_a_metric_that_rests_on_prices_says_that_they_are_simulated(metrics: Metrics, metric: str, of: str) -> None:
    answer = metrics.ask([metric], by=[f"{of}__price_source"]).to_pylist()
    assert [row[f"{of}__price_source"] for row in answer] == ["sample"]
