"""Charts of the marts for the dashboard and the brief.

Belongs here: functions from a frame (Arrow or pandas, columns as `bi.questions` gives them) to an Altair chart. Does
not belong here: SQL, files, and anything of Streamlit or of the brief.

The charts have no background of their own and use colours that are legible on white and on near-black; every text and
line that is not data is mid-grey. `vl-convert` renders them without a browser or a network: `chart.save("x.svg")`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any, TypeAlias, TypeVar

import altair as alt
import numpy as np
import pandas as pd
import pyarrow as pa

Frame: TypeAlias = "pa.Table | pd.DataFrame"
_Chart = TypeVar("_Chart", alt.LayerChart, alt.VConcatChart)

# each has a contrast of at least 3:1 on white and on #0e1117; the greys of text 4:1
INK = "#7a828c"
FAINT = "rgba(128, 136, 146, 0.2)"
UP = "#0f9d8a"
DOWN = "#e0524a"
FAST = "#d08700"
SLOW = "#8b6fe0"
COLOCATION = "#3b82d6"
CLOUD = "#d97706"

SIMULATED = "SIMULATED prices"
WIDTH = 760
_PRICE_HEIGHT = 300
_SHAPES = {
    # action: (words, colour, shape)
    "upgrade": ("upgrade", UP, "triangle-up"),
    "downgrade": ("downgrade", DOWN, "triangle-down"),
    "initiate": ("initiated", INK, "diamond"),
    "reiterate": ("reiterated", INK, "circle"),
    "target_raise": ("target raised", UP, "M-1,0.5L0,-0.6L1,0.5L1,1L0,-0.1L-1,1Z"),
    "target_cut": ("target cut", DOWN, "M-1,-0.5L0,0.6L1,-0.5L1,-1L0,0.1L-1,-1Z"),
}
_LINES = alt.Scale(domain=["SMA 50", "SMA 200", "support", "resistance"], range=[FAST, SLOW, UP, DOWN])
_LANE_HEIGHT = 14
_NAME_PLACES: dict[str, dict[str, Any]] = {
    "above": {"dy": -12},
    "below": {"dy": 12},
    "right": {"dx": 9, "align": "left"},
    "left": {"dx": -9, "align": "right"},
}


class ChartError(ValueError):
    """The frame lacks a column, or holds nothing that could be drawn."""


def miner_chart(bars: Frame, levels: Frame, ratings: Frame, *, width: int = WIDTH) -> alt.VConcatChart:
    """What the price of one company did: notes of analysts, candles with averages and levels, RSI.

    `bars` has one row per session, oldest first (`questions.bars`), and the axis has one place per row: nights,
    weekends and holidays take no room, a session without a bar stays empty. `levels` and `ratings` may be empty; a note
    is drawn at the first session on or after its day, one outside the bars is left out. Raises `ChartError`.
    """
    prices = _rows(bars, ("trade_date", "open", "high", "low", "close", "sma_50", "sma_200", "rsi_14", "price_source"))
    if prices["close"].notna().sum() == 0:
        raise ChartError("no bar to draw")
    is_simulated = bool((prices["price_source"] == "sample").any())
    prices = prices.drop(columns="price_source")
    notes = _notes(_rows(ratings, _NOTE_COLUMNS), prices["trade_date"], width)
    x, labelled_x = (_session_axis(prices["trade_date"], has_labels=has_labels) for has_labels in (False, True))
    hover = alt.selection_point(
        name="session", fields=["trade_date"], nearest=True, on="pointerover", clear="pointerout", empty=False
    )
    panels = [
        _price_panel(prices, _rows(levels, _LEVEL_COLUMNS), notes, x, hover, is_simulated).properties(
            width=width, height=_PRICE_HEIGHT
        ),
        _rsi_panel(prices, labelled_x, hover).properties(width=width, height=90),
    ]
    if len(notes):
        panels.insert(0, _notes_panel(notes, x).properties(width=width, height=_LANE_HEIGHT * int(notes["lane"].max())))
    chart: alt.VConcatChart = alt.vconcat(*panels, spacing=8).resolve_scale(
        x="shared", color="independent", shape="independent"
    )
    return _dressed(chart)


def deal_flow_chart(deals: Frame, until: date, *, width: int = WIDTH) -> alt.VConcatChart:
    """How much has been signed: contract value in USD bn and critical IT MW, cumulated over time up to a day.

    `deals` as `questions.deals`, oldest first; only firm ones are drawn. A deal that states no figure is a hollow point
    that lifts no line. Raises `ChartError` where there is no firm deal.
    """
    rows = _rows(
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
    return _dressed(chart)


def usd_per_mw_chart(deals: Frame, *, width: int = WIDTH) -> alt.LayerChart:
    """What a critical IT MW was let for: base-term USD m per critical IT MW of each deal, colocation and cloud apart.

    `deals` as `questions.deals`. Raises `ChartError` where no deal states both figures.
    """
    rows = _rows(
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
    rows["name_at"] = _name_places(
        ((rows["announced_date"] - first) / (last - first + 2 * margin) * width).tolist(),
        (rows["usd_m_per_mw"] / rows["usd_m_per_mw"].max() * 340).tolist(),
    )
    base = alt.Chart(rows).encode(
        x=alt.X(
            "announced_date:T",
            title=None,
            axis=alt.Axis(format="%b %Y", tickCount=8),
            scale=alt.Scale(domain=[_moment(first - margin), _moment(last + margin)]),
        ),
        y=alt.Y("usd_m_per_mw:Q", title="USD m per critical IT MW, base term", scale=alt.Scale(zero=True)),
        color=_business_colour(),
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
    return _dressed(_layer(points, *names).properties(width=width, height=360))


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
    rows = _rows(
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
        color=_business_colour(),
    )  # fmt: skip
    marks = base.mark_point(filled=True, size=110, opacity=1).encode(
        y=y,
        x=x,
        color=_business_colour(),
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
    return _dressed(_layer(*layers).properties(width=width, height=alt.Step(40)))


_NOTE_COLUMNS = ("rating_date", "firm", "action", "from_rating", "to_rating", "price_target_prior", "price_target_new")
_LEVEL_COLUMNS = ("level_type", "level_rank", "level_price", "distance_pct", "touches")


def _rows(frame: Frame, columns: tuple[str, ...]) -> pd.DataFrame:
    """The columns asked for, as pandas; raises `ChartError` where one is missing."""
    data = frame.to_pandas() if isinstance(frame, pa.Table) else frame
    if missing := [name for name in columns if name not in data.columns]:
        raise ChartError(f"the frame lacks {', '.join(missing)}")
    return data.loc[:, list(columns)].copy()


def _capacity(critical_it_mw: float, gross_mw: float) -> str:
    if not pd.isna(critical_it_mw):
        return f", {critical_it_mw:,.0f} critical IT MW"
    return "" if pd.isna(gross_mw) else f", {gross_mw:,.0f} gross MW"


def _iso(days: pd.Series[Any]) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in pd.to_datetime(days)]


def _session_axis(days: pd.Series[Any], *, has_labels: bool = False) -> alt.X:
    """One place per session, a label where a month begins (every few months on a long chart)."""
    sessions = pd.to_datetime(days).reset_index(drop=True)
    month = sessions.dt.to_period("M")
    begins = sessions[(month != month.shift()) & (sessions.index > 0)]
    every = 1 + len(begins) // 13
    labels: dict[str, str] = {}
    year = None
    for day in begins[(begins.dt.month - 1) % every == 0]:
        labels[f"{day:%Y-%m-%d}"] = f"{day:%b}" if day.year == year else f"{day:%b %Y}"
        year = day.year
    if not labels:  # within one month
        labels = {f"{day:%Y-%m-%d}": f"{day:%d %b %Y}" for day in (sessions.iloc[0], sessions.iloc[-1])}
    axis = alt.Axis(values=list(labels), labelAngle=0, labelOverlap=True, grid=True)
    if has_labels:
        axis.labelExpr = f"({json.dumps(labels)})[datum.value]"
    else:
        axis.labels = axis.ticks = axis.domain = False
    # no domain is given: the bars hold every session, and days written as ISO sort as they follow each other
    return alt.X("trade_date:O", title=None, scale=alt.Scale(paddingInner=0.3), axis=axis)


def _lanes(spans: list[tuple[float, float]]) -> list[int]:
    """The first lane, counted from 1, in which each span touches none before it."""
    ends: list[list[tuple[float, float]]] = []
    chosen = []
    for left, right in spans:
        lane = next((i for i, taken in enumerate(ends) if all(right < a or left > b for a, b in taken)), len(ends))
        if lane == len(ends):
            ends.append([])
        ends[lane].append((left, right))
        chosen.append(lane + 1)
    return chosen


def _notes(ratings: pd.DataFrame, days: pd.Series[Any], width: int) -> pd.DataFrame:
    """The notes with the session they are drawn at, their words, and a lane in which they cover no other."""
    sessions = pd.to_datetime(days).reset_index(drop=True)
    notes = ratings.assign(day=pd.to_datetime(ratings["rating_date"])).sort_values(["day", "firm"])
    notes = notes[(notes["day"] >= sessions.iloc[0]) & (notes["day"] <= sessions.iloc[-1])]
    place = np.searchsorted(sessions.to_numpy(), notes["day"].to_numpy())
    notes["trade_date"] = _iso(sessions.iloc[place])
    notes["what"] = [_SHAPES.get(action, (str(action), INK, "circle"))[0] for action in notes["action"]]
    notes["said"] = [
        f"{_known(before)} → {_known(after)}"
        for before, after in zip(notes["from_rating"], notes["to_rating"], strict=True)
    ]
    # what a still picture must say too
    notes["name"] = [
        f"{firm}: {said}" if action in ("upgrade", "downgrade") else ""
        for firm, said, action in zip(notes["firm"], notes["said"], notes["action"], strict=True)
    ]
    notes["is_left"] = place > len(sessions) / 2
    at = [position * width / len(sessions) for position in place]
    notes["lane"] = _lanes(
        [(x - 8 - 6 * len(name) * left, x + 8 + 6 * len(name) * (not left)) for x, name, left in
         zip(at, notes["name"], notes["is_left"], strict=True)]
    )  # fmt: skip
    notes["rating_date"] = _iso(notes["day"])
    return notes.drop(columns=["day", "action", "from_rating", "to_rating"])


def _known(value: object) -> str:
    return "not known" if value is None or pd.isna(value) else str(value)  # type: ignore[call-overload]


def _notes_panel(notes: pd.DataFrame, x: alt.X) -> alt.LayerChart:
    styles = {words: (colour, shape) for words, colour, shape in _SHAPES.values() if (notes["what"] == words).any()}
    colours = alt.Scale(domain=list(styles), range=[colour for colour, _ in styles.values()])
    shapes = alt.Scale(domain=list(styles), range=[shape for _, shape in styles.values()])
    base = alt.Chart(notes).encode(
        x=x,
        y=alt.Y("lane:O", axis=None, sort="descending"),
        tooltip=[
            alt.Tooltip("firm:N", title="Firm"),
            alt.Tooltip("rating_date:N", title="Day"),
            alt.Tooltip("what:N", title="What"),
            alt.Tooltip("said:N", title="Rating"),
            alt.Tooltip("price_target_prior:Q", title="Target before, USD", format=",.2f"),
            alt.Tooltip("price_target_new:Q", title="Target after, USD", format=",.2f"),
        ],
    )
    marks = base.mark_point(filled=True, size=75, opacity=1).encode(
        color=alt.Color("what:N", title=None, scale=colours, legend=alt.Legend(orient="top")),
        shape=alt.Shape("what:N", title=None, scale=shapes),
    )
    names = [
        base.transform_filter(f"datum.name !== '' && {'' if is_left else '!'}datum.is_left")
        .mark_text(align="right" if is_left else "left", dx=-9 if is_left else 9, fontSize=10.5, color=INK)
        .encode(text="name:N")
        for is_left in (True, False)
    ]
    return _layer(marks, *names)


def _price_panel(
    prices: pd.DataFrame,
    levels: pd.DataFrame,
    notes: pd.DataFrame,
    x: alt.X,
    hover: alt.Parameter,
    is_simulated: bool,
) -> alt.LayerChart:
    data = prices.assign(trade_date=_iso(prices["trade_date"]))
    has_candles = data["open"].notna().any()
    lows, highs = (data["low"], data["high"]) if has_candles else (data["close"], data["close"])
    near = levels[levels["level_price"].between(0.6 * lows.min(), 1.4 * highs.max())]
    seen = pd.concat([lows, highs, data["close"], data["sma_50"], data["sma_200"], near["level_price"]]).dropna()
    room = 0.03 * (seen.max() - seen.min() or abs(seen.max()) or 1)
    limits = (max(0.0, float(seen.min() - room)), float(seen.max() + room))
    y_scale = alt.Scale(domain=list(limits), nice=False)
    title = "Price, USD" + (f" ({SIMULATED})" if is_simulated else "")

    def y(column: str) -> alt.Y:
        return alt.Y(f"{column}:Q", title=title, scale=y_scale)

    base = alt.Chart(data).encode(x=x)
    layers: list[alt.Chart] = []
    if len(notes):
        at = alt.Chart(notes[["trade_date"]].drop_duplicates())
        layers.append(at.mark_rule(color=INK, opacity=0.5, strokeDash=[1, 3]).encode(x=x))
    if has_candles:
        colour = alt.condition("datum.close >= datum.open", alt.value(UP), alt.value(DOWN))
        layers += [
            base.mark_rule(strokeWidth=1).encode(y=y("low"), y2="high:Q", color=colour),
            base.mark_bar(strokeWidth=0.6).encode(y=y("open"), y2="close:Q", color=colour, stroke=colour),
            # a bar that is a close alone
            base.transform_filter("!isValid(datum.open) && isValid(datum.close)")
            .mark_tick(color=INK, thickness=1.5)
            .encode(y=y("close")),
        ]
    else:
        layers.append(base.mark_line(strokeWidth=1.5).encode(y=y("close"), color=alt.value(COLOCATION)))
    averages = data.melt(["trade_date"], ["sma_50", "sma_200"], "average", "value")
    averages["average"] = averages["average"].map({"sma_50": "SMA 50", "sma_200": "SMA 200"})
    if averages["value"].notna().any():
        layers.append(
            alt.Chart(averages)
            .mark_line(strokeWidth=1.8)
            .encode(
                x=x,
                y=y("value"),
                color=alt.Color(
                    "average:N",
                    title=None,
                    scale=_LINES,
                    legend=alt.Legend(orient="top", symbolType="stroke", values=["SMA 50", "SMA 200"]),
                ),
            )
        )
    if len(near):
        layers += _level_layers(near, y, limits, x, data["trade_date"].iloc[-1])
    layers.append(
        base.mark_rule(color=INK, strokeWidth=6)
        .encode(
            opacity=alt.condition(hover, alt.value(0.25), alt.value(0)),
            tooltip=[
                alt.Tooltip("trade_date:O", title="Session"),
                alt.Tooltip("open:Q", title="Open, USD", format=",.2f"),
                alt.Tooltip("high:Q", title="High, USD", format=",.2f"),
                alt.Tooltip("low:Q", title="Low, USD", format=",.2f"),
                alt.Tooltip("close:Q", title="Close, USD", format=",.2f"),
                alt.Tooltip("sma_50:Q", title="SMA 50, USD", format=",.2f"),
                alt.Tooltip("sma_200:Q", title="SMA 200, USD", format=",.2f"),
                alt.Tooltip("rsi_14:Q", title="RSI 14", format=".1f"),
            ],
        )
        .add_params(hover)
    )
    return _layer(*layers)


def _level_layers(
    levels: pd.DataFrame, y: Callable[[str], alt.Y], limits: tuple[float, float], x: alt.X, last: str
) -> list[alt.Chart]:
    levels = levels.sort_values("level_price").assign(trade_date=last)
    levels["label"] = [
        f"{kind[0].upper()}{rank} {price:,.2f} ({distance:+.1f} %)"
        for kind, rank, price, distance in levels[
            ["level_type", "level_rank", "level_price", "distance_pct"]
        ].itertuples(index=False)
    ]
    levels["label_price"] = _spread(levels["level_price"].tolist(), gap=(limits[1] - limits[0]) * 13 / _PRICE_HEIGHT)
    colour = alt.Color("level_type:N", title=None, scale=_LINES)
    base = alt.Chart(levels)
    tooltip = [
        alt.Tooltip("level_type:N", title="Level"),
        alt.Tooltip("level_price:Q", title="USD", format=",.2f"),
        alt.Tooltip("distance_pct:Q", title="From the close, %", format="+.1f"),
        alt.Tooltip("touches:Q", title="Touches"),
    ]
    return [
        base.mark_rule(strokeDash=[4, 3], strokeWidth=1.3).encode(y=y("level_price"), color=colour, tooltip=tooltip),
        base.mark_text(align="left", dx=8, fontSize=10.5).encode(
            x=x, y=y("label_price"), text="label:N", color=colour, tooltip=tooltip
        ),
    ]


def _spread(places: list[float], gap: float) -> list[float]:
    """Ascending places, each moved up where it would stand less than `gap` above the one before."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + gap) if moved else place)
    return moved


def _rsi_panel(prices: pd.DataFrame, x: alt.X, hover: alt.Parameter) -> alt.LayerChart:
    data = prices[["trade_date", "rsi_14"]].assign(trade_date=_iso(prices["trade_date"]))
    scale = alt.Scale(domain=[0, 100])
    y = alt.Y("rsi_14:Q", title="RSI 14", scale=scale, axis=alt.Axis(values=[0, 30, 50, 70, 100], grid=False))
    lines = alt.Chart(pd.DataFrame({"rsi_14": [30, 70], "zone": ["oversold", "overbought"]}))
    base = alt.Chart(data).encode(x=x)
    return _layer(
        lines.mark_rule(strokeDash=[4, 3], strokeWidth=1.2).encode(
            y=y,
            color=alt.Color(
                "zone:N", scale=alt.Scale(domain=["oversold", "overbought"], range=[UP, DOWN]), legend=None
            ),
        ),
        base.mark_line(strokeWidth=1.5, color=COLOCATION).encode(y=y),
        base.mark_rule(color=INK, strokeWidth=6).encode(opacity=alt.condition(hover, alt.value(0.25), alt.value(0))),
    )


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
    return _layer(
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


def _moment(day: pd.Timestamp) -> alt.DateTime:
    return alt.DateTime(year=day.year, month=day.month, date=day.day)


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
        chosen.append(next(free, "above"))
        dx, dy = offsets[chosen[-1]]
        taken.append((x + dx, y + dy))
    return chosen


def _business_colour() -> alt.Color:
    return alt.Color(
        "business:N",
        title=None,
        scale=alt.Scale(domain=["colocation", "cloud"], range=[COLOCATION, CLOUD]),
        legend=alt.Legend(orient="top", symbolOpacity=1, symbolType="circle"),
    )


def _layer(*layers: alt.Chart) -> alt.LayerChart:
    return alt.LayerChart(layer=list(layers))


def _dressed(chart: _Chart) -> _Chart:
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
        legend=alt.LegendConfig(labelColor=INK, titleColor=INK, labelFontSize=11, padding=0, offset=6),
        text=alt.MarkConfig(color=INK),
    )
    return dressed
