"""The comparison page: chosen instruments over one stretch of time, with returns, volatility and correlation."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from bi import charts, questions
from bi.dashboard import tables
from bi.dashboard.frame import WINDOWS, Opening, Published, choose, choose_several, draw

RETURNS = {
    "symbol": tables.miner("Symbol"),
    "return_pct": tables.pct("Return"),
    "volatility_pct": tables.number("Volatility a year, %", 1, missing="fewer than two returns"),
    "largest_drawdown_pct": tables.pct("Deepest fall"),
    "sessions": tables.number("Sessions"),
    "first_trade_date": tables.day("From"),
    "last_trade_date": tables.day("To"),
    "price_source": tables.code("Prices from"),
}
_MINERS = 4
"""How many companies are compared unless the address says which."""


def show(published: Published) -> None:
    """The page."""
    opening = Opening(published)
    session = opening.session
    with opening.controls:
        window = WINDOWS[choose("window", "Stretch", list(WINDOWS), "1 year")]
        is_log = choose("scale", "Scale", ["logarithmic", "linear"], "logarithmic") == "logarithmic"
    since = published.ask(questions.session_back, session, window)["session_date"].iloc[0]
    returns = published.ask(questions.price_returns, since, session)
    known = published.ask(questions.instruments)
    priced = known[known["symbol"].isin(returns["symbol"])]
    chosen = tuple(
        choose_several("with", "Compared", priced["symbol"].tolist(), _usual(priced, st.query_params.get("symbol")))
    )
    opening.say("Compare", f"Closes from {since:%d %B %Y} to {session:%d %B %Y}")
    without = known[known["is_covered_company"] & ~known["symbol"].isin(returns["symbol"])]["symbol"]
    if len(without):
        st.caption(f"No price in this stretch: {', '.join(without)}.")
    if not chosen:
        st.info("Choose at least one.")
        return
    st.caption(
        "Every line begins at 100 with its first close; one listed later begins later. Bitcoin counts on exchange "
        "sessions alone. No dividends. Drag to move; hold shift and turn the wheel to zoom; double-click for all."
    )
    draw(charts.comparison_chart, published.ask(questions.price_comparison, since, session, chosen), is_log=is_log)
    st.subheader("Returns", anchor=False)
    tables.show(
        returns[returns["symbol"].isin(chosen)].sort_values("return_pct", ascending=False),
        RETURNS,
        caption="Returns, volatility and deepest fall",
    )
    st.subheader("Correlation", anchor=False)
    st.caption("Of the returns from session to session: 1 moves alike, 0 has nothing to do with each other.")
    pairs = published.ask(questions.price_correlation, since, session, chosen)
    square = pairs.pivot_table(
        index="symbol", columns="other_symbol", values="correlation", dropna=False, observed=False
    ).reset_index()
    too_few = "too few returns"
    tables.show(
        square,
        {
            "symbol": tables.miner("Symbol"),
            **{str(name): tables.number(str(name), 2, missing=too_few) for name in square.columns[1:]},
        },
        caption="Correlation of returns",
    )


def _usual(priced: pd.DataFrame, symbol: str | None) -> list[str]:
    """The company of the address and some others, bitcoin, and an index fund."""
    companies: list[str] = priced.loc[priced["is_covered_company"], "symbol"].tolist()
    companies.sort(key=lambda name: name != symbol)
    others = [
        name
        for kind in ("bitcoin", "index_fund")
        for name in priced.loc[priced["instrument_type"] == kind, "symbol"].tolist()[:1]
    ]
    return companies[:_MINERS] + others
