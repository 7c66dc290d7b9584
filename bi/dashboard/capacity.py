"""The capacity page: how far each company's MW are on the way from approved power to live, and when power comes."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from bi import charts, questions
from bi.charts.capacity import BASES, STAGES
from bi.dashboard import tables
from bi.dashboard.frame import Opening, Published, address, draw

FIRST_POWER = {
    "energization_date": tables.day("First power"),
    "source_url": tables.source(),
    "site": tables.text("Site"),
    "is_past": tables.flag("Day has passed"),
    "known_date": tables.day("Said on"),
    "power_contracted_mw": tables.number("Power, gross MW", missing="not stated"),
    "critical_it_mw_planned": tables.number("Planned critical IT MW", missing="not stated"),
}


def show(published: Published) -> None:
    """The page."""
    opening = Opening(published)
    session, symbol = opening.session, str(opening.choose_company()["symbol"])
    opening.say(f"Capacity of {symbol}")
    stages = published.ask(questions.capacity_funnel, session)
    own = stages[stages["symbol"] == symbol]
    st.caption("Gross MW run the whole site, critical IT MW the servers: one is no share of the other.")
    if own.empty:
        st.info("Not known: no contract and no site of this company was seen by then.")
    else:
        draw(charts.funnel_chart, own)
        tables.show(
            own.assign(named=own["stage"].map(STAGES), basis=own["mw_basis"].map(BASES)),
            {
                "named": tables.text("Stage"),
                "source_urls": tables.sources(),
                "mw": tables.number("MW", missing=lambda row: str(row["coverage"])),
                "basis": tables.text("Unit"),
                "coverage": tables.text("What is known"),
            },
            caption=f"Capacity of {symbol} by stage",
        )
    st.subheader("First power", anchor=False)
    dates = published.ask(questions.first_power, session, symbol)
    if dates.empty:
        st.info("Not known: no report states a day of first power.")
    else:
        st.caption(
            f"By the last report that states a day; {tables.primary_sources(dates)}. A past day was expected "
            "or reported: whether power came is said by later reports alone."
        )
        tables.show(dates, FIRST_POWER, caption=f"First power of the sites of {symbol}")
    st.subheader("Every company", anchor=False)
    if len(stages):
        _every(stages)
    if unseen := sorted(set(opening.snapshot["symbol"]) - set(stages["symbol"])):
        st.caption(f"Not known: no contract and no site of {', '.join(unseen)} was seen by then.")


def _every(stages: pd.DataFrame) -> None:
    wide = stages.pivot_table(index="symbol", columns="stage", values="mw", dropna=False).reset_index()
    why = stages.pivot(index="symbol", columns="stage", values="coverage").add_suffix("_coverage").reset_index()
    whole = stages.pivot(index="symbol", columns="stage", values="is_complete").add_suffix("_is_complete").reset_index()
    wide = wide.merge(why, on="symbol").merge(whole, on="symbol")
    wide["address"] = [address("capacity", symbol=name) for name in wide["symbol"]]
    units = dict(zip(stages["stage"], stages["mw_basis"], strict=True))
    tables.show(
        wide,
        {
            "symbol": tables.miner(address="address"),
            **{
                stage: tables.number(
                    f"{said}, {BASES[units[stage]]}", missing=_why(stage), complete=f"{stage}_is_complete"
                )
                for stage, said in STAGES.items()
            },
        },
        caption="Capacity of every company by stage",
    )


def _why(stage: str) -> Callable[[tables.Row], str]:
    """What the mart says of a stage without MW: `not stated` and `no contract known` are two things."""
    return lambda row: str(row[f"{stage}_coverage"])
