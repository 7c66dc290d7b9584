"""The leases page: what a critical IT MW of each lease earns, costs and is worth under rates of one's choice."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st
from markupsafe import Markup

from bi import charts, questions
from bi.dashboard import tables
from bi.dashboard.frame import Opening, Published, address, choose, draw

RATES = {
    # column: title, key in the address
    "operating_margin_pct": ("Operating margin, %", "margin"),
    "cap_rate_pct": ("Capitalisation rate, %", "cap_rate"),
    "loan_rate_pct": ("Loan rate, %", "loan_rate"),
}
LEASES = {
    "announced_date": tables.day("Announced"),
    "symbol": tables.miner(address="address"),
    "source_url": tables.source(tier=None),
    "counterparty": tables.text("Tenant"),
    "is_standing": tables.flag("Stands"),
    "critical_it_mw": tables.number("Critical IT MW"),
    "term_years": tables.number("Term, years", 1),
    "rent_usd_per_critical_it_mw_year": tables.usd_m("Rent a year per MW", 2),
    "noi_usd_per_critical_it_mw_year": tables.usd_m("Operating income a year per MW", 2),
    "build_cost_usd_per_critical_it_mw": tables.usd_m("Build cost per MW", missing="not known"),
    "build_cost_said": tables.text("Build cost is"),
    "yield_on_cost_pct": tables.number("Yield on cost, %", 1),
    "capitalised_value_usd_per_critical_it_mw": tables.usd_m("Capitalised value per MW"),
    "value_over_cost_usd_per_critical_it_mw": tables.usd_m("Value over cost per MW"),
    "unlevered_return_pct": tables.number("Return without loan, %", 1, missing="not paid back"),
    "levered_return_pct": tables.number("Return with loan, %", 1, missing="not paid back"),
}


def show(published: Published) -> None:
    """The page."""
    opening = Opening(published)
    session = opening.session
    with opening.controls:
        leases = published.ask(questions.lease_economics, session)
        for column, (title, key) in RATES.items():
            values = sorted(leases[column].dropna().unique())
            if len(values):
                options = [f"{value:g}" for value in values]
                chosen = choose(key, title, options, options[len(options) // 2], width=190)
                leases = leases[leases[column] == values[options.index(chosen)]]
    opening.say("Lease economics", "Leases announced by {:%d %B %Y}")
    if leases.empty:
        st.info("No lease with a rent was known then.")
        return
    st.caption(
        "Per critical IT MW, by the terms that were public then. Level rent over the base term, no renewal and no "
        "residual value in the returns; rates and the middle of the build costs are those believed today."
    )
    _rates(leases.iloc[0])
    draw(charts.lease_chart, leases)
    tables.show(
        leases.assign(
            address=[address("miner", symbol=symbol) for symbol in leases["symbol"]],
            build_cost_said=leases["build_cost_basis"].replace(
                {"stated": "stated for the lease", "published_middle": "middle of those published"}
            ),
        ),
        LEASES,
        caption="Lease economics, latest first",
    )


def _rates(row: pd.Series[Any]) -> None:
    """Where the chosen rates are from, in one line."""
    said = []
    for column, (title, _) in RATES.items():
        page = row[f"{column.removesuffix('_pct')}_source_url"]
        if not tables.is_missing(page):
            said.append(Markup("{}: {:g}, {}").format(title, row[column], tables.page(str(page))))
    st.html(Markup('<p class="said">{}</p>').format(Markup(" · ").join(said)))
