"""Instruments side by side: closes with the first one made 100.

Belongs here: `comparison_chart`. Does not belong here: SQL, files.
"""

from __future__ import annotations

import altair as alt
import pandas as pd

from bi.charts.look import (
    CLOUD,
    COLOCATION,
    DOWN,
    FAST,
    INK,
    SIMULATED,
    SLOW,
    UP,
    WIDTH,
    ChartError,
    Frame,
    checked,
    dressed,
    layer,
    zoomed,
)

_COLOURS = (COLOCATION, CLOUD, UP, SLOW, DOWN, INK, FAST)
_DASHES = ([1, 0], [6, 3], [2, 2])
"""A colour that comes again has another dash: no line is told by its colour alone."""


def comparison_chart(closes: Frame, *, is_log: bool = True, width: int = WIDTH) -> alt.LayerChart:
    """Closes of several instruments, each one's first being 100, named at their ends.

    `closes` as `questions.price_comparison`. A logarithmic axis gives the same room to the same change, so that one
    that rose tenfold does not flatten the rest. Raises `ChartError` where there is no close.
    """
    rows = checked(closes, ("symbol", "trade_date", "close", "close_rebased", "return_pct", "price_source"))
    if rows.empty:
        raise ChartError("no close between these days")
    is_simulated = bool((rows.pop("price_source") == "sample").any())
    rows["trade_date"] = pd.to_datetime(rows["trade_date"])
    symbols = sorted(rows["symbol"].unique())
    title = "First close = 100" + (f" ({SIMULATED})" if is_simulated else "")
    scale = alt.Scale(type="log" if is_log else "linear", zero=False, nice=False, padding=12)
    colours = [_COLOURS[place % len(_COLOURS)] for place in range(len(symbols))]
    dashes = [_DASHES[place // len(_COLOURS) % len(_DASHES)] for place in range(len(symbols))]
    base = alt.Chart(rows).encode(
        x=alt.X("trade_date:T", title=None, axis=alt.Axis(format="%b %Y", tickCount=8)),
        y=alt.Y("close_rebased:Q", title=title, scale=scale),
        color=alt.Color(
            "symbol:N",
            title=None,
            scale=alt.Scale(domain=symbols, range=colours),
            legend=alt.Legend(orient="top", symbolType="stroke", columns=8),
        ),
    )
    lines = base.mark_line(strokeWidth=1.8, clip=True).encode(
        strokeDash=alt.StrokeDash("symbol:N", title=None, scale=alt.Scale(domain=symbols, range=dashes))
    )
    points = base.mark_point(size=60, opacity=0).encode(
        tooltip=[
            alt.Tooltip("symbol:N", title="Symbol"),
            alt.Tooltip("trade_date:T", title="Session", format="%d %b %Y"),
            alt.Tooltip("close:Q", title="Close, USD", format=",.2f"),
            alt.Tooltip("return_pct:Q", title="Since the first, %", format="+,.1f"),
        ],
    )
    hundred = (
        alt.Chart(pd.DataFrame({"close_rebased": [100.0]}))
        .mark_rule(color=INK, strokeDash=[5, 4])
        .encode(y=alt.Y("close_rebased:Q", title=title, scale=scale))
    )
    return dressed(zoomed(layer(lines, points, hundred), "x").properties(width=width, height=380))
