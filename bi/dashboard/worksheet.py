"""The worksheet: a value per share as a sum of parts under assumptions of one's own, which stand in the address."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from bi import charts, questions
from bi.dashboard import tables
from bi.dashboard.frame import NOT_KNOWN, Opening, Published, draw, slide

PARTS = {
    "mw_value_per_share_usd": "Critical IT MW",
    "less_net_debt_per_share_usd": "Less net debt",
    "btc_value_per_share_usd": "Bitcoin held",
}
ASSUMED = ("usd_m_per_mw", "mw", "net_debt_usd_m", "coins", "btc_usd", "dilution")
"""What stands in the address beside the day and the company."""


def show(published: Published) -> None:
    """The page."""
    opening = Opening(published)
    row = opening.choose_company()
    session, symbol = opening.session, str(row["symbol"])
    _forget_another(symbol)
    opening.say(f"What is {symbol} worth a share?", "From what was known at the close of {:%d %B %Y}")
    known = published.ask(questions.value_worksheet, symbol, session, 1.0, 1.0)
    if known.empty:
        st.info("Not known: no balance sheet and no price of this company was seen by then.")
        return
    assumed, told = st.columns([2, 3], gap="large")
    with assumed:
        asked = _assume(row, known.iloc[0], opening.snapshot)
    answer = published.ask(questions.value_worksheet, symbol, session, *asked).iloc[0]
    with told:
        _told(answer)


def _forget_another(symbol: str) -> None:
    """The assumptions made for one company are none for another."""
    if st.session_state.setdefault("worksheet_of", symbol) != symbol:
        for key in ASSUMED:
            st.query_params.pop(key, None)
            st.session_state.pop(key, None)
        st.session_state["worksheet_of"] = symbol


def _assume(
    row: pd.Series[Any], known: pd.Series[Any], snapshot: pd.DataFrame
) -> tuple[float, float, float, float | None, float | None, float]:
    """What the sliders say, in USD, MW and coins; None for what is known and has no slider."""
    ends = [
        value / 1e6
        for value in (row["scenario_low_usd_per_critical_it_mw"], row["scenario_high_usd_per_critical_it_mw"])
        if not tables.is_missing(value)
    ]
    dearest = snapshot["scenario_high_usd_per_critical_it_mw"].max() / 1e6
    middle = round(sum(ends) / len(ends), 1) if ends else 0.0
    ceiling = max(value for value in (10.0, 1.5 * middle, dearest) if not tables.is_missing(value))
    usd_m = slide(
        "usd_m_per_mw", "Value of a critical IT MW", middle, 0.0, float(round(ceiling)) + 5, 0.1, unit="USD m"
    )
    mws = [row[name] for name in ("scenario_mw", "contracted_critical_it_mw", "planned_critical_it_mw")]
    mws = [float(mw) for mw in mws if not tables.is_missing(mw)]
    most = max(
        [
            *(1.5 * mw for mw in mws),
            0.0 if tables.is_missing(row["gross_power_mw"]) else float(row["gross_power_mw"]),
            100.0,
        ]
    )
    mw = slide(
        "mw", "Critical IT capacity", float(round(mws[0])) if mws else 0.0, 0.0, float(round(most)) + 1, 1.0, unit="MW"
    )
    owed = 0.0 if tables.is_missing(known["net_debt_usd"]) else float(round(known["net_debt_usd"] / 1e6))
    room = max(1000.0, 2 * abs(owed))
    titled = "Net debt" + (" (not known)" if tables.is_missing(known["net_debt_usd"]) else "")
    net_debt = 1e6 * slide("net_debt_usd_m", titled, owed, owed - room, owed + room, 1.0, unit="USD m")
    held = None
    if tables.is_missing(known["btc_held"]):
        held = slide("coins", "Bitcoin held (not known)", 0.0, 0.0, 100_000.0, 10.0, unit="coins")
    coin = None
    if not tables.is_missing(known["btc_close"]):
        close = float(round(known["btc_close"]))
        coin = slide("btc_usd", "Bitcoin", close, 0.0, 3 * close, 1.0, unit="USD")
    dilution = slide("dilution", "New shares", 0.0, 0.0, 100.0, 0.5, unit="% of those outstanding")
    published_by = row["scenario_source_firm"]
    st.caption(
        "The sliders begin with "
        + (f"the middle of the last published range ({published_by})" if ends else "nothing, for no range is published")
        + ", the company's MW, and its balance sheet as known on the day. Their places stand in the address."
    )
    return 1e6 * usd_m, mw, net_debt, held, coin, dilution


def _against(answer: pd.Series[Any]) -> str | None:
    """The value against the close; not where its MW are a part of the company."""
    if answer["is_fraction_of_company"]:
        return f"{answer['mw_pct_of_power']:.0f} % of the power: no upside"
    return None if tables.is_missing(answer["upside_pct"]) else f"{answer['upside_pct']:+,.1f} % against the close"


def _told(answer: pd.Series[Any]) -> None:
    value = answer["value_per_share_usd"]
    with st.container(horizontal=True):
        st.metric(
            "Value a share, USD",
            NOT_KNOWN if tables.is_missing(value) else f"{value:,.2f}",
            _against(answer),
            "off",
            delta_arrow="off",
            border=True,
            width=250,
        )
        st.metric(
            "Close, USD", NOT_KNOWN if tables.is_missing(answer["close"]) else f"{answer['close']:,.2f}", border=True,
            width=180,
        )  # fmt: skip
        st.metric(
            "Equity value, USD bn",
            NOT_KNOWN if tables.is_missing(answer["equity_value_usd"]) else f"{answer['equity_value_usd'] / 1e9:,.2f}",
            border=True,
            width=200,
        )
    parts = pd.DataFrame({"part": list(PARTS.values()), "usd_per_share": [answer[name] for name in PARTS]})
    close = None if tables.is_missing(answer["close"]) else float(answer["close"])
    draw(charts.parts_chart, parts, close)
    usd = [answer["mw_value_usd"], -answer["net_debt_usd"], answer["btc_value_usd"]]
    inputs = ["as assumed here", answer["net_debt_coverage"], answer["btc_coverage"]]  # of the day, before any slider
    tables.show(
        parts.assign(usd=usd, coverage=inputs),
        {
            "part": tables.text("Part"),
            "usd": tables.usd_bn("Value"),
            "usd_per_share": tables.usd("A share"),
            "coverage": tables.text("Known on the day"),
        },
        caption="Parts of the value",
    )
    shares = answer["shares_after_dilution"]
    if not tables.is_missing(shares):
        st.caption(f"Over {shares:,.0f} shares; share count: {answer['shares_coverage']}.")
