"""Levels from SQL against plain loops, and the technical picture against one real case."""

import math
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pytest
from dbt_harness import DBT_DIR, BuiltModels, build_models, daily_bars
from price_series import real_bars, required_bars, walk

PIVOT_SESSIONS = 2
LEVEL_REACH_ATR = 0.25
LOOKBACK = 252
PER_SIDE = 5
VARIABLES = {
    "pivot_sessions": PIVOT_SESSIONS,
    "level_merge_atr": LEVEL_REACH_ATR,
    "level_lookback_sessions": LOOKBACK,
    "levels_per_side": PER_SIDE,
}
WALKS = ("WALK", "TICKS", "CLOSES")
OTHERS = ("OTHER", "HAUNTED", "OTHERCLOSES", "YOUNG", "NEW")


class Pivot(NamedTuple):
    """A swing low or high with the positions of its bar and of the bar that confirmed it."""

    at: int
    known: int
    is_low: bool
    price: float
    volume_weight: float


def pivots_by_hand(bars: pd.DataFrame) -> list[Pivot]:
    """Every confirmed pivot of one series, in the order that settles ties."""
    closes = bars["close"].tolist()
    lows = bars["low"].tolist() if "low" in bars else closes
    highs = bars["high"].tolist() if "high" in bars else closes
    found = []
    for at in range(PIVOT_SESSIONS, len(closes) - PIVOT_SESSIONS):
        before = range(at - PIVOT_SESSIONS, at)
        after = range(at + 1, at + PIVOT_SESSIONS + 1)
        weight = 1.0
        if "volume" in bars:
            last_20 = bars["volume"].iloc[max(0, at - 19) : at + 1]
            weight = min(max(float(bars["volume"].iloc[at] / last_20.mean()), 0.5), 2.0)
        if all(highs[at] > highs[i] for i in before) and all(highs[at] >= highs[i] for i in after):
            found.append(Pivot(at, at + PIVOT_SESSIONS, False, highs[at], weight))
        if all(lows[at] < lows[i] for i in before) and all(lows[at] <= lows[i] for i in after):
            found.append(Pivot(at, at + PIVOT_SESSIONS, True, lows[at], weight))
    return found


def levels_by_hand(bars: pd.DataFrame, atr: list[float]) -> list[dict[str, Any]]:
    """The rows of `fct_price_levels` for one series, session by session."""
    dates, closes = bars["trade_date"].tolist(), bars["close"].tolist()
    if "high" not in bars:
        changes = [abs(after - before) for before, after in pairwise(closes)]
        atr = [math.nan if now < 14 else sum(changes[now - 14 : now]) / 14 for now in range(len(closes))]
    pivots = pivots_by_hand(bars)
    rows = []
    for now, close in enumerate(closes):
        if math.isnan(atr[now]):
            continue
        weighed = [
            (pivot, math.floor(1000 * pivot.volume_weight * (1 - (now - pivot.at) / LOOKBACK) + 0.5))
            for pivot in pivots
            if pivot.known <= now < pivot.at + LOOKBACK
        ]
        zones = [
            [n for n, (other, _) in enumerate(weighed) if abs(other.price - pivot.price) <= LEVEL_REACH_ATR * atr[now]]
            for pivot, _ in weighed
        ]
        strengths = [(sum(weighed[n][1] for n in zone), place) for place, zone in enumerate(zones)]
        centres = [n for n, zone in enumerate(zones) if strengths[n] == max(strengths[m] for m in zone)]
        for level_type in ("support", "resistance"):
            side = [n for n in centres if (weighed[n][0].price <= close) == (level_type == "support")]
            side.sort(key=lambda n: abs(weighed[n][0].price - close))
            for rank, centre in enumerate(side[:PER_SIDE], start=1):
                touched = [weighed[n][0] for n in zones[centre]]
                last_low = max((pivot.at for pivot in touched if pivot.is_low), default=-1)
                last_high = max((pivot.at for pivot in touched if not pivot.is_low), default=-1)
                rows.append(
                    {
                        "trade_date": dates[now],
                        "level_type": level_type,
                        "level_rank": rank,
                        "level_price": weighed[centre][0].price,
                        "distance_pct": 100 * (weighed[centre][0].price / close - 1),
                        "touches": len(touched),
                        "low_touches": sum(pivot.is_low for pivot in touched),
                        "high_touches": sum(not pivot.is_low for pivot in touched),
                        "first_touch_date": dates[touched[0].at],
                        "last_touch_date": dates[touched[-1].at],
                        "known_date": dates[touched[-1].known],
                        "strength": strengths[centre][0] / 1000,
                        "role_reversed": last_low < last_high if level_type == "support" else last_high < last_low,
                        "touch_dates": ", ".join(
                            f"{dates[pivot.at]} {'low' if pivot.is_low else 'high'}" for pivot in touched
                        ),
                    }
                )
    return rows


@pytest.fixture(scope="module")
def series() -> dict[str, pd.DataFrame]:
    """The series under test; CLSK only where its real prices are at hand."""
    given = [
        walk("WALK", 420, seed=11),
        # whole dollars: equal lows, equal strengths and prices on a close are common
        walk("TICKS", 420, seed=12, tick=1.0),
        walk("CLOSES", 420, seed=13, tick=1e-6, closes_only=True),
        real_bars("CLSK"),
    ]
    return {str(frame["symbol"].iloc[0]): frame for frame in given if frame is not None}


@pytest.fixture(scope="module")
def others() -> dict[str, pd.DataFrame]:
    """Symbols outside the reference list: long, with ghost bars near its end, of closes only, and two young ones."""
    haunted = walk("HAUNTED", 700, seed=15, tick=0.05)
    haunted["is_suspect"] = haunted.index.isin([*range(420, 470), 560, 695, 698])
    made = [
        walk("OTHER", 900, seed=14, tick=0.5),
        haunted,
        walk("OTHERCLOSES", 400, seed=16, tick=0.01, closes_only=True),
        walk("YOUNG", 40, seed=17),
        walk("NEW", 9, seed=18),
    ]
    return {str(frame["symbol"].iloc[0]): frame for frame in made}


@pytest.fixture(scope="module")
def built(
    series: dict[str, pd.DataFrame], others: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> BuiltModels:
    """The market models on those series, with the project's own unit and data tests."""
    twins = {f"{name}.LISTED": frame.assign(symbol=f"{name}.LISTED") for name, frame in others.items()}
    return build_models(
        tmp_path_factory.mktemp("levels"),
        ["fct_price_levels", "technical_picture"],
        {
            "int_daily_bars": daily_bars(pd.concat([*series.values(), *others.values(), *twins.values()])),
            "int_reference_symbols": pa.table({"symbol": [*series, *twins]}),
        },
        command="build",
        variables=VARIABLES,
    )


def levels(built: BuiltModels, symbol: str, source: str = "fct_price_levels") -> pd.DataFrame:
    """All level rows of a symbol in the mart or an answer of the macro, dates as dates."""
    frame = built.query(
        f"from marts.{source} as levels where levels.symbol = ? order by trade_date, level_type desc, level_rank",
        [symbol],
    )
    for column in frame.columns[frame.columns.str.endswith("_date")]:
        frame[column] = frame[column].dt.date
    return frame


def picture(built: BuiltModels, symbol: str, as_of: date, quote: float | None) -> dict[str, Any]:
    """The one row of the macro."""
    frame = built.query("select * from marts.technical_picture(?, ?, ?)", [symbol, as_of, quote])
    assert len(frame) == 1
    return {str(column): None if pd.isna(value) else value for column, value in frame.iloc[0].items()}


@pytest.mark.parametrize("symbol", [*WALKS, "CLSK"])
def test_sql_levels_equal_plain_loops(built: BuiltModels, series: dict[str, pd.DataFrame], symbol: str) -> None:
    """Every row and every column, on every session."""
    if symbol not in series:
        required_bars(symbol)
    atr = built.query("select atr_14 from marts.fct_daily_technicals where symbol = ? order by trade_date", [symbol])
    expected = pd.DataFrame(levels_by_hand(series[symbol], atr["atr_14"].astype(float).tolist()))
    actual = levels(built, symbol)[expected.columns.tolist()]
    assert len(expected) > len(series[symbol])
    pd.testing.assert_frame_equal(actual, expected, check_dtype=False, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("symbol", [*WALKS, "CLSK"])
def test_the_macro_gives_what_the_mart_holds(built: BuiltModels, series: dict[str, pd.DataFrame], symbol: str) -> None:
    """Every 97th session and the last one: every row, every column, bit by bit."""
    days = required_bars(symbol) if symbol not in series else series[symbol]["trade_date"]
    rows = 0
    for day in [*days.iloc[::97], days.iloc[-1]]:
        differences, found = built.query(
            """
            with asked as (from marts.price_levels($symbol, $day)),
                held as (from marts.fct_price_levels where symbol = $symbol and trade_date = $day)
            select
                (select count(*) from (from asked except all from held))
                + (select count(*) from (from held except all from asked)),
                (select count(*) from asked)
            """.replace("$symbol", f"'{symbol}'").replace("$day", f"date '{day:%Y-%m-%d}'")
        ).iloc[0]
        assert differences == 0, day
        rows += found
    assert rows > 10


@pytest.mark.parametrize("symbol", OTHERS)
def test_other_symbols_have_their_last_session_in_the_mart_and_all_others_on_request(
    built: BuiltModels, others: dict[str, pd.DataFrame], symbol: str
) -> None:
    """What the mart holds of a listed twin with the same bars."""
    days = others[symbol]["trade_date"]
    twin = levels(built, f"{symbol}.LISTED").drop(columns="symbol")
    held = levels(built, symbol).drop(columns="symbol")
    last_of_twin = twin[twin["trade_date"] == days.iloc[-1]].reset_index(drop=True)
    pd.testing.assert_frame_equal(held, last_of_twin, check_dtype=not held.empty)
    for day in [*days.iloc[::151], days.iloc[-1]]:
        expected = twin[twin["trade_date"] == day].reset_index(drop=True)
        found = levels(built, symbol, f"price_levels('{symbol}', '{day}')").drop(columns="symbol")
        pd.testing.assert_frame_equal(found, expected, check_dtype=not expected.empty)
    assert held.empty == (symbol == "NEW")
    assert len(twin) > 100 or symbol in ("YOUNG", "NEW")


@pytest.mark.parametrize("symbol", WALKS)
def test_levels_of_a_session_are_known_ordered_and_apart(built: BuiltModels, symbol: str) -> None:
    """What the description promises, whatever the prices."""
    rows = levels(built, symbol).merge(
        built.query("select trade_date, close, atr_14 from marts.fct_daily_technicals where symbol = ?", [symbol])
        .assign(trade_date=lambda frame: frame["trade_date"].dt.date)
    )  # fmt: skip
    assert (rows["known_date"] <= rows["trade_date"]).all()
    assert (rows["last_touch_date"] < rows["known_date"]).all()
    assert (rows["touches"] == rows["low_touches"] + rows["high_touches"]).all()
    is_support = rows["level_type"] == "support"
    assert (is_support == (rows["level_price"] <= rows["close"])).all()
    for _, session in rows.sort_values("level_price").groupby("trade_date"):
        if symbol != "CLOSES":
            assert not (session["level_price"].diff() <= LEVEL_REACH_ATR * session["atr_14"]).any()
        for _, side in session.groupby("level_type"):
            nearest_first = side.sort_values("distance_pct", key=abs)["level_rank"].tolist()
            assert nearest_first == list(range(1, len(side) + 1))
            assert len(side) <= PER_SIDE


def test_a_quote_takes_its_levels_from_both_sides_of_the_close(built: BuiltModels) -> None:
    """A resistance of the close below the quote is the quote's support; the averages stay those of the close."""
    rows = levels(built, "WALK")
    session = rows[rows["trade_date"] == rows["trade_date"].max()]
    above = session[session["level_type"] == "resistance"].set_index("level_rank")["level_price"]
    below = session[session["level_type"] == "support"].set_index("level_rank")["level_price"]
    as_of = session["trade_date"].iloc[0]
    at_close = picture(built, "WALK", as_of, None)
    quoted = picture(built, "WALK", as_of, float(above[1]))
    assert at_close["quote"] == at_close["close"]
    assert (at_close["nearest_support"], at_close["nearest_resistance"]) == (below[1], above[1])
    assert (at_close["next_support"], at_close["next_resistance"]) == (below[2], above[2])
    assert (quoted["nearest_support"], quoted["nearest_resistance"]) == (above[1], above[2])
    assert (quoted["next_support"], quoted["nearest_support_pct"]) == (below[1], 0)
    assert (quoted["close"], quoted["sma_50"]) == (at_close["close"], at_close["sma_50"])
    assert quoted["pct_vs_sma_50"] == pytest.approx(100 * (above[1] / at_close["sma_50"] - 1))


def test_a_day_without_a_session_gives_the_last_one_before(built: BuiltModels, series: dict[str, pd.DataFrame]) -> None:
    """Weekends, text dates, lower case, and the days before the first session."""
    friday = next(day for day in series["WALK"]["trade_date"].iloc[300:] if day.weekday() == 4)
    sunday = date.fromordinal(friday.toordinal() + 2)
    assert picture(built, "walk", sunday, 21.0) == picture(built, "WALK", friday, 21.0)
    text = built.query(f"select trade_date from marts.technical_picture('WALK', '{sunday}', 21)")
    assert text["trade_date"].dt.date.tolist() == [friday]
    assert built.query("select * from marts.technical_picture('WALK', date '2000-01-01', 21)").empty
    assert built.query("select * from marts.technical_picture('NONE', date '2024-01-01', 21)").empty


def test_the_macro_joins_like_a_table(built: BuiltModels) -> None:
    """Its parameters share names with columns: a caller's own columns of those names must not leak in."""
    frame = built.query(
        """
        with asked as (select 'WALK' as symbol, 5.0 as quote)
        select asked.symbol, picture.symbol as answered, picture.quote
        from asked cross join marts.technical_picture('TICKS', '2024-03-01', 30) as picture
        """
    )
    assert frame.iloc[0].tolist() == ["WALK", "TICKS", 30.0]


def test_the_real_case_of_november_2025(built: BuiltModels) -> None:
    """What a news article of 2025-11-24 said of CLSK, from the close before."""
    required_bars("CLSK")
    seen = picture(built, "CLSK", date(2025, 11, 21), 11.23)
    assert seen["trade_date"].date() == date(2025, 11, 21)
    assert (round(seen["sma_50"], 2), round(seen["sma_200"], 2)) == (15.73, 11.07)
    assert (round(seen["pct_vs_sma_50"], 1), round(seen["pct_vs_sma_200"], 1)) == (-28.6, 1.4)
    assert (round(seen["high_52w"], 2), round(seen["rsi_14"], 2)) == (23.61, 26.25)
    assert seen["rsi_zone"] == "oversold"
    assert seen["nearest_support"] <= 11.23 < seen["nearest_resistance"]


def test_the_real_support_below_the_quote(built: BuiltModels) -> None:
    """The low of 2025-09-15 is a touch of one of the two levels nearest below a quote of 11.08."""
    required_bars("CLSK")
    rows = levels(built, "CLSK")
    session = rows[(rows["trade_date"] == date(2025, 11, 21)) & (rows["level_price"] <= 11.08)]
    nearest_two = session.sort_values("level_price", ascending=False).head(2)
    touched = nearest_two[nearest_two["touch_dates"].str.contains("2025-09-15 low")]
    assert touched["level_price"].between(9.6, 10.1).tolist() == [True]
    # the close of that day, 9.73, had just broken it
    assert touched[["level_type", "role_reversed"]].to_numpy().tolist() == [["resistance", True]]


def test_the_loops_use_the_defaults_of_the_models() -> None:
    """A changed default is a changed definition: it has to be changed here, and in the descriptions, as well."""
    sql = "".join((DBT_DIR / "macros" / "indicators" / f"{name}.sql").read_text() for name in ("pivots", "levels"))
    for name, value in VARIABLES.items():
        assert f"var('{name}', {value})" in sql
