"""Simulates daily bars: every number here is invented, none is a market price.

Belongs here: the `sample` price source, with which the whole house runs on a fresh clone without network or data files.
Does not belong here: real prices (the other modules of this folder), or anything computed from prices (dbt).

How a series is drawn. A symbol's plan names a few knots: a day, and a round close of plausible size. Between knots the
log close is a random walk bent to meet both: a share of a common market walk, a share of a common bitcoin walk, and
moves of its own, so that miners rise and fall together. A symbol without a plan gets its knots from its name. Shocks
are sums of `random.Random(text).random()`, a stream that Python keeps stable, so that every machine draws the same
bars; they depend on the symbol alone, never on what else is requested.

How CLSK is calibrated. Its knots and three intraday extremes are placed so that the picture of 2025-11-21 is that of
a news story which the documentation follows: 52-week high 23.61 (2025-10-15), swing lows at 9.81 (2025-08-11 and
2025-09-15) with no other pivot of that year up to 11.23, and a next session that closes at 11.08, up 13.94 %. Three
knots are levers, which were solved together for SMA 50 = 15.73, SMA 200 = 11.07 and RSI 14 = 26.99. Whoever changes
the seed or a volatility turns them anew, until `tests/unit/test_sample_prices.py` is content.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dagster_project.contracts.batch import Batch, HandOver
from dagster_project.sessions import exchange_sessions
from dagster_project.sources.base import EmptyFetchError
from dagster_project.sources.prices.base import BARS, PriceRequest

FIRST_DAY = dt.date(2023, 1, 3)
LAST_DAY = dt.date(2025, 11, 24)

_Floats = npt.NDArray[np.float64]
_Days = npt.NDArray[np.datetime64]
_Knot = tuple[dt.date, float]

_SEED = 37
_MARKET_VOLATILITY = 0.009
_BITCOIN_VOLATILITY = 0.02


@dataclass(frozen=True)
class _Nature:
    """How a kind of instrument moves: shares of the common walks, daily volatility of its own, usual daily turnover."""

    market_share: float
    bitcoin_share: float
    own_volatility: float
    turnover_usd: float

    @property
    def volatility(self) -> float:
        common = (self.market_share * _MARKET_VOLATILITY) ** 2 + (self.bitcoin_share * _BITCOIN_VOLATILITY) ** 2
        return float((common + self.own_volatility**2) ** 0.5)


@dataclass(frozen=True)
class _Plan:
    """What is decided about a series beforehand: closes at knots, and the intraday lows and highs that are set."""

    nature: _Nature
    knots: tuple[_Knot, ...]
    lows: tuple[_Knot, ...] = ()
    highs: tuple[_Knot, ...] = ()


@dataclass(frozen=True)
class _Scene:
    """What all symbols share: calendar days, exchange sessions, and two log walks with one value per calendar day."""

    days: _Days
    sessions: _Days
    market: _Floats
    bitcoin: _Floats


_MINER = _Nature(1.2, 0.8, 0.032, 2e8)
_CLOUD = _Nature(1.6, 0.2, 0.032, 1e9)
_CHIPMAKER = _Nature(1.9, 0.0, 0.016, 3e10)
_INDEX = _Nature(1.0, 0.0, 0.002, 3e10)
_COIN = _Nature(0.6, 1.0, 0.004, 3e10)


def _shared(nature: _Nature, *closes: float) -> _Plan:
    """A plan whose closes stand at the days that most symbols share: year ends, the spring low, the autumn high."""
    days = (
        FIRST_DAY,
        dt.date(2023, 12, 29),
        dt.date(2024, 12, 31),
        dt.date(2025, 4, 8),
        dt.date(2025, 10, 15),
        LAST_DAY,
    )
    return _Plan(nature, tuple(zip(days, closes, strict=True)))


_CLSK = _Plan(
    _MINER,
    knots=(
        (FIRST_DAY, 2.0),
        (dt.date(2023, 7, 13), 7.0),
        (dt.date(2023, 10, 16), 3.6),
        (dt.date(2023, 12, 29), 11.0),
        (dt.date(2024, 3, 25), 22.0),
        (dt.date(2024, 8, 7), 10.5),
        (dt.date(2024, 11, 11), 17.0),
        (dt.date(2024, 12, 31), 13.5),
        (dt.date(2025, 2, 6), 12.6),
        (dt.date(2025, 2, 20), 8.6),
        (dt.date(2025, 4, 8), 7.5),
        (dt.date(2025, 5, 15), 8.1),
        (dt.date(2025, 6, 13), 8.4),
        (dt.date(2025, 6, 27), 8.9),
        (dt.date(2025, 7, 3), 11.9),
        (dt.date(2025, 7, 18), 13.37),  # lever: 1.00 more adds 0.05 to SMA 200
        (dt.date(2025, 8, 1), 12.2),
        (dt.date(2025, 8, 8), 10.6),
        (dt.date(2025, 8, 11), 10.0),
        (dt.date(2025, 8, 12), 10.9),
        (dt.date(2025, 8, 13), 11.5),
        (dt.date(2025, 8, 22), 12.3),
        (dt.date(2025, 8, 28), 12.1),
        (dt.date(2025, 9, 5), 12.2),
        (dt.date(2025, 9, 12), 10.5),
        (dt.date(2025, 9, 15), 10.1),
        (dt.date(2025, 9, 16), 11.0),
        (dt.date(2025, 9, 26), 14.6),
        (dt.date(2025, 10, 8), 18.70),  # lever: 1.00 more adds 0.13 to SMA 50
        (dt.date(2025, 10, 15), 22.9),
        (dt.date(2025, 10, 16), 21.4),
        (dt.date(2025, 10, 22), 17.6),
        (dt.date(2025, 10, 27), 19.6),
        (dt.date(2025, 11, 5), 14.0),
        (dt.date(2025, 11, 10), 15.6),
        (dt.date(2025, 11, 14), 11.3),
        (dt.date(2025, 11, 18), 11.37),  # lever: 1.00 more adds 1.5 to RSI 14
        (dt.date(2025, 11, 21), 9.7244),
        (LAST_DAY, 11.08),
    ),
    lows=((dt.date(2025, 8, 11), 9.81), (dt.date(2025, 9, 15), 9.81)),
    highs=((dt.date(2025, 10, 15), 23.61),),
)

_PLANS: Mapping[str, _Plan] = MappingProxyType(
    {
        "APLD": _shared(_MINER, 2.0, 6.5, 7.5, 4.5, 35.0, 23.0),
        "BITF": _shared(_MINER, 0.45, 2.9, 1.5, 0.8, 5.5, 3.0),
        "BTBT": _shared(_MINER, 0.65, 4.0, 3.0, 1.8, 4.0, 2.2),
        "BTDR": _shared(_MINER, 3.5, 10.0, 21.0, 7.5, 23.0, 10.0),
        "CIFR": _shared(_MINER, 0.6, 4.0, 4.6, 2.3, 20.0, 16.0),
        "CLSK": _CLSK,
        "CORZ": _shared(_MINER, 1.0, 3.4, 14.0, 7.0, 19.0, 15.0),
        "GLXY": _shared(_MINER, 3.0, 8.0, 17.0, 10.0, 40.0, 25.0),
        "GPUS": _shared(_MINER, 9.0, 4.0, 2.0, 1.0, 0.6, 0.3),
        "HIVE": _shared(_MINER, 1.5, 4.5, 2.9, 1.4, 6.0, 3.2),
        "HUT": _shared(_MINER, 4.5, 13.0, 20.0, 11.0, 50.0, 38.0),
        "IREN": _shared(_MINER, 1.3, 7.0, 10.0, 6.0, 65.0, 45.0),
        "MARA": _shared(_MINER, 3.5, 23.0, 17.0, 11.0, 22.0, 11.0),
        "RIOT": _shared(_MINER, 3.5, 15.0, 10.0, 7.0, 22.0, 14.0),
        "WULF": _shared(_MINER, 0.7, 2.4, 5.7, 2.3, 15.0, 14.0),
        "WYFI": _shared(_MINER, 4.0, 8.0, 15.0, 10.0, 35.0, 20.0),
        "CRWV": _shared(_CLOUD, 10.0, 20.0, 40.0, 42.0, 140.0, 72.0),
        "NVDA": _shared(_CHIPMAKER, 15.0, 50.0, 135.0, 95.0, 180.0, 182.0),
        "QQQ": _shared(_INDEX, 265.0, 410.0, 510.0, 415.0, 600.0, 600.0),
        "SPY": _shared(_INDEX, 380.0, 475.0, 585.0, 495.0, 665.0, 668.0),
        "BTC-USD": _shared(_COIN, 16_500.0, 42_000.0, 93_000.0, 76_000.0, 111_000.0, 88_000.0),
    }
)


class SamplePrices:
    """The `sample` source: an invented history from `FIRST_DAY` to `LAST_DAY` for any symbol, listed by then or not."""

    name = "sample"
    is_simulated = True
    is_local = True

    def fetch(self, request: PriceRequest, hand_over: HandOver | None = None) -> Batch:  # noqa: ARG002
        """Simulated bars of the requested symbols and days. Raises `EmptyFetchError` where that leaves none."""
        start, end = request.start or FIRST_DAY, request.end or LAST_DAY
        scene = _scene()
        bars = [_bars(symbol, scene, start, end) for symbol in dict.fromkeys(request.symbols)]
        rows = pa.concat_tables([BARS.empty_table(), *bars])
        if not rows.num_rows:
            raise EmptyFetchError(
                f"sample: no bars for {len(request.symbols)} symbols between {start} and {end}; "
                f"the simulated history runs from {FIRST_DAY} to {LAST_DAY}"
            )
        rows = rows.append_column("source_file", pa.repeat(self.name, rows.num_rows))
        rows = rows.append_column("source_row", pa.array(np.arange(1, rows.num_rows + 1)))
        return Batch(source=self.name, rows=rows, is_partial=request.is_partial)


def _scene() -> _Scene:
    days = np.arange(np.datetime64(FIRST_DAY), np.datetime64(LAST_DAY) + 1)
    sessions = np.intersect1d(days, exchange_sessions(LAST_DAY)["session_date"].to_numpy())
    market = _MARKET_VOLATILITY * _normals("market", days.size) * np.isin(days, sessions)
    bitcoin = _BITCOIN_VOLATILITY * _normals("bitcoin", days.size)
    return _Scene(days, sessions, np.cumsum(market), np.cumsum(bitcoin))


def _bars(symbol: str, scene: _Scene, start: dt.date, end: dt.date) -> pa.Table:
    plan = _plan(symbol)
    days = scene.days if _trades_every_day(symbol) else scene.sessions
    volatility, size = plan.nature.volatility, days.size
    close = _closes(symbol, plan, days, scene)
    previous = np.concatenate([close[:1], close[:-1]])
    open_ = np.round(previous * np.exp(0.3 * volatility * _normals(f"{symbol} open", size)), 4)
    up, down, crowd = _uniforms(f"{symbol} range and volume", 3, size)
    high = np.round(np.maximum(open_, close) * (1 + 0.5 * volatility * up), 4)
    low = np.round(np.minimum(open_, close) * (1 - 0.5 * volatility * down), 4)
    for extremes, prices in ((plan.lows, low), (plan.highs, high)):
        for day, price in extremes:
            prices[days == np.datetime64(day)] = price
    excitement = 1 + 10 * np.abs(close / previous - 1)
    volume = np.ceil(plan.nature.turnover_usd / close * (0.5 + crowd) * excitement).astype(np.int64)
    none = np.full(size, None)
    basis = np.full(size, "split_adjusted")
    columns = [np.full(size, symbol), days, open_, high, low, close, none, volume, none, none, basis, none]
    bars = pa.table([pa.array(c, f.type) for c, f in zip(columns, BARS, strict=True)], schema=BARS)
    return bars.filter(pa.array((days >= np.datetime64(start)) & (days <= np.datetime64(end))))


def _plan(symbol: str) -> _Plan:
    if symbol in _PLANS:
        return _PLANS[symbol]
    first, growth = _uniforms(f"{symbol} knots", 2, 1).ravel().tolist()
    knots = ((FIRST_DAY, 5 + 45 * first), (LAST_DAY, (5 + 45 * first) * (0.5 + 1.5 * growth)))
    return _Plan(_COIN if _trades_every_day(symbol) else _MINER, knots)


def _trades_every_day(symbol: str) -> bool:
    return symbol.endswith("-USD")


def _closes(symbol: str, plan: _Plan, days: _Days, scene: _Scene) -> _Floats:
    """The log walk of the symbol, bent in straight lines between knots so that it meets each of them."""
    nature, at = plan.nature, np.searchsorted(scene.days, days)
    common = nature.market_share * scene.market[at] + nature.bitcoin_share * scene.bitcoin[at]
    walk = common + np.cumsum(nature.own_volatility * _normals(f"{symbol} close", days.size))
    knots = np.searchsorted(days, np.array([day for day, _ in plan.knots], dtype="datetime64[D]"))
    levels = np.array([price for _, price in plan.knots])
    bend = np.interp(np.arange(days.size), knots, np.log(levels) - walk[knots])
    closes: _Floats = np.round(np.exp(walk + bend), 4)
    return closes


def _normals(text: str, size: int) -> _Floats:
    """Nearly normal draws of mean 0 and deviation 1, none beyond 3: three uniforms added up, without libm."""
    one, two, three = _uniforms(text, 3, size)
    draws: _Floats = 2 * (one + two + three - 1.5)
    return draws


def _uniforms(text: str, rows: int, size: int) -> _Floats:
    draw = Random(f"{_SEED} {text}").random  # noqa: S311
    return np.array([draw() for _ in range(rows * size)]).reshape(rows, size)
