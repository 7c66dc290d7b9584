"""The sector page: who is cheap per megawatt, what was signed and at what price, everything known in one table."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from bi import charts, questions
from bi.dashboard import tables
from bi.dashboard.frame import NOT_KNOWN, Published, choose_day, draw, head

RANKED_BY = {
    # words: column of the snapshot
    "EV per contracted critical IT MW": "ev_per_critical_it_mw_usd",
    "EV per planned critical IT MW": "ev_per_planned_critical_it_mw_usd",
    "Upside to the mean price target": "consensus_upside_pct",
    "Upside to the scenario's low end": "low_upside_pct",
    "Upside to the scenario's high end": "high_upside_pct",
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
    _headlines(snapshot, deals)
    _ranking(snapshot, as_of)
    _deals(deals, as_of)
    st.subheader("Snapshot of every company")
    st.caption(f"One row per company; {NOT_KNOWN}: nobody's figure was seen by then, or one it needs is missing.")
    tables.show(snapshot, SNAPSHOT, pinned="symbol")


def _headlines(snapshot: pd.DataFrame, deals: pd.DataFrame) -> None:
    firm = deals[deals["is_firm"].astype(bool)]
    with st.container(horizontal=True):
        _count("Companies with a price", snapshot["close"].notna().sum(), len(snapshot))
        _count("with an enterprise value", snapshot["enterprise_value_usd"].notna().sum(), len(snapshot))
        st.metric("Firm deals", len(firm), border=True, width=200)
        for title, column, divisor, digits in (
            ("Contract value signed, USD bn", "contract_value_usd", 1e9, 1),
            ("Critical IT MW signed", "critical_it_mw", 1, 0),
        ):
            stated = firm[column].notna().sum()
            total = f"{firm[column].sum() / divisor:,.{digits}f}" if stated else NOT_KNOWN
            st.metric(
                title,
                total,
                f"{stated} of {len(firm)} deals state it",
                "off",
                delta_arrow="off",
                border=True,
                width=230,
            )


def _count(title: str, known: int, of: int) -> None:
    st.metric(title, f"{known} of {of}", border=True, width=200)


def _ranking(snapshot: pd.DataFrame, as_of: date) -> None:
    st.subheader("Ranking")
    words = st.selectbox("Ranked by", RANKED_BY, key="rank", bind="query-params", width=380)
    column = RANKED_BY[words]
    is_cheap_first = column.startswith("ev_")
    ranked = snapshot.sort_values([column, "symbol"], ascending=[is_cheap_first, True], na_position="last")
    ranks = ranked[column].rank(ascending=is_cheap_first, method="min")
    ranked["rank"] = ["" if pd.isna(rank) else f"{rank:.0f}" for rank in ranks]
    ranked["miner"] = [f"miner?{urlencode({'symbol': symbol, 'as_of': as_of})}" for symbol in ranked["symbol"]]
    st.caption(
        "EV: market cap + net debt, bitcoin still in it, over critical IT MW under firm contracts or planned, at the "
        "company's share. Mean price target: of the firms whose last note is younger than a year. Scenario: the last "
        "published range of USD per critical IT MW for the company or the sector, times its MW, a share: what the "
        "company's HPC capacity alone would be worth, nothing added for mining or coins, no debt taken off. "
        f"Companies whose figure is {NOT_KNOWN} come last, with the reason."
    )
    tables.show(
        ranked,
        {
            "rank": tables.text("Rank"),
            "miner": tables.miner(),
            "close": tables.usd("Close"),
            "enterprise_value_usd": tables.usd_bn("EV"),
            "contracted_critical_it_mw": tables.number("Contracted critical IT MW"),
            "ev_per_critical_it_mw_usd": tables.usd_m("EV per contracted critical IT MW"),
            "ev_per_planned_critical_it_mw_usd": tables.usd_m("EV per planned critical IT MW"),
            "mean_price_target": tables.usd("Mean target"),
            "firms_with_target": tables.number("Firms"),
            "consensus_upside_pct": tables.pct("Upside to the mean target"),
            "low_upside_pct": tables.pct("Upside to scenario low"),
            "high_upside_pct": tables.pct("Upside to scenario high"),
            "enterprise_value_coverage": tables.text("Enterprise value"),
            "contracted_critical_it_mw_coverage": tables.text("Contracted critical IT MW"),
            "scenario_coverage": tables.text("Scenario"),
        },
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
