"""A measure of one company over time against the bands in which it lay.

Belongs here: `history_chart`. Does not belong here: SQL, files, percentiles.
"""

from __future__ import annotations

import altair as alt
import pandas as pd

from bi.charts.look import COLOCATION, INK, WIDTH, ChartError, Frame, checked, dressed, layer, moment, zoomed


def history_chart(
    history: Frame, title: str, *, divisor: float = 1, is_log: bool = False, width: int = WIDTH
) -> alt.LayerChart:
    """One measure by session: solid where all it is made of was complete, dotted where not, on its percentile bands.

    `history` holds the rows of one measure of `questions.valuation_history`; they are drawn divided by `divisor` under
    `title`. A logarithm is drawn where it is asked for and every value is above zero. Raises `ChartError` without rows.
    """
    bands = ("percentile_10", "percentile_25", "percentile_50", "percentile_75", "percentile_90")
    rows = checked(history, ("trade_date", "measured", "is_complete", "percentile_rank", *bands))
    if rows.empty:
        raise ChartError("it was known at no close of this stretch")
    rows["trade_date"] = pd.to_datetime(rows["trade_date"])
    rows[["measured", *bands]] = rows[["measured", *bands]] / divisor
    rows["complete"] = rows["measured"].where(rows["is_complete"].astype(bool))
    is_log = is_log and bool((rows[["measured", *bands]] > 0).all(axis=None))
    scale = alt.Scale(type="log" if is_log else "linear", zero=False, nice=False, padding=10)
    first, last = rows["trade_date"].min(), rows["trade_date"].max()
    x = alt.X(
        "trade_date:T",
        title=None,
        axis=alt.Axis(format="%b %Y", tickCount=8),
        scale=alt.Scale(domain=[moment(first), moment(max(last, first + pd.Timedelta(days=1)))]),
    )

    def y(column: str) -> alt.Y:
        return alt.Y(f"{column}:Q", title=title, scale=scale)

    flat = alt.Chart(rows[list(bands)].tail(1))
    named = rows[["percentile_10", "percentile_50", "percentile_90"]].tail(1).T.set_axis(["measured"], axis=1)
    named["said"] = ["10th", "median", "90th"]
    base = alt.Chart(rows).encode(x=x)
    chart = layer(
        base.mark_line(strokeWidth=1.3, strokeDash=[2, 3], color=COLOCATION, clip=True).encode(y=y("measured")),
        flat.mark_rect(color=INK, opacity=0.1).encode(y=y("percentile_10"), y2="percentile_90:Q"),
        flat.mark_rect(color=INK, opacity=0.14).encode(y=y("percentile_25"), y2="percentile_75:Q"),
        flat.mark_rule(color=INK, strokeDash=[5, 4]).encode(y=y("percentile_50")),
        alt.Chart(named)
        .mark_text(color=INK, align="left", baseline="middle", dx=4, fontSize=10.5, clip=False)
        .encode(x=alt.value("width"), y=y("measured"), text="said:N"),
        base.mark_line(strokeWidth=2.2, color=COLOCATION, clip=True).encode(y=y("complete")),
        base.mark_point(size=60, opacity=0).encode(
            y=y("measured"),
            tooltip=[
                alt.Tooltip("trade_date:T", title="Session", format="%d %b %Y"),
                alt.Tooltip("measured:Q", title=title, format=",.2f"),
                alt.Tooltip("percentile_rank:Q", title="Percentile", format=".0f"),
                alt.Tooltip("is_complete:N", title="All inputs complete"),
            ],
        ),
    )
    # the names of the bands stand beside them, where no line crosses them
    return dressed(zoomed(chart, "x").properties(width=width, height=340, padding={"left": 5, "right": 52}))
