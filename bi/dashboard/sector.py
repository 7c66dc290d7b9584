"""The sector page: who is cheap per megawatt, what was signed and at what price, everything known in one table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from bi import charts, questions
from bi.dashboard import tables
from bi.dashboard.frame import NOT_KNOWN, Published, choose_day, draw, head


@dataclass(frozen=True)
class Ranking:
    """One order of the companies: by which column of the snapshot, what it means, what is shown with it."""

    column: str
    said: str
    columns: dict[str, tables.Column]
    is_low_first: bool = False


_EV = {
    "enterprise_value_usd": tables.usd_bn("EV"),
    "contracted_critical_it_mw": tables.number("Contracted critical IT MW"),
    "ev_per_critical_it_mw_usd": tables.usd_m("EV per contracted critical IT MW"),
    "planned_critical_it_mw": tables.number("Planned critical IT MW"),
    "ev_per_planned_critical_it_mw_usd": tables.usd_m("EV per planned critical IT MW"),
    "enterprise_value_coverage": tables.text("Enterprise value"),
    "contracted_critical_it_mw_coverage": tables.text("Contracted MW"),
    "planned_critical_it_mw_coverage": tables.text("Planned MW"),
}
_EV_SAID = (
    "Enterprise value: market cap + net debt, the bitcoin still in it; over critical IT MW at the company's share. "
    "Cheapest first."
)
_SCENARIO = {
    "scenario_critical_it_mw": tables.number("Critical IT MW"),
    "scenario_capacity_basis": tables.text("Which MW"),
    "low_value_per_share_usd": tables.usd("Low a share"),
    "low_upside_pct": tables.pct("Upside to low"),
    "high_value_per_share_usd": tables.usd("High a share"),
    "high_upside_pct": tables.pct("Upside to high"),
    "scenario_source_firm": tables.text("Range by"),
    "scenario_as_of_date": tables.day("Range of"),
    "scenario_coverage": tables.text("Coverage"),
    "scenario_source_url": tables.link(),
}
_SCENARIO_SAID = (
    "The last published range of USD per critical IT MW, for the company or the sector, times the company's MW, over "
    "its shares, against the close. Nothing is added for mining or coins, no debt is taken off. Largest upside first."
)
RANKINGS = {
    "EV per contracted critical IT MW": Ranking("ev_per_critical_it_mw_usd", _EV_SAID, _EV, is_low_first=True),
    "EV per planned critical IT MW": Ranking("ev_per_planned_critical_it_mw_usd", _EV_SAID, _EV, is_low_first=True),
    "Upside to the mean price target": Ranking(
        "consensus_upside_pct",
        "Mean of the price targets of the firms whose last note is younger than a year, against the close. "
        "Largest upside first.",
        {
            "mean_price_target": tables.usd("Mean target"),
            "firms_with_target": tables.number("Firms with a target"),
            "consensus_upside_pct": tables.pct("Upside"),
            "last_rating_date": tables.day("Last note"),
            "last_rating_firm": tables.text("Firm"),
            "last_rating_to": tables.text("Rating"),
            "last_rating_price_target": tables.usd("Its target"),
            "last_rating_source_url": tables.link(),
        },
    ),
    "Upside to the low scenario": Ranking("low_upside_pct", _SCENARIO_SAID, _SCENARIO),
    "Upside to the high scenario": Ranking("high_upside_pct", _SCENARIO_SAID, _SCENARIO),
}
SNAPSHOT = {
    "symbol": tables.text("Miner"),
    "company_name": tables.text("Company", "medium"),
    "price_date": tables.day("Price of"),
    "close": tables.usd("Close"),
    "change_pct": tables.pct("Change"),
    "pct_vs_sma_50": tables.pct("Against SMA 50"),
    "pct_vs_sma_200": tables.pct("Against SMA 200"),
    "rsi_14": tables.number("RSI 14", 1),
    "nearest_support": tables.usd("Support"),
    "nearest_resistance": tables.usd("Resistance"),
    "high_52w": tables.usd("52-week high"),
    "last_rating_date": tables.day("Last note"),
    "last_rating_firm": tables.text("Firm"),
    "last_rating_from": tables.text("From"),
    "last_rating_to": tables.text("To"),
    "last_rating_price_target": tables.usd("Target"),
    "last_rating_source_url": tables.link("Note"),
    "deals": tables.number("Firm deals"),
    "contracted_revenue_usd": tables.usd_bn("Contracted revenue"),
    "contracted_critical_it_mw": tables.number("Contracted critical IT MW"),
    "planned_critical_it_mw": tables.number("Planned critical IT MW"),
    "gross_power_mw": tables.number("Power, gross MW"),
    "market_cap_usd": tables.usd_bn("Market cap"),
    "net_debt_usd": tables.usd_bn("Net debt"),
    "btc_value_usd": tables.usd_bn("Bitcoin held"),
    "enterprise_value_usd": tables.usd_bn("EV"),
    "low_value_per_share_usd": tables.usd("Scenario low a share"),
    "high_value_per_share_usd": tables.usd("Scenario high a share"),
    "scenario_source_firm": tables.text("Scenario by"),
    "scenario_source_url": tables.link("Scenario"),
}
DEALS = {
    "announced_date": tables.day("Announced"),
    "symbol": tables.text("Miner"),
    "counterparty": tables.text("Counterparty", "medium"),
    "deal_type": tables.text("Type"),
    "site": tables.text("Site", "medium"),
    "critical_it_mw": tables.number("Critical IT MW"),
    "gross_mw": tables.number("Gross MW"),
    "contract_value_usd": tables.usd_bn("Contract value"),
    "term_years": tables.number("Term, years", 1),
    "usd_per_critical_it_mw": tables.usd_m("Per critical IT MW"),
    "usd_per_critical_it_mw_year": tables.Column("Rent per critical IT MW and year, USD m", 1e6, "%.2f"),
    "is_firm": tables.flag("Firm"),
    "source_url": tables.link(),
}


def show(published: Published) -> None:
    """The page."""
    top = st.container()
    as_of = choose_day(published)
    snapshot = published.ask(questions.snapshot, as_of)
    session = snapshot["as_of_session_date"].max()
    deals = published.ask(questions.deals, as_of)
    with top:
        head(published, "Listed miners as AI data centres", f"What was known at the close of {session:%d %B %Y}")
    _headlines(snapshot, published.ask(questions.deal_totals, as_of))
    _ranking(snapshot, as_of)
    _deals(deals, as_of)
    st.subheader("Snapshot of every company")
    st.caption(f"One row per company; {NOT_KNOWN}: nobody's figure was seen by then, or one it needs is missing.")
    tables.show(snapshot, SNAPSHOT, pinned="symbol")


def _headlines(snapshot: pd.DataFrame, totals: pd.DataFrame) -> None:
    signed = totals.iloc[0] if len(totals) else None
    firm = 0 if signed is None else int(signed["firm_deals"])
    with st.container(horizontal=True):
        _count("Companies with a price", snapshot["close"].notna().sum(), len(snapshot))
        _count("with an enterprise value", snapshot["enterprise_value_usd"].notna().sum(), len(snapshot))
        st.metric("Firm deals", firm, border=True, width=200)
        for title, column, counted, divisor, digits in (
            ("Contract value signed, USD bn", "contract_value_usd", "deals_with_value", 1e9, 1),
            ("Critical IT MW signed", "critical_it_mw", "deals_with_critical_it_mw", 1, 0),
        ):
            stated = 0 if signed is None else int(signed[counted])
            total = f"{signed[column] / divisor:,.{digits}f}" if signed is not None and stated else NOT_KNOWN
            st.metric(
                title,
                total,
                f"{stated} of {firm} deals state it",
                "off",
                delta_arrow="off",
                border=True,
                width=230,
            )


def _count(title: str, known: int, of: int) -> None:
    st.metric(title, f"{known} of {of}", border=True, width=200)


def _ranking(snapshot: pd.DataFrame, as_of: date) -> None:
    st.subheader("Ranking")
    ranking = RANKINGS[st.selectbox("Ranked by", RANKINGS, key="rank", bind="query-params", width=380)]
    ranked = snapshot.sort_values(
        [ranking.column, "symbol"], ascending=[ranking.is_low_first, True], na_position="last"
    )
    ranks = ranked[ranking.column].rank(ascending=ranking.is_low_first, method="min")
    ranked["rank"] = ["" if pd.isna(rank) else f"{rank:.0f}" for rank in ranks]
    ranked["miner"] = [f"miner?{urlencode({'symbol': symbol, 'as_of': as_of})}" for symbol in ranked["symbol"]]
    st.caption(f"{ranking.said} Companies whose figure is {NOT_KNOWN} come last.")
    tables.show(
        ranked, {"rank": tables.text("Rank"), "miner": tables.miner(), "close": tables.usd("Close"), **ranking.columns}
    )


def _deals(deals: pd.DataFrame, as_of: date) -> None:
    flow, price = st.columns(2, gap="large")
    with flow:
        st.subheader("Deal flow")
        st.caption("Firm contracts, cumulated; base terms, whole contracts, cloud included. Hollow: figure not stated.")
        draw(charts.deal_flow_chart, deals, as_of, beside=70)
    with price:
        st.subheader("Price of a critical IT MW")
        st.caption(
            "Base-term revenue per critical IT MW of each deal that states both. Terms differ (hover), and cloud "
            "prices include the GPUs: the two colours are not comparable."
        )
        draw(charts.usd_per_mw_chart, deals)
    st.subheader("Deals")
    if deals.empty:
        st.info("No deal was known then.")
    else:
        tables.show(deals.iloc[::-1], DEALS)
