"""From approved power to live MW.

Belongs here: `funnel_chart`. Does not belong here: SQL, files.
"""

from __future__ import annotations

import altair as alt
import pandas as pd

from bi.charts.look import CLOUD, COLOCATION, INK, WIDTH, ChartError, Frame, checked, dressed, layer

STAGES = {
    "approved_power": "Approved power",
    "planned": "Planned",
    "leased": "Leased",
    "live": "Live power",
}
"""The words of the stages, in their order."""
BASES = {"gross": "gross MW", "critical_it": "critical IT MW"}


def funnel_chart(stages: Frame, *, width: int = WIDTH) -> alt.LayerChart:
    """The MW of one company by stage; gross and critical IT MW are different units and have different colours.

    `stages` holds one company's rows of `questions.capacity_funnel`. A stage without MW says why and has no bar.
    Raises `ChartError` where none is.
    """
    rows = checked(stages, ("stage", "mw_basis", "mw", "is_complete", "coverage"))
    if rows["mw"].notna().sum() == 0:
        raise ChartError("no MW are stated")
    rows["named"] = rows["stage"].map(STAGES)
    rows["basis"] = rows["mw_basis"].map(BASES)
    rows["said"] = [
        (known if pd.isna(mw) else f"{mw:,.0f} {basis}" + ("" if complete else ", partial"))
        for mw, basis, complete, known in zip(
            rows["mw"], rows["basis"], rows["is_complete"], rows["coverage"], strict=True
        )
    ]
    rows["mw_or_none"] = rows["mw"].fillna(0)
    scale = alt.Scale(domain=[0, float(rows["mw"].max()) * 1.3 or 1], nice=False)
    y = alt.Y("named:N", sort=list(STAGES.values()), title=None, axis=alt.Axis(ticks=False, domain=False))
    x = alt.X("mw_or_none:Q", title="MW at the company's share", scale=scale, axis=alt.Axis(tickCount=8))
    base = alt.Chart(rows).encode(y=y, x=x)
    return dressed(
        layer(
            base.mark_bar(height=22, cornerRadius=2).encode(
                color=alt.Color(
                    "basis:N",
                    title=None,
                    scale=alt.Scale(domain=list(BASES.values()), range=[COLOCATION, CLOUD]),
                    legend=alt.Legend(orient="top"),
                ),
                tooltip=[
                    alt.Tooltip("named:N", title="Stage"),
                    alt.Tooltip("said:N", title="MW"),
                    alt.Tooltip("coverage:N", title="What is known"),
                ],
            ),
            base.mark_text(align="left", dx=6, fontSize=11, color=INK).encode(text="said:N"),
        ).properties(width=width, height=alt.Step(40))
    )
