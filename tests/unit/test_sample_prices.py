"""The simulated price source: the same bars everywhere, sound bars, and the calibration of CLSK."""

from __future__ import annotations

import datetime as dt

import exchange_calendars
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import talib

from dagster_project.contracts.market import DAILY_PRICES
from dagster_project.sources.base import EmptyFetchError
from dagster_project.sources.prices.base import PriceRequest, PriceSource
from dagster_project.sources.prices.sample import FIRST_DAY, LAST_DAY, SamplePrices

MINERS = tuple("APLD BITF BTBT BTDR CIFR CLSK CORZ GLXY GPUS HIVE HUT IREN MARA RIOT WULF WYFI".split())
SYMBOLS = (*MINERS, "CRWV", "NVDA", "QQQ", "SPY", "BTC-USD")
STORY_DAY = dt.date(2025, 11, 21)
PIVOT_REACH = 5


def fetch(*symbols: str, start: dt.date | None = None, end: dt.date | None = None) -> pa.Table:
    """The rows that the source gives for these symbols."""
    source: PriceSource = SamplePrices()
    return source.fetch(PriceRequest(symbols, start, end)).rows


def bars(symbol: str, **limits: dt.date) -> pd.DataFrame:
    """The bars of one symbol by day."""
    frame: pd.DataFrame = fetch(symbol, **limits).to_pandas()
    return frame.set_index("trade_date")


def pivots(prices: pd.Series, sign: int) -> pd.Series:
    """The prices strictly above (sign 1) or below (sign -1) those of the five sessions on either side."""
    signed = sign * prices
    neighbours = pd.concat([signed.shift(k) for k in range(-PIVOT_REACH, PIVOT_REACH + 1) if k], axis=1)
    return prices[neighbours.notna().all(axis=1) & (signed > neighbours.max(axis=1))]


@pytest.fixture(scope="module")
def everything() -> pd.DataFrame:
    """All bars of all symbols of the reference list."""
    frame: pd.DataFrame = fetch(*SYMBOLS).to_pandas()
    return frame


@pytest.fixture(scope="module")
def clsk() -> pd.DataFrame:
    """The bars of CLSK up to the session that the news story describes."""
    return bars("CLSK", end=STORY_DAY)


def test_two_fetches_are_equal() -> None:
    assert fetch(*SYMBOLS).equals(fetch(*SYMBOLS))


def test_bars_do_not_depend_on_the_other_symbols_or_on_their_order() -> None:
    prices = list(DAILY_PRICES.column_names)
    alone = fetch("CIFR").select(prices)
    together = fetch("RIOT", "CIFR", "CIFR").select(prices)
    assert together.slice(alone.num_rows).equals(alone)


@pytest.mark.parametrize(
    ("symbol", "sum_of_closes"),
    [("CLSK", 7563.3446), ("IREN", 7922.3096), ("SPY", 360742.2856), ("BTC-USD", 60617287.8916), ("ZZZZ", 19251.1306)],
)
def test_bars_are_the_same_on_every_platform(symbol: str, sum_of_closes: float) -> None:
    # a sum, because a last digit may round differently where a math library does; a changed stream moves it by far more
    assert bars(symbol)["close"].sum() == pytest.approx(sum_of_closes, abs=0.01)


def test_source_says_that_it_is_simulated() -> None:
    assert (SamplePrices.name, SamplePrices.is_simulated) == ("sample", True)


def test_rows_have_the_contract_s_columns_typed_and_numbered() -> None:
    arrow = {
        "varchar": pa.string(),
        "date": pa.date32(),
        "double": pa.float64(),
        "bigint": pa.int64(),
        "boolean": pa.bool_(),
    }
    rows = fetch("CLSK", "BTC-USD")
    expected = [(column.name, arrow[column.type]) for column in DAILY_PRICES.columns]
    assert rows.schema == pa.schema([*expected, ("source_file", pa.string()), ("source_row", pa.int64())])
    assert rows["source_file"].unique().to_pylist() == ["sample"]
    assert rows["source_row"].to_pylist() == list(range(1, rows.num_rows + 1))


def test_bars_are_sound(everything: pd.DataFrame) -> None:
    prices = everything[["open", "high", "low", "close"]]
    assert (prices > 0).all(axis=None)
    assert (everything["high"] == prices.max(axis=1)).all()
    assert (everything["low"] == prices.min(axis=1)).all()
    assert (everything["volume"] > 0).all()
    assert np.array_equal(prices, prices.round(4))
    assert not everything.duplicated(["symbol", "trade_date"]).any()


def test_equities_have_a_bar_on_each_session(everything: pd.DataFrame) -> None:
    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST_DAY.isoformat(), end=LAST_DAY.isoformat())
    sessions = [session.date() for session in calendar.sessions]
    for symbol in SYMBOLS[:-1]:
        assert everything.loc[everything["symbol"] == symbol, "trade_date"].tolist() == sessions, symbol


@pytest.mark.parametrize("symbol", ["BTC-USD", "ZZZ-USD"])
def test_coins_have_a_bar_on_each_calendar_day(symbol: str) -> None:
    assert bars(symbol).index.tolist() == [day.date() for day in pd.date_range(FIRST_DAY, LAST_DAY)]


def test_series_are_plausible(everything: pd.DataFrame) -> None:
    for symbol, series in everything.groupby("symbol"):
        closes = series["close"].to_numpy()
        assert 5 < talib.RSI(closes, 14)[-1] < 95, symbol
        assert np.abs(np.diff(np.log(closes))).max() < 0.25, symbol


def test_miners_move_with_bitcoin_and_the_market(everything: pd.DataFrame) -> None:
    closes = everything.pivot(index="trade_date", columns="symbol", values="close").dropna()
    moves = closes.pct_change().corr()
    assert (moves.loc[list(MINERS), "BTC-USD"] > 0.25).all()
    assert (moves.loc[list(MINERS), "SPY"] > 0.1).all()


def test_range_is_inclusive_and_changes_no_bar() -> None:
    start, end = dt.date(2025, 8, 11), dt.date(2025, 9, 15)
    some, full = bars("CLSK", start=start, end=end), bars("CLSK")
    assert (some.index[0], some.index[-1]) == (start, end)
    assert some["source_row"].iloc[0] == 1
    expected = full[(full.index >= start) & (full.index <= end)]
    pd.testing.assert_frame_equal(some.drop(columns="source_row"), expected.drop(columns="source_row"))


@pytest.mark.parametrize(
    "request_",
    [PriceRequest(()), PriceRequest(("CLSK",), start=LAST_DAY + dt.timedelta(days=1))],
    ids=["no symbols", "after the last day"],
)
def test_nothing_to_give_is_an_error(request_: PriceRequest) -> None:
    with pytest.raises(EmptyFetchError, match="sample"):
        SamplePrices().fetch(request_)


def test_an_unknown_symbol_gets_a_path_of_its_own() -> None:
    one, other = bars("ZZZZ")["close"], bars("ZZZY")["close"]
    assert len(one) == len(other) == len(bars("CLSK"))
    assert one.pct_change().corr(other.pct_change()) < 0.9


def test_clsk_indicators_are_those_of_the_story(clsk: pd.DataFrame) -> None:
    closes = clsk["close"].to_numpy()
    assert round(talib.SMA(closes, 50)[-1], 2) == 15.73
    assert round(talib.SMA(closes, 200)[-1], 2) == 11.07
    assert round(talib.RSI(closes, 14)[-1], 2) == 26.99


def test_clsk_52_week_high_is_that_of_the_story(clsk: pd.DataFrame) -> None:
    year = clsk.iloc[-252:]
    assert year["high"].max() == 23.61
    assert year["high"].idxmax() == dt.date(2025, 10, 15)
    assert year["low"].min() < 9.5


def test_clsk_next_close_is_that_of_the_story() -> None:
    before, after = bars("CLSK", start=STORY_DAY)["close"]
    assert after == 11.08
    assert round((after / before - 1) * 100, 2) == 13.94


def test_clsk_has_its_nearest_support_at_two_confirmed_lows(clsk: pd.DataFrame) -> None:
    lows, highs = pivots(clsk["low"], -1), pivots(clsk["high"], 1)
    recent = pd.concat([lows, highs])[lambda prices: prices.index >= clsk.index[-252]]
    near = recent[recent.between(9.5, 11.23)]
    assert near.to_dict() == {dt.date(2025, 8, 11): 9.81, dt.date(2025, 9, 15): 9.81}
    assert set(near.index) <= set(lows.index)
