"""Contracts: how much was signed over time, and what a critical IT MW was let for.

Belongs here: `deal_flow_chart` and `usd_per_mw_chart`. Does not belong here: SQL, files.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from bi.charts.look import (
    COLOCATION,
    UP,
    WIDTH,
    ChartError,
    Frame,
    business_colour,
    checked,
    dressed,
    is_flattened,
    layer,
    moment,
)

_HEIGHT = 360
_NARROWEST = 620
"""Pixels of the narrowest panel in which names must not cover each other."""
_NAME_PLACES: dict[str, dict[str, Any]] = {
    "above": {"dy": -12},
    "below": {"dy": 12},
    "right": {"dx": 9, "align": "left"},
    "left": {"dx": -9, "align": "right"},
}


def deal_flow_chart(deals: Frame, until: date, *, width: int = WIDTH) -> alt.VConcatChart:
    """How much has been signed: contract value in USD bn and critical IT MW, cumulated over time up to a day.

    `deals` as `questions.deals`, oldest first; only firm ones are drawn. A deal that states no figure is a hollow point
    that lifts no line. Raises `ChartError` where there is no firm deal.
    """
    rows = checked(
        deals,
        (
            "announced_date",
            "symbol",
            "counterparty",
            "is_firm",
            "contract_value_usd",
            "critical_it_mw",
            "cumulative_contract_value_usd",
            "cumulative_critical_it_mw",
        ),
    )
    rows = rows[rows["is_firm"].astype(bool)].drop(columns="is_firm")
    if rows.empty:
        raise ChartError("no firm deal to draw")
    rows["announced_date"] = pd.to_datetime(rows["announced_date"])
    rows["value_usd_bn"] = rows["contract_value_usd"] / 1e9
    rows["cumulative_value_usd_bn"] = rows["cumulative_contract_value_usd"] / 1e9
    panels = [
        _steps(rows, until, cumulated, own, f"{what}, cumulated", colour, width)
        for cumulated, own, what, colour in (
            ("cumulative_value_usd_bn", "value_usd_bn", "Contract value, USD bn", COLOCATION),
            ("cumulative_critical_it_mw", "critical_it_mw", "Critical IT MW", UP),
        )
    ]
    chart: alt.VConcatChart = alt.vconcat(*panels, spacing=14).resolve_scale(x="shared")
    return dressed(chart)


def usd_per_mw_chart(deals: Frame, *, width: int = WIDTH) -> alt.LayerChart:
    """What a critical IT MW was let for: base-term USD m per critical IT MW of each deal, colocation and cloud apart.

    `deals` as `questions.deals`. Where one deal is far above the rest the axis is logarithmic and says so. Raises
    `ChartError` where no deal states both figures.
    """
    rows = checked(
        deals,
        (
            "announced_date",
            "symbol",
            "counterparty",
            "business",
            "critical_it_mw",
            "term_years",
            "usd_per_critical_it_mw",
            "usd_per_critical_it_mw_year",
        ),
    ).dropna(subset=["usd_per_critical_it_mw", "announced_date"])
    if rows.empty:
        raise ChartError("no deal states both its value and its critical IT MW")
    rows["announced_date"] = pd.to_datetime(rows["announced_date"])
    rows["usd_m_per_mw"] = rows["usd_per_critical_it_mw"] / 1e6
    rows["usd_m_per_mw_year"] = rows["usd_per_critical_it_mw_year"] / 1e6
    first, last = rows["announced_date"].min(), rows["announced_date"].max()
    margin = max((last - first) / 25, pd.Timedelta(days=7))
    is_log = is_flattened(rows["usd_m_per_mw"])
    least, most = rows["usd_m_per_mw"].min() / 1.2 if is_log else 0.0, rows["usd_m_per_mw"].max() * 1.08
    up = np.log(rows["usd_m_per_mw"] / least) / np.log(most / least) if is_log else rows["usd_m_per_mw"] / most
    rows["name_at"] = _name_places(
        ((rows["announced_date"] - first + margin) / (last - first + 2 * margin) * min(width, _NARROWEST)).tolist(),
        (up * _HEIGHT).tolist(),
    )
    base = alt.Chart(rows).encode(
        x=alt.X(
            "announced_date:T",
            title=None,
            axis=alt.Axis(format="%b %Y", tickCount=8),
            scale=alt.Scale(domain=[moment(first - margin), moment(last + margin)]),
        ),
        y=alt.Y(
            "usd_m_per_mw:Q",
            title="USD m per critical IT MW, base term" + (", logarithmic" if is_log else ""),
            scale=alt.Scale(type="log" if is_log else "linear", domain=[least, most], nice=False),
        ),
        color=business_colour(),
        tooltip=[
            alt.Tooltip("symbol:N", title="Symbol"),
            alt.Tooltip("counterparty:N", title="Counterparty"),
            alt.Tooltip("announced_date:T", title="Announced", format="%d %b %Y"),
            alt.Tooltip("business:N", title="Business"),
            alt.Tooltip("usd_m_per_mw:Q", title="USD m per critical IT MW", format=",.1f"),
            alt.Tooltip("critical_it_mw:Q", title="Critical IT MW", format=",.0f"),
            alt.Tooltip("term_years:Q", title="Term, years", format=",.1f"),
            alt.Tooltip("usd_m_per_mw_year:Q", title="USD m per critical IT MW and year", format=",.2f"),
        ],
    )
    points = base.mark_circle(size=90, opacity=0.9)
    names = [
        base.transform_filter(f"datum.name_at == '{where}'").mark_text(**place, fontSize=10.5).encode(text="symbol:N")
        for where, place in _NAME_PLACES.items()
    ]
    return dressed(layer(points, *names).properties(width=width, height=_HEIGHT))


def _steps(
    rows: pd.DataFrame, until: date, cumulated: str, own: str, title: str, colour: str, width: int
) -> alt.LayerChart:
    line = rows[["announced_date", cumulated]]
    line = pd.concat(
        [line, pd.DataFrame({"announced_date": [pd.Timestamp(until)], cumulated: [line[cumulated].iloc[-1]]})]
    ).drop_duplicates("announced_date", keep="last")
    x = alt.X("announced_date:T", title=None, axis=alt.Axis(format="%b %Y", tickCount=8))
    y = alt.Y(f"{cumulated}:Q", title=title, scale=alt.Scale(zero=True))
    points = rows.dropna(subset=[cumulated]).assign(is_stated=lambda frame: frame[own].notna())
    return layer(
        alt.Chart(line).mark_area(interpolate="step-after", color=colour, opacity=0.15).encode(x=x, y=y),
        alt.Chart(line).mark_line(interpolate="step-after", color=colour, strokeWidth=2).encode(x=x, y=y),
        alt.Chart(points)
        .mark_point(size=45, stroke=colour, strokeWidth=1.6, opacity=1)
        .encode(
            x=x,
            y=y,
            fill=alt.condition("datum.is_stated", alt.value(colour), alt.value("rgba(0, 0, 0, 0)")),
            tooltip=[
                alt.Tooltip("symbol:N", title="Symbol"),
                alt.Tooltip("counterparty:N", title="Counterparty"),
                alt.Tooltip("announced_date:T", title="Announced", format="%d %b %Y"),
                alt.Tooltip("value_usd_bn:Q", title="Contract value, USD bn", format=",.2f"),
                alt.Tooltip("critical_it_mw:Q", title="Critical IT MW", format=",.0f"),
                alt.Tooltip(f"{cumulated}:Q", title=title, format=",.1f"),
            ],
        ),
    ).properties(width=width, height=170)


def _name_places(across: list[float], up: list[float]) -> list[str]:
    """Where each point's name covers no other point and no name before it; the points' places in pixels."""
    offsets = {"above": (0, 13), "below": (0, -13), "right": (26, 0), "left": (-26, 0)}
    taken = list(zip(across, up, strict=True))
    chosen = []
    for x, y in zip(across, up, strict=True):
        free = (
            name
            for name, (dx, dy) in offsets.items()
            if all(abs(x + dx - a) > 34 or abs(y + dy - b) > 11 for a, b in taken if (a, b) != (x, y))
        )
        chosen.append(next(free, "none"))
        if chosen[-1] == "none":  # the point is named where the reader points at it
            continue
        dx, dy = offsets[chosen[-1]]
        taken.append((x + dx, y + dy))
    return chosen
