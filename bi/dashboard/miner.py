"""The miner page: one company on one day, with the source of every figure and what is missing."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from bi import charts, questions
from bi.dashboard import sector, tables
from bi.dashboard.frame import NOT_KNOWN, Published, choose_day, draw, head

WINDOWS = {"3 months": 63, "6 months": 126, "1 year": 252, "2 years": 504}
RATINGS = {
    "rating_date": tables.day("Day"),
    "firm": tables.text("Firm"),
    "action": tables.text("What"),
    "from_rating": tables.text("From"),
    "to_rating": tables.text("To"),
    "price_target_prior": tables.usd("Target before"),
    "price_target_new": tables.usd("Target after"),
    "target_change_pct": tables.pct("Change"),
    "source_url": tables.link(),
}
SITES = {
    "site": tables.text("Site"),
    "known_date": tables.day("Reported"),
    "use": tables.text("Use"),
    "power_contracted_mw": tables.number("Contracted power, gross MW"),
    "power_energized_mw": tables.number("Live power, gross MW"),
    "critical_it_mw_planned": tables.number("Planned critical IT MW"),
    "critical_it_mw_contracted": tables.number("Leased critical IT MW"),
    "energization_date": tables.day("First power"),
    "owner_share_pct": tables.Column("Company's share, %", format="%.0f"),
    "source_url": tables.link(),
    "notes": tables.text("Notes", "large"),
}
SCENARIOS = {
    "as_of_date": tables.day("Published"),
    "source_firm": tables.text("Firm"),
    "business": tables.text("Business"),
    "capacity_basis": tables.text("Which MW"),
    "scenario": tables.text("Scenario"),
    "usd_per_mw": tables.usd_m("Per MW"),
    "mw_basis": tables.text("MW are"),
    "critical_it_mw": tables.number("Critical IT MW"),
    "gross_mw": tables.number("Gross MW"),
    "value_per_share_usd": tables.usd("Value a share"),
    "close": tables.usd("Close that day"),
    "upside_pct": tables.pct("Upside that day"),
    "scenario_coverage": tables.text("Coverage"),
    "source_url": tables.link(),
}
INPUTS = {
    "price_coverage": "Price",
    "shares_coverage": "Shares",
    "net_debt_coverage": "Net debt",
    "btc_coverage": "Bitcoin held",
    "enterprise_value_coverage": "Enterprise value",
    "contracted_critical_it_mw_coverage": "Contracted critical IT MW",
    "contracted_revenue_coverage": "Contracted revenue",
    "planned_critical_it_mw_coverage": "Planned critical IT MW",
    "gross_power_mw_coverage": "Power, gross MW",
    "scenario_coverage": "Scenario a share",
}
LEVELS = {
    "level_type": tables.text("Level"),
    "level_price": tables.usd("Price"),
    "distance_pct": tables.pct("From the close"),
    "touches": tables.number("Touches"),
    "first_touch_date": tables.day("First touch"),
    "last_touch_date": tables.day("Last touch"),
}


def show(published: Published) -> None:
    """The page."""
    top = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        as_of = choose_day(published)
        snapshot = published.ask(questions.snapshot, as_of)
        symbol = _choose(snapshot)
        window = WINDOWS[st.selectbox("Chart", WINDOWS, index=2, key="chart", bind="query-params", width=130)]
    row = snapshot[snapshot["symbol"] == symbol].iloc[0]
    session = row["as_of_session_date"]
    with top:
        name = row["company_name"] or symbol
        head(published, f"{name} ({symbol})", f"What was known at the close of {session:%d %B %Y}")
    if not row["price_is_complete"]:
        st.info(f"Price: {row['price_coverage']}.")
    _headlines(published, row, as_of)
    ratings = published.ask(questions.ratings, as_of, symbol)
    levels = published.ask(questions.levels, symbol, as_of)
    _prices(published.ask(questions.bars, symbol, as_of, window), levels, ratings)
    _scenarios(published.ask(questions.scenarios, symbol, as_of), row)
    deals = published.ask(questions.deals, as_of, symbol)
    _table("HPC deals", deals.iloc[::-1], {k: v for k, v in sector.DEALS.items() if k != "symbol"}, "deal")
    _table("Sites", published.ask(questions.sites, symbol, as_of), SITES, "report on a site")
    notes = ratings.assign(action=ratings["action"].str.replace("_", " "))
    _table("Analyst notes", notes, RATINGS, "analyst note")
    _missing(row)


def _choose(snapshot: pd.DataFrame) -> str:
    """The company of `?symbol=`, else the one with a price of which most is known."""
    ranked = snapshot.assign(is_unpriced=snapshot["close"].isna()).sort_values(
        ["is_unpriced", "incomplete_inputs", "symbol"]
    )
    symbols: list[str] = snapshot["symbol"].tolist()
    default = str(ranked["symbol"].iloc[0])
    asked = st.query_params.get("symbol", "")
    if asked and asked not in symbols:
        if asked.upper() in symbols:
            st.session_state["symbol"] = asked.upper()
        else:
            # what stands in an address is shown only where it can be nothing but a ticker
            name = f"`{asked}`" if re.fullmatch(r"[A-Za-z0-9.\-]{1,12}", asked) else "what the address asks for"
            st.session_state["unknown_symbol"] = name
    if st.session_state.get("symbol", default) not in symbols:
        del st.session_state["symbol"]
    chosen = st.selectbox("Miner", symbols, index=symbols.index(default), key="symbol", bind="query-params", width=130)
    if name := st.session_state.pop("unknown_symbol", None):
        st.warning(f"No company is known as {name}; this is {chosen}.")
    return chosen


def _headlines(published: Published, row: pd.Series[Any], as_of: date) -> None:
    picture = published.ask(questions.technical_picture, row["symbol"], as_of)
    close = picture.iloc[0] if len(picture) else None
    price_date = "" if _is_missing(row["price_date"]) else f"{row['price_date']:%d %b %Y}"
    with st.container(horizontal=True):
        _metric(
            "Close, USD",
            row["close"],
            "{:,.2f}",
            _said(row["change_pct"], "{:+.1f} %"),
            colour="normal",
            help=price_date,
        )
        for days in (50, 200):
            _metric(
                f"SMA {days}, USD", row[f"sma_{days}"], "{:,.2f}", _said(row[f"pct_vs_sma_{days}"], "close {:+.1f} %")
            )
        _metric("RSI 14", row["rsi_14"], "{:.1f}", row["rsi_zone"])
        for title, name in (
            ("Support, USD", "nearest_support"),
            ("Resistance, USD", "nearest_resistance"),
        ):
            level = None if close is None else close[name]
            touches = None if close is None else _said(close[f"{name}_touch_dates"], "Touched {}")
            _metric(
                title,
                level,
                "{:,.2f}",
                None if close is None else _said(close[f"{name}_pct"], "{:+.1f} %"),
                help=touches,
            )
        _metric("52-week high, USD", row["high_52w"], "{:,.2f}", _said(row["pct_from_52w_high"], "close {:+.1f} %"))
    with st.container(horizontal=True):
        _metric("Market cap, USD bn", row["market_cap_usd"] / 1e9, "{:,.2f}", help=row["shares_coverage"])
        _metric(
            "EV, USD bn",
            row["enterprise_value_usd"] / 1e9,
            "{:,.2f}",
            help=row["enterprise_value_coverage"],
        )
        _metric(
            "Critical IT MW",
            row["contracted_critical_it_mw"],
            "{:,.0f}",
            "contracted",
            help="Contracted: " + row["contracted_critical_it_mw_coverage"],
        )
        _metric("EV per critical IT MW", row["ev_per_critical_it_mw_usd"] / 1e6, "USD {:,.1f} m", "contracted")
        _metric(
            "Mean target, USD",
            row["mean_price_target"],
            "{:,.2f}",
            _said(row["consensus_upside_pct"], "{:+.1f} %"),
            help=_said(row["firms_with_target"], "{:.0f} firms, notes younger than a year"),
        )
        for end in ("low", "high"):
            _metric(
                f"Scenario {end}, USD",
                row[f"{end}_value_per_share_usd"],
                "{:,.2f}",
                _said(row[f"{end}_upside_pct"], "{:+.1f} %"),
                help=f"{row['scenario_source_firm']}, coverage: {row['scenario_coverage']}",
            )


def _metric(
    title: str,
    value: object,
    shape: str,
    said: str | None = None,
    *,
    colour: str = "off",
    help: object = None,  # noqa: A002
) -> None:
    known = not _is_missing(value)
    st.metric(
        title,
        shape.format(value) if known else NOT_KNOWN,
        said if known and not _is_missing(said) else None,
        "normal" if colour == "normal" else "off",
        delta_arrow="auto" if colour == "normal" else "off",
        help=None if _is_missing(help) or not help else str(help),
        border=True,
        width=168,
    )


def _is_missing(value: object) -> bool:
    return value is None or bool(pd.isna(value))  # type: ignore[call-overload]


def _said(value: object, shape: str) -> str | None:
    return None if _is_missing(value) else shape.format(value)


def _prices(bars: pd.DataFrame, levels: pd.DataFrame, ratings: pd.DataFrame) -> None:
    st.subheader("Price, averages, levels, notes")
    st.caption(
        "One place per exchange session: an empty place is a session without a bar. S1, S2, R1, R2: the nearest "
        "supports and resistances known at the last close. Hover for figures."
    )
    if bars.empty:
        st.info("No price is known.")
        return
    draw(charts.miner_chart, bars, levels, ratings, beside=190, width=1000)
    if len(levels):
        with st.expander("Levels"):
            tables.show(levels, LEVELS)


def _scenarios(scenarios: pd.DataFrame, row: pd.Series[Any]) -> None:
    st.subheader("What published values per MW come to per share")
    if scenarios.empty:
        st.info("No published value per MW was known then.")
        return
    st.caption(
        "Each publication's USD per MW times the company's MW, over its shares, as known on the publication's day; "
        "by the meaning of the publication (equity: no debt taken off, no coins added). The dashed line is the close."
    )
    draw(
        charts.scenario_chart,
        scenarios[scenarios["is_first_choice"].astype(bool)],
        row["close"],
        is_simulated=row["price_source"] == "sample",
    )
    with st.expander(f"All {len(scenarios)} rows, with what is missing"):
        tables.show(scenarios, SCENARIOS)


def _table(title: str, rows: pd.DataFrame, columns: dict[str, tables.Column], what: str) -> None:
    st.subheader(title)
    if rows.empty:
        st.info(f"Not known: no {what} was seen by then.")
    else:
        tables.show(rows, columns)


def _missing(row: pd.Series[Any]) -> None:
    st.subheader("What is missing")
    names = [str(name).removesuffix("_coverage") for name in row.index if str(name).endswith("_coverage")]
    coverage = pd.DataFrame(
        [(INPUTS.get(f"{name}_coverage", name), row[f"{name}_coverage"], row[f"{name}_is_complete"]) for name in names],
        columns=["input", "coverage", "is_complete"],
    )
    is_whole = coverage["is_complete"].astype(bool)
    st.caption(f"{(~is_whole).sum()} of {len(coverage)} inputs and figures are not complete.")
    order = is_whole.sort_values(kind="stable").index
    tables.show(
        coverage.loc[order, ["input", "coverage"]],
        {"input": tables.text("Input or figure"), "coverage": tables.text("What is known")},
    )
