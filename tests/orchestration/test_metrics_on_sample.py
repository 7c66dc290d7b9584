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


def test_rent_by_month_is_that_of_the_sector_mart(sample: Any, metrics: Metrics) -> None:
    sector = "select month, usd_per_critical_it_mw from marts.sector_deal_flow where usd_per_critical_it_mw is not null"
    answer = metrics.ask(["rent_per_critical_it_mw_usd"], by=["metric_time__month"]).to_pylist()
    seen = {
        row["metric_time__month"].date(): row["rent_per_critical_it_mw_usd"]
        for row in answer
        if row["rent_per_critical_it_mw_usd"] is not None  # a month, or no known day, without a priced lease
    }
    assert len(seen) > 10
    assert seen == pytest.approx(dict(sample.query(sector)))


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
