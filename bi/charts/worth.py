"""Published values of a megawatt as values per share.

Belongs here: `publication_chart` and `parts_chart`. Does not belong here: SQL, files.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import altair as alt
import pandas as pd

from bi.charts.look import (
    COLOCATION,
    DOWN,
    INK,
    UP,
    WIDTH,
    ChartError,
    Frame,
    business_colour,
    checked,
    dressed,
    is_flattened,
    layer,
)
from bi.wording import in_words

_COLUMNS = (
    "as_of_date",
    "source_firm",
    "business",
    "scenario",
    "mw_basis",
    "usd_per_mw",
    "now_capacity_basis",
    "now_mw",
    "now_mw_pct_of_power",
    "now_is_fraction_of_company",
    "now_value_per_share_usd",
    "then_mw",
    "then_value_per_share_usd",
)
_CLOSE = 0.14
"""Part of the axis below which two figures are written as one, and a figure is not written to the left."""
_CHARACTER = 6
"""Pixels of a figure's character."""
_MW = {"critical_it": "critical IT MW", "gross": "gross MW", "unstated": "MW"}


def publication_chart(
    publications: Frame,
    close: float | None,
    *,
    price_name: str = "close",
    is_simulated: bool = False,
    width: int = WIDTH,
) -> alt.LayerChart:
    """What published values per MW come to per share, low to high with the point between, against the close.

    `publications` as `questions.publications`; only rows with a value now are drawn, one line per publication and
    business: filled with what is known now, hollow with what was known on the day of the publication. Where one value
    is far above the rest the axis is logarithmic and says so. `close` in USD, None where not known, is called
    `price_name`. Raises `ChartError` where no row has a value.
    """
    rows = checked(publications, _COLUMNS).dropna(subset=["now_value_per_share_usd"])
    if rows.empty:
        raise ChartError("no published value could be made into a value per share")
    rows["as_of_date"] = pd.to_datetime(rows["as_of_date"])
    rows["publication"] = [_named(row) for row in rows.to_dict("records")]
    rows["usd_m_per_mw"] = rows["usd_per_mw"] / 1e6
    rows["said"] = [f"{value:,.2f}" for value in rows["now_value_per_share_usd"]]
    order = list(dict.fromkeys(rows.sort_values("as_of_date", ascending=False, kind="stable")["publication"]))
    y = alt.Y(
        "publication:N",
        sort=order,
        title=None,
        axis=alt.Axis(
            labelExpr="split(datum.label, '; ')", labelLimit=240, labelOffset=-13, ticks=False, domain=False, grid=True
        ),
    )
    ends = pd.concat([rows["now_value_per_share_usd"], rows["then_value_per_share_usd"], pd.Series([close])]).dropna()
    is_log = is_flattened(ends)
    scale = alt.Scale(
        type="log" if is_log else "linear",
        domain=[float(ends.min()) / 1.3 if is_log else 0, float(ends.max()) * (1.3 if is_log else 1.12)],
        nice=False,
    )
    title = "USD per share (hollow: as known on the day of the publication" + (", logarithmic)" if is_log else ")")
    x = alt.X("now_value_per_share_usd:Q", title=title, scale=scale, axis=alt.Axis(tickCount=8))
    base = alt.Chart(rows)
    tooltip = [
        alt.Tooltip("publication:N", title="Publication"),
        alt.Tooltip("scenario:N", title="Scenario"),
        alt.Tooltip("usd_m_per_mw:Q", title="USD m per MW", format=",.1f"),
        alt.Tooltip("now_mw:Q", title="MW now", format=",.0f"),
        alt.Tooltip("now_value_per_share_usd:Q", title="USD per share now", format=",.2f"),
        alt.Tooltip("then_mw:Q", title="MW then", format=",.0f"),
        alt.Tooltip("then_value_per_share_usd:Q", title="USD per share then", format=",.2f"),
    ]
    spans = base.mark_bar(height=6, opacity=0.45, cornerRadius=3).encode(
        y=y,
        x=alt.X("min(now_value_per_share_usd):Q", title=title, scale=scale),
        x2="max(now_value_per_share_usd):Q",
        color=business_colour(),
    )
    before = (
        base.transform_filter("isValid(datum.then_value_per_share_usd)")
        .mark_point(filled=False, size=70, strokeWidth=1.4, opacity=1)
        .encode(
            y=y,
            x=alt.X("then_value_per_share_usd:Q", title=title, scale=scale),
            color=business_colour(),
            tooltip=tooltip,
        )
    )
    marks = base.mark_point(filled=True, size=110, opacity=1).encode(
        y=y,
        x=x,
        color=business_colour(),
        shape=alt.Shape(
            "scenario:N",
            legend=None,
            scale=alt.Scale(domain=["low", "point", "high"], range=["triangle-right", "diamond", "triangle-left"]),
        ),
        tooltip=tooltip,
    )
    labels = _labels(rows, scale.to_dict()["domain"], close, width, is_log=is_log)
    values = [
        alt.Chart(labels[labels["is_left"] == is_left])
        .mark_text(dy=-13, fontSize=10.5, color=INK, align="right" if is_left else "left", dx=4 if is_left else -4)
        .encode(y=y, x=alt.X("at:Q", title=title, scale=scale), text="label:N")
        for is_left in (True, False)
    ]
    layers: list[alt.Chart] = [spans, before, marks, *values]
    if close is not None and not pd.isna(close):
        said = f"{price_name} {close:,.2f}" + (" (simulated)" if is_simulated else "")
        middle = float((ends.min() * ends.max()) ** 0.5 if is_log else ends.max() / 2)
        is_right = close > middle
        here = alt.Chart(pd.DataFrame({"close": [close], "said": [said]})).encode(x=alt.X("close:Q", scale=scale))
        layers += [
            here.mark_rule(color=INK, strokeWidth=1.5, strokeDash=[5, 4]),
            here.mark_text(
                color=INK,
                fontSize=11,
                fontWeight="bold",
                dy=-6,
                baseline="bottom",
                align="right" if is_right else "left",
            ).encode(y=alt.value(0), text="said:N"),
        ]
    return dressed(layer(*layers).properties(width=width, height=alt.Step(50)))


def _labels(rows: pd.DataFrame, domain: list[float], close: float | None, width: int, *, is_log: bool) -> pd.DataFrame:
    """The figures above each line: `at` which value, whether it reaches to the left from there, and the `label`.

    Neither of two close figures stands in the other, nor on the line of the close where the other side has room, nor a
    small one in the names beside the axis. The point between stands in the tooltip: three figures do not fit beside
    each other everywhere.
    """
    low_end, high_end = (math.log(end) if is_log else end for end in domain)

    def place(value: float) -> float:
        return ((math.log(value) if is_log else value) - low_end) / (high_end - low_end)

    def is_free(value: float, label: str, others: list[float], *, is_left: bool) -> bool:
        length = _CHARACTER * len(label) / width
        begins, ends = (place(value) - length, place(value)) if is_left else (place(value), place(value) + length)
        return begins > 0 and ends < 1 + _CLOSE and not any(begins < place(other) < ends for other in others)

    line = [] if close is None or pd.isna(close) or (is_log and close <= 0) else [float(close)]
    labels = []
    for publication, of_one in rows.groupby("publication", sort=False):
        values = sorted(of_one["now_value_per_share_usd"].astype(float))
        first, last = values[0], values[-1]
        if place(last) - place(first) < _CLOSE:
            label = f"{first:,.2f}" if first == last else f"{first:,.2f} to {last:,.2f}"
            is_left = not is_free(first, label, line, is_left=False) and is_free(last, label, line, is_left=True)
            labels.append((publication, last if is_left else first, is_left, label))
            continue
        for value, other, outward in ((first, last, place(first) > _CLOSE / 2), (last, first, False)):
            label = f"{value:,.2f}"
            taken = [*line, other]
            is_turned = not is_free(value, label, taken, is_left=outward) and is_free(
                value, label, taken, is_left=not outward
            )
            labels.append((publication, value, outward != is_turned, label))
    return pd.DataFrame(labels, columns=["publication", "at", "is_left", "label"])


def parts_chart(parts: Frame, close: float | None, *, width: int = WIDTH) -> alt.LayerChart:
    """What a value per share is made of: each part from where the one before ended, then the sum, against the close.

    `parts` has one row per part in order: `part` (words) and `usd_per_share`. Raises `ChartError` where one is missing.
    """
    rows = checked(parts, ("part", "usd_per_share"))
    if rows.empty or rows["usd_per_share"].isna().any():
        raise ChartError("a part of the value is missing")
    rows["to"] = rows["usd_per_share"].cumsum()
    rows["from"] = rows["to"] - rows["usd_per_share"]
    total = float(rows["to"].iloc[-1])
    whole = pd.DataFrame([{"part": "Value a share", "usd_per_share": total, "from": 0.0, "to": total}])
    rows = pd.concat([rows, whole], ignore_index=True)
    rows["said"] = [f"{value:+,.2f}" for value in rows["usd_per_share"]]
    rows.loc[rows.index[-1], "said"] = f"{total:,.2f}"
    rows["kind"] = ["adds" if value >= 0 else "takes away" for value in rows["usd_per_share"]]
    rows.loc[rows.index[-1], "kind"] = "sum"
    rows["end"] = rows[["from", "to"]].max(axis=1)
    known = [] if close is None or pd.isna(close) else [float(close)]
    reach = [0.0, *rows["from"], *rows["to"], *known]
    room = 0.15 * ((max(reach) - min(reach)) or 1)
    scale = alt.Scale(domain=[min(reach) - (room if min(reach) < 0 else 0), max(reach) + room], nice=False)
    y = alt.Y("part:N", sort=rows["part"].tolist(), title=None, axis=alt.Axis(ticks=False, domain=False))
    base = alt.Chart(rows).encode(y=y)
    layers = [
        base.mark_bar(height=18, cornerRadius=2).encode(
            x=alt.X("from:Q", title="USD per share", scale=scale, axis=alt.Axis(tickCount=8)),
            x2="to:Q",
            color=alt.Color(
                "kind:N",
                legend=None,
                scale=alt.Scale(domain=["adds", "takes away", "sum"], range=[UP, DOWN, COLOCATION]),
            ),
            tooltip=[
                alt.Tooltip("part:N", title="Part"),
                alt.Tooltip("usd_per_share:Q", title="USD per share", format=",.2f"),
            ],
        ),
        base.mark_text(align="left", dx=5, fontSize=11, color=INK).encode(
            x=alt.X("end:Q", title="USD per share", scale=scale), text="said:N"
        ),
    ]
    for price in known:
        here = alt.Chart(pd.DataFrame({"close": [price], "said": [f"close {price:,.2f}"]}))
        x = alt.X("close:Q", scale=scale)
        layers += [
            here.mark_rule(color=INK, strokeWidth=1.5, strokeDash=[5, 4]).encode(x=x),
            here.mark_text(color=INK, fontWeight="bold", baseline="bottom", dy=-6).encode(
                x=x, y=alt.value(0), text="said:N"
            ),
        ]
    return dressed(layer(*layers).properties(width=width, height=alt.Step(34)))


def _named(row: dict[Hashable, Any]) -> str:
    said = f"{row['source_firm']}, {row['as_of_date']:%d %b %Y}; {row['business']}"
    if not pd.isna(row["now_mw"]):
        said += f", {row['now_mw']:,.0f} {_MW[str(row['mw_basis'])]}"
    basis = in_words(row["now_capacity_basis"])
    part = f", {row['now_mw_pct_of_power']:.0f} % of the power" if row["now_is_fraction_of_company"] else ""
    return f"{said}; {basis}{part}"
