"""The history page: what a company's MW and its price targets were at, against its own past."""

from __future__ import annotations

import streamlit as st

from bi import charts, questions
from bi.dashboard.frame import NOT_KNOWN, WINDOWS, Opening, Published, choose, draw

MEASURES = {
    # name: measure, title of the axis, divisor, format of the tile
    "EV per contracted critical IT MW": ("ev_per_critical_it_mw", "USD m per critical IT MW", 1e6, "USD {:,.1f} m"),
    "EV per planned critical IT MW": (
        "ev_per_planned_critical_it_mw",
        "USD m per critical IT MW",
        1e6,
        "USD {:,.1f} m",
    ),
    "Price target": ("mean_price_target", "USD a share", 1.0, "USD {:,.2f}"),
    "Upside to the target": ("consensus_upside", "Upside, %", 1.0, "{:+,.1f} %"),
}


def show(published: Published) -> None:
    """The page."""
    opening = Opening(published)
    session, symbol = opening.session, str(opening.choose_company()["symbol"])
    with opening.controls:
        window = WINDOWS[choose("window", "Stretch", list(WINDOWS), "2 years")]
        since = published.ask(questions.session_back, session, window)["session_date"].iloc[0]
        history = published.ask(questions.valuation_history, symbol, since, session)
        known = set(history["measure"])
        first_known = next((name for name, (measure, *_) in MEASURES.items() if measure in known), next(iter(MEASURES)))
        name = choose("measure", "Measure", list(MEASURES), first_known, width=300)
        is_log = choose("scale", "Scale", ["linear", "logarithmic"], "linear") == "logarithmic"
    measure, title, divisor, shape = MEASURES[name]
    history = history[history["measure"] == measure]
    first = since if history.empty else history["trade_date"].min()
    opening.say(f"History of {symbol}", f"{name}, {first:%d %B %Y} to {session:%d %B %Y}")
    if history.empty:
        st.info(f"{NOT_KNOWN.capitalize()}: it could be made at no close of this stretch.")
        return
    last = history.iloc[-1]
    with st.container(horizontal=True):
        st.metric(f"At {last['trade_date']:%d %b %Y}", shape.format(last["measured"] / divisor), border=True, width=220)
        st.metric("Higher than", f"{last['percentile_rank']:.0f} % of the closes", border=True, width=240)
        st.metric("Median", shape.format(last["percentile_50"] / divisor), border=True, width=200)
        low, high = (shape.format(last[f"percentile_{band}"] / divisor) for band in (10, 90))
        st.metric("10th to 90th percentile", f"{low} to {high}", border=True, width=330)
    if not last["is_complete"]:
        st.badge("Rests on an outdated or incomplete balance sheet", color="orange")
    st.caption(
        "Each close as it was known then. Solid: all inputs complete; dotted: something was outdated or incomplete. "
        "Bands: 10th to 90th and 25th to 75th percentile of the stretch shown. Drag to move; hold shift and turn the "
        "wheel to zoom; double-click for all."
    )
    draw(charts.history_chart, history, title, divisor=divisor, is_log=is_log)
