"""What a leased critical IT MW costs and is worth.

Belongs here: `lease_chart`. Does not belong here: SQL, files.
"""

from __future__ import annotations

import altair as alt
import pandas as pd

from bi.charts.look import CLOUD, COLOCATION, INK, WIDTH, ChartError, Frame, checked, dressed, layer

_LONGEST = 26
"""Letters of a tenant's name."""


def lease_chart(leases: Frame, *, width: int = WIDTH) -> alt.LayerChart:
    """Build cost and capitalised value per critical IT MW of each lease, one line each, latest first.

    `leases` as `questions.lease_economics`, one set of rates. Raises `ChartError` where none has a value.
    """
    rows = checked(
        leases,
        (
            "deal_id",
            "symbol",
            "counterparty",
            "announced_date",
            "capitalised_value_usd_per_critical_it_mw",
            "build_cost_usd_per_critical_it_mw",
            "yield_on_cost_pct",
        ),
    ).dropna(subset=["capitalised_value_usd_per_critical_it_mw"])
    if rows.empty:
        raise ChartError("no lease with a rent was known")
    rows["named"] = [
        f"{symbol}, {tenant if len(tenant) < _LONGEST else tenant[: _LONGEST - 2] + '…'}, {day:%b %Y}"
        for symbol, tenant, day in zip(
            rows["symbol"], rows["counterparty"], pd.to_datetime(rows["announced_date"]), strict=True
        )
    ]
    rows = rows.drop(columns="announced_date")  # JSON knows no dates
    # two contracts of one tenant and month are two lines
    again = rows.groupby("named").cumcount()
    rows["named"] = [name if not n else f"{name} ({n + 1})" for name, n in zip(rows["named"], again, strict=True)]
    rows["value"] = rows["capitalised_value_usd_per_critical_it_mw"] / 1e6
    rows["cost"] = rows["build_cost_usd_per_critical_it_mw"] / 1e6
    title = "USD m per critical IT MW"
    y = alt.Y(
        "named:N", sort=rows["named"].tolist(), title=None, axis=alt.Axis(labelLimit=260, ticks=False, domain=False)
    )
    scale = alt.Scale(domain=[0, float(rows[["value", "cost"]].max().max()) * 1.06], nice=False)
    base = alt.Chart(rows).encode(
        y=y,
        tooltip=[
            alt.Tooltip("named:N", title="Lease"),
            alt.Tooltip("cost:Q", title="Build cost, USD m per critical IT MW", format=",.1f"),
            alt.Tooltip("value:Q", title="Capitalised value, USD m per critical IT MW", format=",.1f"),
            alt.Tooltip("yield_on_cost_pct:Q", title="Yield on cost, %", format=".1f"),
        ],
    )
    points = rows.melt(["named"], ["cost", "value"], "kind", "usd_m").dropna(subset=["usd_m"])
    points["kind"] = points["kind"].map({"cost": "build cost", "value": "capitalised value"})
    return dressed(
        layer(
            base.mark_rule(color=INK, strokeWidth=1.5).encode(
                x=alt.X("cost:Q", title=title, scale=scale, axis=alt.Axis(tickCount=8)), x2="value:Q"
            ),
            alt.Chart(points)
            .mark_point(filled=True, size=80, opacity=1)
            .encode(
                y=y,
                x=alt.X("usd_m:Q", title=title, scale=scale),
                color=alt.Color(
                    "kind:N",
                    title=None,
                    scale=alt.Scale(domain=["build cost", "capitalised value"], range=[CLOUD, COLOCATION]),
                    legend=alt.Legend(orient="top"),
                ),
                shape=alt.Shape(
                    "kind:N",
                    title=None,
                    scale=alt.Scale(domain=["build cost", "capitalised value"], range=["square", "circle"]),
                ),
            ),
        ).properties(width=width, height=alt.Step(24))
    )
