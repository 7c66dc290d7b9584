"""The look that every chart shares, and how a frame is checked before it is drawn.

Belongs here: colours, greys, and what two charts need. Does not belong here: one chart's own marks.

The charts have no background of their own; `themed` gives a drawing the colours of the page that it is put on.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypeVar

import altair as alt
import pandas as pd
import pyarrow as pa

Frame: TypeAlias = "pa.Table | pd.DataFrame"


_Chart = TypeVar("_Chart", alt.LayerChart, alt.VConcatChart)


# what a chart is drawn with; `themed` puts in their place what has a contrast of 4.5:1 on the ground of a theme
INK = "#7a828c"


FAINT = "rgba(128, 136, 146, 0.2)"


UP = "#0f9d8a"


DOWN = "#e0524a"


FAST = "#d08700"


SLOW = "#8b6fe0"


COLOCATION = "#3b82d6"


CLOUD = "#d97706"


THEMES = {
    "light": {INK: "#5b6470", UP: "#0a7a6a", DOWN: "#c2362e", FAST: "#946000", SLOW: "#6d4fd0", COLOCATION: "#1d64b4",
              CLOUD: "#a95a04"},
    "dark": {INK: "#9aa4b0", UP: "#2cbfa9", DOWN: "#f2766e", FAST: "#e0a12b", SLOW: "#a892ee", COLOCATION: "#6aa9ee",
             CLOUD: "#ef9b3f"},
}  # fmt: skip
"""By the ground of a page: the colours that texts and lines have there instead."""

SIMULATED = "SIMULATED prices"


WIDTH = 760


class ChartError(ValueError):
    """The frame lacks a column, or holds nothing that could be drawn."""


def themed(drawing: str, theme: str) -> str:
    """A drawing (JSON or SVG) in the colours of a theme, `light` or `dark`."""
    for ours, theirs in THEMES[theme].items():
        drawing = drawing.replace(ours, theirs)
    return drawing


def checked(frame: Frame, columns: tuple[str, ...]) -> pd.DataFrame:
    """The columns asked for, as pandas; raises `ChartError` where one is missing."""
    data = frame.to_pandas() if isinstance(frame, pa.Table) else frame
    if missing := [name for name in columns if name not in data.columns]:
        raise ChartError(f"the frame lacks {', '.join(missing)}")
    return data.loc[:, list(columns)].copy()


def iso(days: pd.Series[Any]) -> list[str]:
    """Days as ISO texts, which sort as they follow each other."""
    return [f"{day:%Y-%m-%d}" for day in pd.to_datetime(days)]


def moment(day: pd.Timestamp) -> alt.DateTime:
    """A day as Vega-Lite takes it."""
    return alt.DateTime(year=day.year, month=day.month, date=day.day)


def business_colour() -> alt.Color:
    """Colocation and cloud, each in its colour, with a legend."""
    return alt.Color(
        "business:N",
        title=None,
        scale=alt.Scale(domain=["colocation", "cloud"], range=[COLOCATION, CLOUD]),
        legend=alt.Legend(orient="top", symbolOpacity=1, symbolType="circle", offset=18),
    )


def zoom(*axes: Literal["x", "y"]) -> alt.Parameter:
    """What lets axes be drawn along and, with the shift key held, zoomed with the wheel.

    Without the key the wheel goes on moving the page. A double click shows all again.
    """
    return alt.selection_interval(name="zoom", bind="scales", encodings=list(axes), zoom="wheel![event.shiftKey]")


def zoomed(chart: alt.LayerChart, *axes: Literal["x", "y"]) -> alt.LayerChart:
    """The chart, which has no parameter yet, with `zoom`."""
    first, *others = chart.layer
    chart.layer = [first.add_params(zoom(*axes)), *others]
    return chart


FLATTENS = 8
"""How many times the median the largest value is from where on it would flatten the rest."""


def is_flattened(values: pd.Series[Any]) -> bool:
    """Whether the largest value leaves the rest no room on a linear axis, and a logarithm is possible."""
    known = values.astype(float).dropna()
    return bool(len(known) > 1 and (known > 0).all() and known.max() > FLATTENS * known.median())


def layer(*layers: alt.Chart) -> alt.LayerChart:
    """Charts over each other."""
    return alt.LayerChart(layer=list(layers))


def dressed(chart: _Chart) -> _Chart:
    """The look that every chart has: no background, greys that show on white and on near-black."""
    dressed: _Chart = chart.configure(
        background="transparent",
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=INK,
            titleColor=INK,
            tickColor=FAINT,
            domainColor=FAINT,
            gridColor=FAINT,
            labelFontSize=11,
            titleFontSize=11,
            titleFontWeight="normal",
        ),
        axisX=alt.AxisConfig(labelSeparation=8),
        legend=alt.LegendConfig(labelColor=INK, titleColor=INK, labelFontSize=11, padding=0, offset=6),
        text=alt.MarkConfig(color=INK),
    )
    return dressed
