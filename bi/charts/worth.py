"""Published values of a megawatt as values per share.

Belongs here: `scenario_chart`. Does not belong here: SQL, files.
"""

from __future__ import annotations

import altair as alt
import pandas as pd

from bi.charts.look import INK, WIDTH, ChartError, Frame, business_colour, checked, dressed, layer


def scenario_chart(
    scenarios: Frame,
    close: float | None,
    *,
    price_name: str = "close",
    is_simulated: bool = False,
    width: int = WIDTH,
) -> alt.LayerChart:
    """What published values per MW come to per share, low to high with the point between, against the close.

    `scenarios` as `questions.scenarios`; only rows with a value are drawn, one line per publication, business and
    capacity basis. `close` in USD, None where not known, is called `price_name`. Raises `ChartError` where no row has a
    value.
    """
    rows = checked(
        scenarios,
        (
            "as_of_date",
            "source_firm",
            "business",
            "capacity_basis",
            "scenario",
            "critical_it_mw",
            "gross_mw",
            "usd_per_mw",
            "value_per_share_usd",
        ),
    ).dropna(subset=["value_per_share_usd"])
    if rows.empty:
        raise ChartError("no published value could be made into a value per share")
    rows["as_of_date"] = pd.to_datetime(rows["as_of_date"])
    rows["publication"] = [
        f"{firm}, {day:%d %b %Y}; {business}{_capacity(critical_it_mw, gross_mw)} ({basis.replace('_', ' ')})"
        for firm, day, business, basis, critical_it_mw, gross_mw in rows[
            ["source_firm", "as_of_date", "business", "capacity_basis", "critical_it_mw", "gross_mw"]
        ].itertuples(index=False)
    ]
    rows["usd_m_per_mw"] = rows["usd_per_mw"] / 1e6
    rows["said"] = [
        f"{scenario} {value:,.2f}"
        for scenario, value in zip(rows["scenario"], rows["value_per_share_usd"], strict=True)
    ]
    order = list(dict.fromkeys(rows.sort_values("as_of_date", ascending=False, kind="stable")["publication"]))
    y = alt.Y(
        "publication:N",
        sort=order,
        title=None,
        axis=alt.Axis(labelExpr="split(datum.label, '; ')", labelLimit=240, ticks=False, domain=False, grid=True),
    )
    x = alt.X(
        "value_per_share_usd:Q",
        title="USD per share",
        scale=alt.Scale(zero=True, nice=True),
        axis=alt.Axis(tickCount=8),
    )
    base = alt.Chart(rows)
    spans = base.mark_bar(height=6, opacity=0.45, cornerRadius=3).encode(
        y=y, x=alt.X("min(value_per_share_usd):Q", title="USD per share"), x2="max(value_per_share_usd):Q",
        color=business_colour(),
    )  # fmt: skip
    marks = base.mark_point(filled=True, size=110, opacity=1).encode(
        y=y,
        x=x,
        color=business_colour(),
        shape=alt.Shape(
            "scenario:N",
            legend=None,
            scale=alt.Scale(domain=["low", "point", "high"], range=["triangle-right", "diamond", "triangle-left"]),
        ),
        tooltip=[
            alt.Tooltip("publication:N", title="Publication"),
            alt.Tooltip("scenario:N", title="Scenario"),
            alt.Tooltip("usd_m_per_mw:Q", title="USD m per MW", format=",.1f"),
            alt.Tooltip("value_per_share_usd:Q", title="USD per share", format=",.2f"),
        ],
    )
    values = base.mark_text(dy=-13, fontSize=10.5, color=INK).encode(y=y, x=x, text="said:N")
    layers: list[alt.Chart] = [spans, marks, values]
    if close is not None and not pd.isna(close):
        said = f"{price_name} {close:,.2f}" + (" (simulated)" if is_simulated else "")
        here = alt.Chart(pd.DataFrame({"close": [close], "said": [said]}))
        layers += [
            here.mark_rule(color=INK, strokeWidth=1.5, strokeDash=[5, 4]).encode(x="close:Q"),
            here.mark_text(color=INK, fontSize=11, fontWeight="bold", dy=-6, baseline="bottom").encode(
                x="close:Q", y=alt.value(0), text="said:N"
            ),
        ]
    return dressed(layer(*layers).properties(width=width, height=alt.Step(40)))


def _capacity(critical_it_mw: float, gross_mw: float) -> str:
    if not pd.isna(critical_it_mw):
        return f", {critical_it_mw:,.0f} critical IT MW"
    return "" if pd.isna(gross_mw) else f", {gross_mw:,.0f} gross MW"
