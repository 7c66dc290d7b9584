"""The sector page: who is cheap per megawatt, what was signed and at what price, everything known in one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pandas as pd
import streamlit as st

from bi import charts, questions
from bi.dashboard import tables
from bi.dashboard.frame import NOT_KNOWN, Opening, Published, address, choose, draw, keep

_NO_NOTE = "no note seen"


@dataclass(frozen=True)
class Ranking:
    """One order of the companies: by which column of the snapshot, what it means, what is shown with it."""

    column: str
    said: str
    columns: dict[str, tables.Column]
    is_low_first: bool = False


def _no_contract(row: tables.Row) -> str:
    return "no contract seen" if row["deals"] == 0 else NOT_KNOWN


def _no_ratio(row: tables.Row) -> str:
    return "no contract seen" if row["deals"] == 0 else str(row["ev_per_critical_it_mw_coverage"])


def _no_plan(row: tables.Row) -> str:
    return NOT_KNOWN if tables.is_missing(row["planned_critical_it_mw"]) else "partial plan"


def _beyond(row: tables.Row, words: str) -> str:
    return NOT_KNOWN if tables.is_missing(row["close"]) else words


def _no_note_or(words: str) -> Callable[[tables.Row], str]:
    return lambda row: _NO_NOTE if tables.is_missing(row["last_rating_date"]) else words


def _no_upside(row: tables.Row) -> str:
    return "a part of the company" if row["scenario_is_fraction"] else NOT_KNOWN


_EV = {
    "ev_per_critical_it_mw_usd": tables.usd_m("EV per contracted critical IT MW", missing=_no_ratio),
    "ev_per_planned_critical_it_mw_usd": tables.usd_m("EV per planned critical IT MW", missing=_no_plan),
    "inputs": tables.text("Balance sheet", "complete"),
    "enterprise_value_usd": tables.usd_bn("EV"),
    "contracted_critical_it_mw": tables.number("Contracted critical IT MW", missing=_no_contract),
    "planned_critical_it_mw": tables.number("Planned critical IT MW"),
    "contracted_critical_it_mw_coverage": tables.text("Contracted MW are"),
    "planned_critical_it_mw_coverage": tables.text("Planned MW are"),
}
_EV_SAID = (
    "Enterprise value: market cap + net debt, the bitcoin still in it; over critical IT MW at the company's share; "
    "no ratio where these are less than half of its power, for the value is that of the whole company. Cheapest first."
)
_SCENARIO = {
    "low_upside_pct": tables.pct("Upside to low", missing=_no_upside),
    "high_upside_pct": tables.pct("Upside to high", missing=_no_upside),
    "low_value_per_share_usd": tables.usd("Low a share"),
    "high_value_per_share_usd": tables.usd("High a share"),
    "scenario_source_url": tables.source(tier="scenario_source_tier"),
    "scenario_source_firm": tables.text("Range by", "no range published"),
    "scenario_as_of_date": tables.day("Range of", "no range published"),
    "scenario_mw": tables.number("Critical IT MW"),
    "scenario_capacity_basis": tables.code("Which MW"),
    "scenario_mw_pct_of_power": tables.number("of the company's power, %"),
    "inputs": tables.text("Balance sheet", "complete"),
}
_SCENARIO_SAID = (
    "The last published range of USD per critical IT MW, for the company or the sector, times the company's MW known "
    "now, over its shares, against the close. Where the MW are less than half of the company's power, the value is "
    "that of a part, and no upside is given. Nothing is added for mining or coins, no debt is taken off. Largest first."
)
RANKINGS = {
    "EV per contracted critical IT MW": Ranking("ev_per_critical_it_mw_usd", _EV_SAID, _EV, is_low_first=True),
    "EV per planned critical IT MW": Ranking("ev_per_planned_critical_it_mw_usd", _EV_SAID, _EV, is_low_first=True),
    "Upside to the mean price target": Ranking(
        "consensus_upside_pct",
        "Mean of the price targets of the firms whose last note is younger than a year, against the close; one firm "
        "is no consensus. Largest upside first.",
        {
            "consensus_upside_pct": tables.pct("Upside"),
            "mean_price_target": tables.usd("Mean target"),
            "firms_with_target": tables.number("Firms with a target"),
            "consensus_last_date": tables.day("Their last note"),
            "last_rating_source_url": tables.source("Last note", tier=None, missing=_NO_NOTE),
            "last_rating_date": tables.day("Last note of", _NO_NOTE),
            "last_rating_firm": tables.text("Firm", _NO_NOTE),
            "last_rating_to": tables.text("Rating", _no_note_or("not stated")),
            "last_rating_price_target": tables.usd("Its target", _no_note_or("none given")),
        },
    ),
    "Upside to the low scenario": Ranking("low_upside_pct", _SCENARIO_SAID, _SCENARIO),
    "Upside to the high scenario": Ranking("high_upside_pct", _SCENARIO_SAID, _SCENARIO),
}
SNAPSHOT = {
    "Price and levels": {
        "price_date": tables.day("Price of"),
        "close": tables.usd("Close"),
        "change_pct": tables.pct("Change"),
        "pct_vs_sma_50": tables.pct("Against SMA 50"),
        "pct_vs_sma_200": tables.pct("Against SMA 200"),
        "rsi_14": tables.number("RSI 14", 1),
        "nearest_support": tables.usd("Support", lambda row: _beyond(row, "none below")),
        "nearest_resistance": tables.usd("Resistance", lambda row: _beyond(row, "none above")),
        "high_52w": tables.usd("52-week high"),
    },
    "Last analyst note": {
        "last_rating_source_url": tables.source("Source", tier=None, missing=_NO_NOTE),
        "last_rating_date": tables.day("Note of", _NO_NOTE),
        "last_rating_firm": tables.text("Firm", _NO_NOTE),
        "last_rating_from": tables.text("From", _no_note_or("not stated")),
        "last_rating_to": tables.text("To", _no_note_or("not stated")),
        "last_rating_price_target": tables.usd("Target", _no_note_or("none given")),
    },
    "Contracts and capacity": {
        "deals": tables.number("Firm deals", missing="no contract seen"),
        "contracted_revenue_usd": tables.usd_bn(
            "Contracted revenue", _no_contract, complete="contracted_revenue_is_complete"
        ),
        "contracted_critical_it_mw": tables.number(
            "Contracted critical IT MW", missing=_no_contract, complete="contracted_critical_it_mw_is_complete"
        ),
        "planned_critical_it_mw": tables.number(
            "Planned critical IT MW", complete="planned_critical_it_mw_is_complete"
        ),
        "gross_power_mw": tables.number("Power, gross MW", complete="gross_power_mw_is_complete"),
    },
    "Balance sheet and value": {
        "market_cap_usd": tables.usd_bn("Market cap"),
        "net_debt_usd": tables.usd_bn("Net debt"),
        "btc_value_usd": tables.usd_bn("Bitcoin held"),
        "enterprise_value_usd": tables.usd_bn("EV"),
        "inputs": tables.text("Balance sheet", "complete"),
        "scenario_source_url": tables.source("Scenario", tier="scenario_source_tier"),
        "scenario_source_firm": tables.text("Scenario by", "no range published"),
        "low_value_per_share_usd": tables.usd("Scenario low a share"),
        "high_value_per_share_usd": tables.usd("Scenario high a share"),
    },
}
"""The snapshot in parts that fit a page, by their names."""
DEALS = {
    "announced_date": tables.day("Announced"),
    "symbol": tables.miner(address="address"),
    "source_url": tables.source(),
    "counterparty": tables.text("Counterparty", "not named"),
    "deal_type": tables.code("Type"),
    "is_firm": tables.flag("Firm"),
    "site": tables.text("Site", "not stated"),
    "critical_it_mw": tables.number("Critical IT MW", missing="not stated"),
    "gross_mw": tables.number("Gross MW", missing="not stated"),
    "contract_value_usd": tables.usd_bn("Contract value", "not stated"),
    "term_years": tables.number("Term, years", 1, missing="not stated"),
    "usd_per_critical_it_mw": tables.usd_m("Per critical IT MW"),
    "usd_per_critical_it_mw_year": tables.usd_m("Rent per critical IT MW and year", 2),
}


def show(published: Published) -> None:
    """The page."""
    opening = Opening(published)
    session, snapshot = opening.session, opening.snapshot
    snapshot = snapshot.assign(
        address=[address("miner", symbol=symbol) for symbol in snapshot["symbol"]],
        inputs=pd.Series([outdated(row) for row in snapshot.to_dict("records")], dtype=object),
    )
    deals = published.ask(questions.deals, session)
    opening.say("Listed miners as AI data centres")
    _headlines(snapshot, published.ask(questions.deal_totals, session))
    _ranking(snapshot)
    _deals(deals, session)
    _snapshot(snapshot)


def _snapshot(snapshot: pd.DataFrame) -> None:
    st.subheader("Snapshot of every company", anchor=False)
    part = choose("figures", "Figures", list(SNAPSHOT), next(iter(SNAPSHOT)), width=250)
    st.caption(f"One row per company; {NOT_KNOWN}: nobody's figure was seen by then, or one it needs is missing.")
    columns = {
        "symbol": tables.miner(address="address"),
        "company_name": tables.text("Company"),
        **SNAPSHOT[part],
    }
    tables.show(snapshot, columns, caption=f"{part} of every company")


def outdated(row: tables.Row) -> str | None:
    """Which figures of the balance sheet are older than the last report, with the days they stand for; else None."""
    old = [
        f"{name} of {row[day]:%d %b %Y}" if not tables.is_missing(row[day]) else f"{name} not known"
        for name, kind, days in (
            ("shares", "shares", ("shares_outstanding_as_of_date",)),
            ("debt", "net_debt", ("debt_usd_as_of_date",)),
            ("bitcoin", "btc", ("btc_held_as_of_date",)),
        )
        for day in days
        if not row[f"{kind}_is_complete"]
    ]
    return f"not up to date: {', '.join(old)}" if old else None


def _headlines(snapshot: pd.DataFrame, totals: pd.DataFrame) -> None:
    signed = totals.iloc[0] if len(totals) else None
    firm = 0 if signed is None else int(signed["firm_deals"])
    with st.container(horizontal=True):
        _count("Companies with a price", snapshot["close"].notna().sum(), len(snapshot))
        _count("Companies with an enterprise value", snapshot["enterprise_value_usd"].notna().sum(), len(snapshot))
        st.metric("Firm deals", firm, border=True, width=230)
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
    st.metric(title, f"{known} of {of}", border=True, width=270)


def _ranking(snapshot: pd.DataFrame) -> None:
    st.subheader("Ranking", anchor=False)
    asked = st.query_params.get("rank")
    options = list(RANKINGS)
    chosen = st.selectbox(
        "Ranked by", options, index=options.index(asked) if asked in options else 0, key="rank", width=380
    )
    keep("rank", chosen)
    ranking = RANKINGS[chosen]
    ranked = snapshot.sort_values(
        [ranking.column, "symbol"], ascending=[ranking.is_low_first, True], na_position="last"
    )
    ranks = ranked[ranking.column].rank(ascending=ranking.is_low_first, method="min")
    ranked["rank"] = ["" if pd.isna(rank) else f"{rank:.0f}" for rank in ranks]
    st.caption(f"{ranking.said} Companies whose figure is {NOT_KNOWN} come last.")
    tables.show(
        ranked,
        {
            "rank": tables.text("Rank"),
            "symbol": tables.miner(address="address"),
            "close": tables.usd("Close"),
            **ranking.columns,
        },
        caption=f"Companies ranked by {chosen}",
    )


def _deals(deals: pd.DataFrame, session: date) -> None:
    st.subheader("Deal flow", anchor=False)
    st.caption("Firm contracts, cumulated; base terms, whole contracts, cloud included. Hollow: figure not stated.")
    draw(charts.deal_flow_chart, deals, session, beside=70)
    st.subheader("Price of a critical IT MW", anchor=False)
    st.caption(
        "Base-term revenue per critical IT MW of each deal that states both. Terms differ (hover), and cloud "
        "prices include the GPUs: the two colours are not comparable."
    )
    draw(charts.usd_per_mw_chart, deals)
    st.subheader("Deals", anchor=False)
    if deals.empty:
        st.info("No deal was known then.")
    else:
        st.caption(f"Latest first; {tables.primary_sources(deals)}.")
        listed = deals.iloc[::-1].assign(address=[address("miner", symbol=symbol) for symbol in deals["symbol"][::-1]])
        tables.show(listed, DEALS, caption="Deals of every company, latest first")
