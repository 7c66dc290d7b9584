"""The same columns as `fct_daily_technicals`, computed by others: Polars, TA-Lib, both together, and a floor.

Each takes the bars out of a DuckDB file and puts its table back into the same file, so that all of them, dbt
included, move the same bytes. The panel lies sorted in its file: no peer is charged a sort.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    import polars as pl

BARS = "intermediate.int_daily_bars"
RETURNS = (1, 5, 21, 63, 252)


def _write(connection: duckdb.DuckDBPyConnection, table: object, name: str) -> None:
    connection.execute("create schema if not exists peers")
    connection.register("computed", table)
    connection.execute(f"create or replace table peers.{name} as select * from computed")
    connection.execute("checkpoint")


def with_polars(database: Path, memory_limit: str) -> None:
    """Polars expressions over `symbol`, averages seeded as TA-Lib does."""
    import polars as pl

    def seeded(values: pl.Expr, alpha: float, periods: int, skip: int = 0) -> pl.Expr:
        row = pl.int_range(pl.len())
        last = skip + periods - 1
        start = pl.when(row == last).then(values.slice(skip, periods).mean()).when(row > last).then(values)
        return start.ewm_mean(alpha=alpha, adjust=False, ignore_nulls=True)

    column = pl.col
    close, before = column("close"), column("close").shift(1)
    gain, loss = (close - before).clip(lower_bound=0), (before - close).clip(lower_bound=0)
    true_range = pl.max_horizontal("high", before) - pl.min_horizontal("low", before)
    fast, slow = seeded(close, 2 / 13, 12, 14), seeded(close, 2 / 27, 26)
    in_symbol = {
        "prev_close": before,
        **{f"sma_{size}": close.rolling_mean(size) for size in (20, 50, 200)},
        "deviation": close.rolling_std(20, ddof=0),
        "ema_12": seeded(close, 2 / 13, 12),
        "ema_26": slow,
        "macd": fast - slow,
        "macd_signal": seeded(fast - slow, 0.2, 9, 25),
        "avg_gain_14": seeded(gain, 1 / 14, 14, 1),
        "avg_loss_14": seeded(loss, 1 / 14, 14, 1),
        "atr_14": seeded(true_range, 1 / 14, 14, 1),
        "high_52w": column("high").rolling_max(252),
        "low_52w": column("low").rolling_min(252),
        "avg_volume_20": column("volume").cast(pl.Float64).rolling_mean(20),
        "volatility_21d_pct": (close / before).log().rolling_std(21) * (252**0.5 * 100),
        **{f"return_{rows}d_pct": 100 * (close / close.shift(rows) - 1) for rows in RETURNS},
    }
    _write_from_polars(database, memory_limit, "polars", in_symbol)


def with_polars_talib(database: Path, memory_limit: str) -> None:
    """TA-Lib as a plugin of Polars: its functions where it has one, expressions of Polars for the rest."""
    import polars as pl
    import polars_talib as ta

    column = pl.col
    close, before = column("close"), column("close").shift(1)
    change = close - before
    macd = ta.macd(close, fastperiod=12, slowperiod=26, signalperiod=9).struct
    bands = ta.bbands(close, timeperiod=20, nbdevup=2.0, nbdevdn=2.0, matype=0).struct
    in_symbol = {
        "prev_close": before,
        **{f"sma_{size}": ta.sma(close, timeperiod=size) for size in (20, 50, 200)},
        "ema_12": ta.ema(close, timeperiod=12),
        "ema_26": ta.ema(close, timeperiod=26),
        "macd": macd.field("macd"),
        "macd_signal": macd.field("macdsignal"),
        "rsi_14": ta.rsi(close, timeperiod=14),
        # TA-Lib has no average of gains alone: a Wilder average is its EMA with 2n - 1 periods
        "avg_gain_14": ta.ema(change.clip(lower_bound=0), timeperiod=27),
        "avg_loss_14": ta.ema((-change).clip(lower_bound=0), timeperiod=27),
        "atr_14": ta.atr(column("high"), column("low"), close, timeperiod=14),
        "deviation": (bands.field("upperband") - bands.field("middleband")) / 2,
        "high_52w": ta.max(column("high"), timeperiod=252),
        "low_52w": ta.min(column("low"), timeperiod=252),
        "avg_volume_20": ta.sma(column("volume").cast(pl.Float64), timeperiod=20),
        "volatility_21d_pct": (close / before).log().rolling_std(21) * (252**0.5 * 100),
        **{f"return_{rows}d_pct": ta.roc(close, timeperiod=rows) for rows in RETURNS},
    }
    _write_from_polars(database, memory_limit, "polars_talib", in_symbol)


def _write_from_polars(database: Path, memory_limit: str, name: str, in_symbol: dict[str, pl.Expr]) -> None:
    """Compute the expressions within each symbol, and from them the columns that need no window."""
    import polars as pl

    column = pl.col
    from_averages = {}
    if "rsi_14" not in in_symbol:
        from_averages["rsi_14"] = 100 * column("avg_gain_14") / (column("avg_gain_14") + column("avg_loss_14"))
    gap, gap_before = column("gap"), column("gap").shift(1).over("symbol")
    rsi = column("rsi_14")
    with duckdb.connect(str(database), config={"memory_limit": memory_limit}) as connection:
        bars = pl.from_arrow(connection.sql(f"from {BARS}").to_arrow_table())
        assert isinstance(bars, pl.DataFrame)
        # categories group faster than text
        bars = bars.with_columns(column("symbol", "price_source").cast(pl.Categorical))
        computed = (
            bars.lazy()
            .with_columns(**{name: value.over("symbol") for name, value in in_symbol.items()})
            .with_columns(
                change_pct=column("return_1d_pct"),
                pct_vs_sma_50=100 * (column("close") / column("sma_50") - 1),
                pct_vs_sma_200=100 * (column("close") / column("sma_200") - 1),
                macd_histogram=column("macd") - column("macd_signal"),
                **from_averages,
                bollinger_upper=column("sma_20") + 2 * column("deviation"),
                bollinger_middle=column("sma_20"),
                bollinger_lower=column("sma_20") - 2 * column("deviation"),
                pct_from_52w_high=100 * (column("close") / column("high_52w") - 1),
                relative_volume=column("volume") / column("avg_volume_20"),
                gap=column("sma_50") - column("sma_200"),
            )
            .with_columns(
                rsi_zone=pl.when(rsi <= 30)
                .then(pl.lit("oversold"))
                .when(rsi >= 70)
                .then(pl.lit("overbought"))
                .when(rsi.is_not_null())
                .then(pl.lit("neutral")),
                sma_cross=pl.when((gap > 0) & (gap_before <= 0))
                .then(pl.lit("golden"))
                .when((gap < 0) & (gap_before >= 0))
                .then(pl.lit("death")),
            )
            .with_columns(
                column("rsi_zone").cast(pl.Enum(["oversold", "neutral", "overbought"])),
                column("sma_cross").cast(pl.Enum(["golden", "death"])),
            )
            .drop("gap", "deviation")
            .collect()
        )
        del bars
        _write(connection, computed.to_arrow(), name)


def from_files(folder: Path, database: Path, memory_limit: str) -> None:
    """What one would write instead of a pipeline: DuckDB reads the CSV files, Polars computes, DuckDB and Parquet.

    No gate, no versions, no tests, nothing point in time; symbol and source are taken from the file's name.
    """
    with duckdb.connect(str(database), config={"memory_limit": memory_limit}) as connection:
        connection.execute("create schema intermediate")
        connection.execute(
            f"""create table {BARS} as
            select parse_filename(filename, true) as symbol, Date as trade_date, Open as open, High as high, Low as low,
                Close as close, cast(Volume as bigint) as volume, 'files' as price_source,
                cast(null as varchar) as price_basis, false as is_repaired, false as is_suspect
            from read_csv('{folder}/*.csv', filename = true, columns = {{'Date': 'date', 'Open': 'double',
                'High': 'double', 'Low': 'double', 'Close': 'double', 'Volume': 'double'}})
            order by symbol, trade_date"""
        )
    with_polars(database, memory_limit)
    with duckdb.connect(str(database), config={"memory_limit": memory_limit}) as connection:
        connection.execute(f"copy peers.polars to '{database.with_suffix('.parquet')}' (format parquet)")


def with_talib(database: Path, memory_limit: str) -> None:
    """NumPy and TA-Lib, symbol by symbol, into columns laid out beforehand."""
    import numpy as np
    import pyarrow as pa
    import talib

    with duckdb.connect(str(database), config={"memory_limit": memory_limit}) as connection:
        bars = connection.sql(f"from {BARS}").to_arrow_table()
        close, high, low, volume = (
            bars[name].to_numpy().astype(float, copy=False) for name in ("close", "high", "low", "volume")
        )
        sizes = connection.sql(f"select count(*) from {BARS} group by symbol order by symbol").fetchall()
        names = [
            *("prev_close", "change_pct", "sma_20", "sma_50", "sma_200", "pct_vs_sma_50", "pct_vs_sma_200"),
            *("ema_12", "ema_26", "macd", "macd_signal", "macd_histogram", "rsi_14", "atr_14"),
            *("bollinger_upper", "bollinger_middle", "bollinger_lower", "high_52w", "low_52w"),
            *("pct_from_52w_high", "avg_volume_20", "relative_volume"),
            *(f"return_{rows}d_pct" for rows in RETURNS),
            *("volatility_21d_pct", "avg_gain_14", "avg_loss_14"),
        ]
        out = {name: np.full(close.size, np.nan) for name in names}
        side = np.zeros(close.size, np.int8)
        start = 0
        with np.errstate(all="ignore"):
            for (size,) in sizes:
                rows = slice(start, start + size)
                c, h, lo, v = close[rows], high[rows], low[rows], volume[rows]
                o = {name: values[rows] for name, values in out.items()}
                change = np.diff(c)
                o["prev_close"][1:] = c[:-1]
                for size_of in (20, 50, 200):
                    o[f"sma_{size_of}"][:] = talib.SMA(c, size_of)
                o["ema_12"][:], o["ema_26"][:] = talib.EMA(c, 12), talib.EMA(c, 26)
                o["macd"][:], o["macd_signal"][:], o["macd_histogram"][:] = talib.MACD(c, 12, 26, 9)
                o["rsi_14"][:], o["atr_14"][:] = talib.RSI(c, 14), talib.ATR(h, lo, c, 14)
                o["bollinger_upper"][:], o["bollinger_middle"][:], o["bollinger_lower"][:] = talib.BBANDS(c, 20, 2, 2)
                o["high_52w"][:], o["low_52w"][:] = talib.MAX(h, 252), talib.MIN(lo, 252)
                o["avg_volume_20"][:] = talib.SMA(v, 20)
                # TA-Lib has no average of gains alone: a Wilder average is its EMA with 2n - 1 periods
                o["avg_gain_14"][1:] = talib.EMA(np.maximum(change, 0), 27)
                o["avg_loss_14"][1:] = talib.EMA(np.maximum(-change, 0), 27)
                o["volatility_21d_pct"][1:] = talib.STDDEV(np.diff(np.log(c)), 21) * (252 * 21 / 20) ** 0.5 * 100
                for back in RETURNS:
                    o[f"return_{back}d_pct"][:] = talib.ROC(c, back)
                above = np.sign(o["sma_50"] - o["sma_200"])
                side[rows][1:] = (above[1:] > 0) & (above[:-1] <= 0)
                side[rows][1:] -= (above[1:] < 0) & (above[:-1] >= 0)
                start += size
            out["change_pct"] = out["return_1d_pct"]
            out["pct_vs_sma_50"] = 100 * (close / out["sma_50"] - 1)
            out["pct_vs_sma_200"] = 100 * (close / out["sma_200"] - 1)
            out["pct_from_52w_high"] = 100 * (close / out["high_52w"] - 1)
            out["relative_volume"] = volume / out["avg_volume_20"]
        rsi = out["rsi_14"]
        zone = np.where(rsi <= 30, 0, np.where(rsi >= 70, 2, 1)).astype(np.int8)
        zones = pa.DictionaryArray.from_arrays(
            pa.array(zone, mask=np.isnan(rsi)), pa.array(["oversold", "neutral", "overbought"])
        )
        crosses = pa.DictionaryArray.from_arrays(
            pa.array((side < 0).astype(np.int8), mask=side == 0), pa.array(["golden", "death"])
        )
        for name, values in out.items():
            bars = bars.append_column(name, pa.array(values, from_pandas=True))
        bars = bars.append_column("rsi_zone", zones).append_column("sma_cross", crosses)
        _write(connection, bars, "talib")


def with_a_copy(database: Path, memory_limit: str) -> None:
    """The floor: a sorted copy of the bars with as many columns, each of full-length doubles."""
    made = ", ".join(f"sqrt(close + {number}) as column_{number}" for number in range(30))
    with duckdb.connect(str(database), config={"memory_limit": memory_limit}) as connection:
        connection.execute("create schema if not exists peers")
        connection.execute(
            f"create or replace table peers.copy as select *, {made}, 'neutral' as zone, null::varchar as crossed "
            f"from {BARS} order by symbol, trade_date"
        )
        connection.execute("checkpoint")


PEERS: dict[str, Callable[[Path, str], None]] = {
    "polars": with_polars,
    "polars_talib": with_polars_talib,
    "talib": with_talib,
    "copy": with_a_copy,
}
