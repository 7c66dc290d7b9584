"""The price of one company: candles with averages and levels, analyst notes, RSI.

Belongs here: `miner_chart` and its panels. Does not belong here: SQL, files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from bi.charts.look import (
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
    iso,
    layer,
    zoom,
)

_PRICE_HEIGHT = 300


_SHAPES = {
    # action: (words, colour, shape)
    "upgrade": ("upgrade", UP, "triangle-up"),
    "downgrade": ("downgrade", DOWN, "triangle-down"),
    "initiate": ("initiated", INK, "diamond"),
    "reiterate": ("reiterated", INK, "circle"),
    "target_raise": ("target raised", UP, "M-1,0.5L0,-0.6L1,0.5L1,1L0,-0.1L-1,1Z"),
    "deal": ("contract signed", COLOCATION, "square"),
    "target_cut": ("target cut", DOWN, "M-1,-0.5L0,0.6L1,-0.5L1,-1L0,0.1L-1,-1Z"),
}


_LINES = alt.Scale(domain=["SMA 50", "SMA 200", "support", "resistance"], range=[FAST, SLOW, UP, DOWN])


_LANE_HEIGHT = 14


_NOTE_COLUMNS = ("rating_date", "firm", "action", "from_rating", "to_rating", "price_target_prior", "price_target_new")


_DEAL_COLUMNS = ("announced_date", "counterparty", "is_firm", "critical_it_mw", "contract_value_usd")
_NARROWEST = 560
"""Pixels of the narrowest panel in which names of notes must not cover each other."""
_MARGIN = 0.012
"""Room left and right of the sessions, as a share of their number: a mark of the last session is not cut."""
_LABEL = 100
"""Pixels of a level's label, which stands right of the last session: what is zoomed is cut at the panel's edge."""
_TEXT = 15
"""Pixels that a line of text is high, with the room above it."""
_LEVEL_COLUMNS = ("level_type", "level_rank", "level_price", "distance_pct", "touches")


def miner_chart(
    bars: Frame,
    levels: Frame,
    ratings: Frame,
    deals: Frame | None = None,
    *,
    target: float | None = None,
    target_of: str = "mean target",
    is_log: bool = False,
    width: int = WIDTH,
) -> alt.VConcatChart:
    """What the price of one company did: notes and deals, candles with averages and levels, volume, RSI.

    `bars` has one row per session, oldest first (`questions.bars`), and the axis has one place per row: nights,
    weekends and holidays take no room, a session without a bar stays empty. `levels` and `ratings` may be empty; a note
    or firm deal (`questions.deals`) is drawn at the first session on or after its day, none outside the bars. All
    panels are zoomed together along the sessions.
    `target` is a price target in USD, called `target_of` and drawn where it is near; `is_log` asks for a logarithmic
    price. Raises `ChartError`.
    """
    prices = checked(
        bars, ("trade_date", "open", "high", "low", "close", "volume", "sma_50", "sma_200", "rsi_14", "price_source")
    )
    if prices["close"].notna().sum() == 0:
        raise ChartError("no bar to draw")
    is_simulated = bool((prices["price_source"] == "sample").any())
    prices = prices.drop(columns="price_source")
    marked = checked(ratings, _NOTE_COLUMNS)
    if deals is not None:
        marked = pd.concat([marked, _signed(checked(deals, _DEAL_COLUMNS))], ignore_index=True)
    levels = checked(levels, _LEVEL_COLUMNS)
    ends = _ends(len(prices), width, has_levels=len(levels) > 0)
    notes = _notes(marked, prices["trade_date"], ends, width)
    x, labelled_x = (_session_axis(prices["trade_date"], ends, has_labels=has_labels) for has_labels in (False, True))
    prices = prices.assign(place=range(len(prices)), left=np.arange(len(prices)) - 0.35)
    prices["right"] = prices["left"] + 0.7
    hover = alt.selection_point(
        name="session", fields=["place"], nearest=True, on="pointerover", clear="pointerout", empty=False
    )
    panels = [
        _price_panel(prices, levels, notes, x, hover, is_simulated, target, target_of, is_log=is_log).properties(
            width=width, height=_PRICE_HEIGHT
        ),
        _rsi_panel(prices, labelled_x, hover).properties(width=width, height=90),
    ]
    if prices["volume"].notna().any():
        panels.insert(1, _volume_panel(prices, x, hover).properties(width=width, height=50))
    if len(notes):
        panels.insert(0, _notes_panel(notes, x).properties(width=width, height=_LANE_HEIGHT * int(notes["lane"].max())))
    chart: alt.VConcatChart = alt.vconcat(*panels, spacing=8).resolve_scale(
        x="shared", color="independent", shape="independent"
    )
    return dressed(chart)


def _ends(sessions: int, width: int, *, has_levels: bool) -> tuple[float, float]:
    """Where the axis begins and ends, in places of sessions: with room for half a mark, and for labels of levels."""
    room = max(0.6, _MARGIN * sessions)
    beyond = _LABEL / min(width, _NARROWEST) if has_levels else 0
    return -room, (sessions - 1 + room + room * beyond) / (1 - beyond)


def _session_axis(days: pd.Series[Any], ends: tuple[float, float], *, has_labels: bool = False) -> alt.X:
    """One place per session, counted from 0, and a label where a month begins (every few months on a long chart)."""
    sessions = pd.to_datetime(days).reset_index(drop=True)
    month = sessions.dt.to_period("M")
    begins = sessions[(month != month.shift()) & (sessions.index > 0)]
    every = 1 + len(begins) // 26
    labelled = begins[(begins.dt.month - 1) % every == 0]
    labels = {int(place): f"{day:%b %Y}" for place, day in zip(labelled.index, labelled, strict=True)}
    if not labels:  # within one month
        labels = {place: f"{sessions[place]:%d %b %Y}" for place in (0, len(sessions) - 1)}
    axis = alt.Axis(values=list(labels), labelAngle=0, labelOverlap=True, grid=True)
    if has_labels:
        axis.labelExpr = f"({json.dumps(labels)})[datum.value]"
    else:
        axis.labels = axis.ticks = axis.domain = False
    scale = alt.Scale(domain=list(ends), nice=False, zero=False)
    return alt.X("place:Q", title=None, scale=scale, axis=axis)


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


def _notes(ratings: pd.DataFrame, days: pd.Series[Any], ends: tuple[float, float], width: int) -> pd.DataFrame:
    """The notes with the session they are drawn at, their words, and a lane in which they cover no other."""
    sessions = pd.to_datetime(days).reset_index(drop=True)
    width = min(width, _NARROWEST)
    notes = ratings.assign(day=pd.to_datetime(ratings["rating_date"])).sort_values(["day", "firm"])
    notes = notes[(notes["day"] >= sessions.iloc[0]) & (notes["day"] <= sessions.iloc[-1])]
    place = np.searchsorted(sessions.to_numpy(), notes["day"].to_numpy())
    notes["trade_date"] = iso(sessions.iloc[place])
    notes["place"] = place
    notes["what"] = [_SHAPES.get(action, (str(action), INK, "circle"))[0] for action in notes["action"]]
    notes["said"] = [
        str(after) if action == "deal" else f"{_known(before)} → {_known(after)}"
        for action, before, after in zip(notes["action"], notes["from_rating"], notes["to_rating"], strict=True)
    ]
    # what a still picture must say too
    notes["name"] = [
        _short(f"{firm}: {said}") if action in ("upgrade", "downgrade") else _short(firm) if action == "deal" else ""
        for firm, said, action in zip(notes["firm"], notes["said"], notes["action"], strict=True)
    ]
    notes["is_left"] = place > len(sessions) / 2
    at = [(position - ends[0]) * width / (ends[1] - ends[0]) for position in place]
    notes["lane"] = _lanes(
        [(x - 8 - 6 * len(name) * left, x + 8 + 6 * len(name) * (not left)) for x, name, left in
         zip(at, notes["name"], notes["is_left"], strict=True)]
    )  # fmt: skip
    notes["rating_date"] = iso(notes["day"])
    return notes.drop(columns=["day", "action", "from_rating", "to_rating"])


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:39]}…"


def _signed(deals: pd.DataFrame) -> pd.DataFrame:
    """Firm deals as rows beside the notes: counterparty in place of firm, MW and value in place of the rating."""
    firm = deals[deals["is_firm"].astype(bool)]
    said = []
    for mw, value in zip(firm["critical_it_mw"], firm["contract_value_usd"], strict=True):
        parts = [] if pd.isna(mw) else [f"{mw:,.0f} critical IT MW"]
        parts += [] if pd.isna(value) else [f"USD {value / 1e9:,.1f} bn"]
        said.append(", ".join(parts) or "size not stated")
    return pd.DataFrame(
        {
            "rating_date": firm["announced_date"].tolist(),
            "firm": [_known(name) if not pd.isna(name) else "tenant not named" for name in firm["counterparty"]],
            "action": ["deal"] * len(firm),
            "from_rating": [None] * len(firm),
            "to_rating": said,
            "price_target_prior": [float("nan")] * len(firm),
            "price_target_new": [float("nan")] * len(firm),
        }
    )


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
    marks = base.mark_point(filled=True, size=75, opacity=1, clip=True).encode(
        color=alt.Color("what:N", title=None, scale=colours, legend=alt.Legend(orient="top")),
        shape=alt.Shape("what:N", title=None, scale=shapes),
    )
    names = [
        base.transform_filter(f"datum.name !== '' && {'' if is_left else '!'}datum.is_left")
        .mark_text(align="right" if is_left else "left", dx=-9 if is_left else 9, fontSize=10.5, color=INK, clip=True)
        .encode(text="name:N")
        for is_left in (True, False)
    ]
    return layer(marks, *names)


def _price_panel(
    prices: pd.DataFrame,
    levels: pd.DataFrame,
    notes: pd.DataFrame,
    x: alt.X,
    hover: alt.Parameter,
    is_simulated: bool,
    target: float | None,
    target_of: str,
    *,
    is_log: bool,
) -> alt.LayerChart:
    data = prices.assign(trade_date=iso(prices["trade_date"]))
    has_candles = data["open"].notna().any()
    lows, highs = (data["low"], data["high"]) if has_candles else (data["close"], data["close"])
    near = levels[levels["level_price"].between(0.6 * lows.min(), 1.4 * highs.max())]
    targets = [] if target is None or not 0.6 * lows.min() <= target <= 1.4 * highs.max() else [target]
    drawn = [lows, highs, data["close"], data["sma_50"], data["sma_200"], near["level_price"], pd.Series(targets)]
    seen = pd.concat(drawn).astype(float).dropna()
    room = 0.03 * (seen.max() - seen.min() or abs(seen.max()) or 1)
    least = 0.97 * float(seen.min()) if is_log else 0.0
    limits = (max(least, float(seen.min() - room)), float(seen.max() + room))
    is_log = is_log and limits[0] > 0
    y_scale = alt.Scale(domain=list(limits), nice=False, type="log" if is_log else "linear")
    title = "Price, USD" + (f" ({SIMULATED})" if is_simulated else "")

    def y(column: str) -> alt.Y:
        return alt.Y(f"{column}:Q", title=title, scale=y_scale)

    base = alt.Chart(data).encode(x=x)
    wide = _from_left(x)
    layers: list[alt.Chart] = []
    if len(notes):
        at = alt.Chart(notes[["place"]].drop_duplicates())
        layers.append(at.mark_rule(color=INK, opacity=0.5, strokeDash=[1, 3], clip=True).encode(x=x))
    if has_candles:
        colour = alt.condition("datum.close >= datum.open", alt.value(UP), alt.value(DOWN))
        layers += [
            base.mark_rule(strokeWidth=1, clip=True).encode(y=y("low"), y2="high:Q", color=colour),
            base.mark_rect(strokeWidth=0.6, clip=True).encode(
                x=wide, x2="right:Q", y=y("open"), y2="close:Q", color=colour, stroke=colour
            ),
            # a bar that is a close alone
            base.transform_filter("!isValid(datum.open) && isValid(datum.close)")
            .mark_rule(color=INK, strokeWidth=1.5, clip=True)
            .encode(x=wide, x2="right:Q", y=y("close")),
        ]
    else:
        layers.append(base.mark_line(strokeWidth=1.5, clip=True).encode(y=y("close"), color=alt.value(COLOCATION)))
    averages = data.melt(["place"], ["sma_50", "sma_200"], "average", "value")
    averages["average"] = averages["average"].map({"sma_50": "SMA 50", "sma_200": "SMA 200"})
    if averages["value"].notna().any():
        layers.append(
            alt.Chart(averages)
            .mark_line(strokeWidth=1.8, clip=True)
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
    for price in targets:
        here = alt.Chart(pd.DataFrame({"price": [price], "said": [f"{target_of} {price:,.2f}"]}))
        has_room = _pixels_from_top(price, limits, is_log=is_log) > _TEXT
        layers += [
            here.mark_rule(color=INK, strokeWidth=1.3, strokeDash=[8, 4]).encode(y=y("price")),
            here.mark_text(
                color=INK,
                align="left",
                baseline="bottom" if has_room else "top",
                dx=4,
                dy=-2 if has_room else 4,
                fontSize=10.5,
            ).encode(x=alt.value(0), y=y("price"), text="said:N"),
        ]
    if len(near):
        layers += _level_layers(near, y, limits, len(prices) - 1, is_log=is_log)
    layers.append(
        base.mark_rule(color=INK, strokeWidth=6, clip=True)
        .encode(
            opacity=alt.condition(hover, alt.value(0.25), alt.value(0)),
            tooltip=[
                alt.Tooltip("trade_date:N", title="Session"),
                alt.Tooltip("open:Q", title="Open, USD", format=",.2f"),
                alt.Tooltip("high:Q", title="High, USD", format=",.2f"),
                alt.Tooltip("low:Q", title="Low, USD", format=",.2f"),
                alt.Tooltip("close:Q", title="Close, USD", format=",.2f"),
                alt.Tooltip("sma_50:Q", title="SMA 50, USD", format=",.2f"),
                alt.Tooltip("sma_200:Q", title="SMA 200, USD", format=",.2f"),
                alt.Tooltip("rsi_14:Q", title="RSI 14", format=".1f"),
            ],
        )
        .add_params(hover, zoom("x"))  # one layer: Altair writes every parameter into each layer that has one
    )
    return layer(*layers)


def _from_left(x: alt.X) -> alt.X:
    """The axis of the sessions for a mark that begins at the left end of its session's place."""
    wide = x.copy()
    wide.shorthand = "left:Q"
    return wide


def _level_layers(
    levels: pd.DataFrame, y: Callable[[str], alt.Y], limits: tuple[float, float], last: int, *, is_log: bool
) -> list[alt.Chart]:
    levels = levels.sort_values("level_price")
    levels["label"] = [
        f"{kind[0].upper()}{rank} {price:,.2f} ({distance:+.1f} %)"
        for kind, rank, price, distance in levels[
            ["level_type", "level_rank", "level_price", "distance_pct"]
        ].itertuples(index=False)
    ]
    places = np.log([*levels["level_price"], *limits]) if is_log else np.array([*levels["level_price"], *limits])
    low, high = places[-2:]
    spread = _spread(places[:-2].tolist(), gap=(high - low) * 13 / _PRICE_HEIGHT, top=float(high))
    levels["label_price"] = np.exp(spread) if is_log else spread
    colour = alt.Color("level_type:N", title=None, scale=_LINES)
    base = alt.Chart(levels)
    tooltip = [
        alt.Tooltip("level_type:N", title="Level"),
        alt.Tooltip("level_price:Q", title="USD", format=",.2f"),
        alt.Tooltip("distance_pct:Q", title="From the close, %", format="+.1f"),
        alt.Tooltip("touches:Q", title="Touches"),
    ]
    return [
        base.mark_rule(strokeDash=[4, 3], strokeWidth=1.3, clip=True).encode(
            x=alt.datum(-1), x2=alt.datum(last + 1), y=y("level_price"), color=colour, tooltip=tooltip
        ),
        base.mark_text(align="left", dx=8, fontSize=10.5).encode(
            x=alt.datum(last), y=y("label_price"), text="label:N", color=colour, tooltip=tooltip
        ),
    ]


def _spread(places: list[float], gap: float, top: float = float("inf")) -> list[float]:
    """Ascending places, each moved up where it would stand less than `gap` above the one before, none beyond `top`."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + gap) if moved else place)
    for number, place in enumerate(reversed(moved)):
        moved[len(moved) - 1 - number] = min(place, top - number * gap)
    return moved


def _volume_panel(prices: pd.DataFrame, x: alt.X, hover: alt.Parameter) -> alt.LayerChart:
    data = prices[["place", "left", "right", "volume"]]
    base = alt.Chart(data).encode(x=x)
    y = alt.Y("volume:Q", title="Volume", axis=alt.Axis(format="~s", tickCount=2, grid=False))
    return layer(
        base.mark_rect(color=INK, opacity=0.55, clip=True).encode(x=_from_left(x), x2="right:Q", y=y, y2=alt.datum(0)),
        base.mark_rule(color=INK, strokeWidth=6, clip=True).encode(
            opacity=alt.condition(hover, alt.value(0.25), alt.value(0))
        ),
    )


def _pixels_from_top(price: float, limits: tuple[float, float], *, is_log: bool) -> float:
    """How far below the upper edge of the panel a price is drawn."""
    low, high, at = (math.log(value) if is_log else value for value in (*limits, price))
    return _PRICE_HEIGHT * (high - at) / (high - low)


def _rsi_panel(prices: pd.DataFrame, x: alt.X, hover: alt.Parameter) -> alt.LayerChart:
    data = prices[["place", "rsi_14"]]
    scale = alt.Scale(domain=[0, 100])
    y = alt.Y("rsi_14:Q", title="RSI 14", scale=scale, axis=alt.Axis(values=[0, 30, 50, 70, 100], grid=False))
    lines = alt.Chart(pd.DataFrame({"rsi_14": [30, 70], "zone": ["oversold", "overbought"]}))
    base = alt.Chart(data).encode(x=x)
    return layer(
        lines.mark_rule(strokeDash=[4, 3], strokeWidth=1.2).encode(
            y=y,
            color=alt.Color(
                "zone:N", scale=alt.Scale(domain=["oversold", "overbought"], range=[UP, DOWN]), legend=None
            ),
        ),
        base.mark_line(strokeWidth=1.5, color=COLOCATION, clip=True).encode(y=y),
        base.mark_rule(color=INK, strokeWidth=6, clip=True).encode(
            opacity=alt.condition(hover, alt.value(0.25), alt.value(0))
        ),
    )
