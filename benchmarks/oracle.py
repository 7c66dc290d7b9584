"""What TA-Lib says about a set of hard series, and how far `fct_daily_technicals` is from it.

The oracle is TA-Lib wherever it has the function. TA-Lib keeps running sums for its averages and deviations
and loses digits after a large fall, so those are also held against a two-pass oracle in extended precision.
Used by the tests and by the benchmark; `python -m benchmarks.oracle --prices DIR` adds real price files.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import talib

from benchmarks.panel import BAR_COLUMNS
from dagster_project.engine import Engine

DBT_PROJECT = Path(__file__).resolve().parents[1] / "dbt"
MODELS = (
    "int_technicals_stale",
    "int_technical_sessions",
    "int_technical_terms",
    "int_technical_windows",
    "fct_daily_technicals",
)
MART = "marts.fct_daily_technicals"

# A difference of two prices has no digits of its own near zero: it is measured against this share of what it
# is the difference of (the close for the MACD columns, 100 % for percentages).
SMALLEST_SHARE = 1e-4
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Difference:
    """How one column compares with one oracle over all series."""

    column: str
    oracle: str
    rows: int
    largest: float
    null_mismatches: int
    worst: str


# ---------------------------------------------------------------------------------------------------- series


def _series(symbol: str, close: np.ndarray, **columns: np.ndarray) -> pd.DataFrame:
    """One symbol's bars on consecutive weekdays, with a range around the close unless columns are given."""
    rng = np.random.default_rng(len(symbol) + close.size)
    opened = close * np.exp(rng.normal(0, 0.01, close.size))
    spread = close * np.abs(rng.normal(0, 0.01, close.size))
    frame = pd.DataFrame(
        {
            "symbol": symbol,
            "trade_date": pd.to_datetime(np.busday_offset("1960-01-04", np.arange(close.size))),
            "open": opened,
            "high": np.maximum(opened, close) + spread,
            "low": np.minimum(opened, close) * 0.99,
            "close": close,
            "volume": pd.array(rng.lognormal(12, 1, close.size).astype(np.int64), dtype="Int64"),
            "price_source": "made",
            "is_suspect": False,
        }
    )
    return frame.assign(**columns)


def _walk(size: int, seed: int, start: float = 30.0, move: float = 0.02) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return start * np.exp(np.cumsum(rng.normal(0, move, size)))


def made_series() -> pd.DataFrame:
    """Series on which an indicator in SQL can go wrong."""
    long_walk = np.clip(_walk(16_000, 1, move=0.012), 0.0001, 500_000)
    fall = _walk(1_500, 2, start=4_000)
    fall[700:] *= 0.001
    crash_and_back = _walk(3_000, 3, start=100_000)
    crash_and_back[1_000:1_400] *= 1e-6
    ghost = _walk(600, 4)
    ghost[300] = ghost[299]
    flat_then_moving = np.concatenate([np.full(300, 10.1), _walk(300, 5, start=10.1)])
    moving_then_flat = np.concatenate([_walk(300, 6, start=10.1), np.full(1_500, 10.1)])
    tiny = np.round(np.clip(_walk(2_500, 7, start=0.002), 0.0001, None), 4)
    frames = [
        _series("LONG", long_walk),
        _series("THIRTY", _walk(30, 8)),
        *(_series(f"ROWS{size}", _walk(size, size)) for size in (1, 2, 14, 15, 19, 20, 26, 33, 34, 199, 201)),
        *(_series(f"BLOCK{size}", _walk(size, size)) for size in (252, 253, 1_023, 1_024, 1_025, 2_049)),
        _series("FLAT", np.full(2_500, 10.1)),
        _series("FLATSTART", flat_then_moving),
        _series("FLATEND", moving_then_flat),
        _series("RISING", 5.0 * 1.001 ** np.arange(600)),
        _series("FALLING", 5_000.0 * 0.99 ** np.arange(600)),
        _series("FALL999", fall),
        _series("CRASH", crash_and_back),
        _series("TINY", tiny),
        _series("HUGE", np.clip(_walk(2_500, 9, start=300_000, move=0.01), None, 500_000)),
        _series("CENTS", np.round(_walk(5_000, 10), 2)),
    ]
    bar = _series("GHOST", ghost)
    is_ghost = bar.index == 300
    for column in ("open", "high", "low"):
        bar.loc[is_ghost, column] = ghost[299]
    bar.loc[is_ghost, "volume"] = 0
    bar.loc[is_ghost, "is_suspect"] = True
    frames.append(bar)
    flat = frames[19]
    frames[19] = flat.assign(open=10.1, high=10.1, low=10.1)
    nothing = np.full(1_500, np.nan)
    frames.append(
        _series("CLOSEONLY", _walk(1_500, 11, start=30_000)).assign(
            open=nothing, high=nothing, low=nothing, volume=pd.array([pd.NA] * 1_500, dtype="Int64")
        )
    )
    gap = _series("NORANGE", _walk(600, 12))
    gap.loc[310:312, ["open", "high", "low"]] = np.nan
    frames.append(gap)
    return pd.concat(frames, ignore_index=True)


def real_series(folder: Path) -> pd.DataFrame:
    """Price files `SYMBOL.csv` with Date, Close and, mostly, Open, High, Low, Volume."""
    frames = []
    for file in sorted(folder.glob("*.csv")):
        bars = pd.read_csv(file).rename(columns=str.lower)
        frames.append(
            pd.DataFrame(
                {
                    "symbol": file.stem,
                    "trade_date": pd.to_datetime(bars["date"]),
                    **{
                        column: bars[column].astype(float) if column in bars else np.nan
                        for column in ("open", "high", "low", "close")
                    },
                    "volume": bars["volume"].round().astype("Int64") if "volume" in bars else pd.NA,
                    "price_source": "file",
                    "is_suspect": False,
                }
            )
        )
    return pd.concat(frames, ignore_index=True).astype({"volume": "Int64"})


# ---------------------------------------------------------------------------------------------------- oracles


def _windows(values: np.ndarray, size: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(values.astype(np.longdouble), size)


def _padded(known: np.ndarray, rows: int) -> np.ndarray:
    values = np.full(rows, np.nan)
    if known.size:
        values[rows - known.size :] = known
    return values


def _exact_mean(values: np.ndarray, size: int) -> np.ndarray:
    known = _windows(values, size).mean(axis=1) if values.size >= size else np.array([])
    return _padded(known.astype(float), values.size)


def _exact_deviation(values: np.ndarray, size: int, ddof: int) -> np.ndarray:
    if values.size < size:
        return np.full(values.size, np.nan)
    return _padded(_windows(values, size).std(axis=1, ddof=ddof).astype(float), values.size)


def _ago(values: np.ndarray, rows: int) -> np.ndarray:
    return np.concatenate([np.full(min(rows, values.size), np.nan), values[:-rows]])


def talib_values(bars: pd.DataFrame) -> dict[str, np.ndarray]:
    """Every column TA-Lib has a function for, from one symbol's bars."""
    close = bars["close"].to_numpy(float)
    high = bars["high"].fillna(bars["close"]).to_numpy(float)
    low = bars["low"].fillna(bars["close"]).to_numpy(float)
    no_range = bars["high"].isna().to_numpy() | bars["low"].isna().to_numpy()
    volume = bars["volume"].to_numpy(float, na_value=np.nan)
    macd, signal, histogram = talib.MACD(close, 12, 26, 9)
    upper, middle, lower = talib.BBANDS(close, 20, 2, 2)
    values = {
        **{f"sma_{size}": talib.SMA(close, size) for size in (20, 50, 200)},
        "ema_12": talib.EMA(close, 12),
        "ema_26": talib.EMA(close, 26),
        "macd": macd,
        "macd_signal": signal,
        "macd_histogram": histogram,
        "rsi_14": talib.RSI(close, 14) if close.size > 1 else np.full(close.size, np.nan),
        "atr_14": talib.ATR(high, low, close, 14) if close.size > 1 else np.full(close.size, np.nan),
        "bollinger_upper": upper,
        "bollinger_middle": middle,
        "bollinger_lower": lower,
        "high_52w": talib.MAX(high, 252),
        "low_52w": talib.MIN(low, 252),
        "avg_volume_20": np.full(close.size, np.nan) if np.isnan(volume).any() else talib.SMA(volume, 20),
        **{f"return_{n}d_pct": talib.ROC(close, n) for n in (1, 5, 21, 63, 252)},
    }
    for column in ("atr_14", "high_52w", "low_52w"):
        values[column] = np.where(no_range, np.nan, values[column])
    return values


def exact_values(bars: pd.DataFrame) -> dict[str, np.ndarray]:
    """The remaining columns, and those where TA-Lib loses digits, each window summed anew."""
    close = bars["close"].to_numpy(float)
    high = bars["high"].to_numpy(float)
    volume = bars["volume"].to_numpy(float, na_value=np.nan)
    sma = {size: _exact_mean(close, size) for size in (20, 50, 200)}
    deviation = _exact_deviation(close, 20, 0)
    filled = pd.Series(high).fillna(bars["close"].reset_index(drop=True))
    high_52w = np.where(np.isnan(high), np.nan, filled.rolling(252).max().to_numpy())
    with np.errstate(all="ignore"):
        returns = np.log(close / _ago(close, 1))
        average_volume = _exact_mean(volume, 20)
        relative_volume = np.where(average_volume > 0, volume / average_volume, np.nan)
        change = 100 * (close / _ago(close, 1) - 1)
    return {
        **{f"sma_{size}": mean for size, mean in sma.items()},
        "bollinger_upper": sma[20] + 2 * deviation,
        "bollinger_middle": sma[20],
        "bollinger_lower": sma[20] - 2 * deviation,
        "prev_close": _ago(close, 1),
        "change_pct": change,
        "pct_vs_sma_50": 100 * (close / sma[50] - 1),
        "pct_vs_sma_200": 100 * (close / sma[200] - 1),
        "pct_from_52w_high": 100 * (close / high_52w - 1),
        "avg_volume_20": average_volume,
        "relative_volume": relative_volume,
        "return_1d_pct": change,
        "volatility_21d_pct": 100
        * np.sqrt(252)
        * (_padded(_exact_deviation(returns[1:], 21, 1), close.size) if close.size > 1 else change),
    }


def sma_crosses(bars: pd.DataFrame) -> np.ndarray:
    """Golden and death crosses from exact averages; closer than a trillionth is equal."""
    close = bars["close"].to_numpy(float)
    short, long = _exact_mean(close, 50), _exact_mean(close, 200)
    gap = np.where(np.abs(short - long) <= 1e-12 * long, 0.0, short - long)
    before = _ago(gap, 1)
    crosses = np.full(close.size, None, dtype=object)
    crosses[(gap > 0) & (before <= 0)] = "golden"
    crosses[(gap < 0) & (before >= 0)] = "death"
    return crosses


# ---------------------------------------------------------------------------------------------------- comparison


def scale(column: str, close: np.ndarray) -> np.ndarray | float:
    """What a difference of this column is relative to when the value itself is near zero."""
    if column.startswith("macd"):
        return SMALLEST_SHARE * close
    if column.endswith("_pct") or column.startswith("pct_"):
        return SMALLEST_SHARE * 100
    if column == "bollinger_lower":
        return SMALLEST_SHARE * close
    return 0.0


def _symbols(mart: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for symbol, rows in mart.sort_values(["symbol", "trade_date"]).groupby("symbol"):
        yield str(symbol), rows.reset_index(drop=True)


def compare(mart: pd.DataFrame) -> list[Difference]:
    """Compare every numeric column of the mart with its oracles, symbol by symbol."""
    found: dict[tuple[str, str], list[tuple[int, float, int, str]]] = {}
    for symbol, rows in _symbols(mart):
        close = rows["close"].to_numpy(float)
        for oracle, values in (("TA-Lib", talib_values(rows)), ("two-pass", exact_values(rows))):
            for column, expected in values.items():
                ours = rows[column].to_numpy(float, na_value=np.nan)
                nulls = int((np.isnan(ours) != np.isnan(expected)).sum())
                if oracle == "TA-Lib" and column == "avg_volume_20" and rows["volume"].isna().any():
                    nulls = 0
                both = ~np.isnan(ours) & ~np.isnan(expected)
                size = np.maximum(np.abs(expected), scale(column, close))
                with np.errstate(divide="ignore", invalid="ignore"):
                    relative = np.where(ours == expected, 0.0, np.abs(ours - expected) / size)[both]
                largest = float(relative.max()) if relative.size else 0.0
                found.setdefault((column, oracle), []).append((int(both.sum()), largest, nulls, symbol))
    differences = []
    for (column, oracle), parts in found.items():
        worst = max(parts, key=lambda part: part[1])
        differences.append(
            Difference(
                column=column,
                oracle=oracle,
                rows=sum(part[0] for part in parts),
                largest=worst[1],
                null_mismatches=sum(part[2] for part in parts),
                worst=worst[3] if worst[1] else "",
            )
        )
    return differences


def as_table(differences: list[Difference]) -> str:
    """The comparison as a markdown table."""
    lines = [
        "| column | oracle | rows compared | largest relative difference | null mismatches | series |",
        "|---|---|---:|---:|---:|---|",
    ]
    lines += [
        f"| {d.column} | {d.oracle} | {d.rows:,} | {d.largest:.1e} | {d.null_mismatches} | {d.worst} |"
        for d in differences
    ]
    return "\n".join(lines)


# ---------------------------------------------------------------------------------------------------- dbt


def write_bars(database: Path, bars: pd.DataFrame) -> None:
    """Put bars where dbt expects the model `int_daily_bars`."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema if not exists intermediate")
        connection.execute(f"create or replace table intermediate.int_daily_bars ({BAR_COLUMNS})")
        connection.register("bars", bars)
        connection.execute("insert into intermediate.int_daily_bars by name select * from bars")


CallDbt = Callable[[Sequence[str], Mapping[str, str]], tuple[int, str]]
"""Runs a dbt command with these variables added to the environment; gives its exit code and what it printed."""


def dbt_in_a_new_process(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run dbt as a user would."""
    command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *arguments]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def run_models(
    data_dir: Path, *arguments: str, project: Path = DBT_PROJECT, call: CallDbt = dbt_in_a_new_process
) -> Path:
    """Run the technicals' models alone on the bars in `data_dir`; dbt resolves their parent to the table there."""
    database = data_dir / "build" / "warehouse.duckdb"
    environment = Engine(data_dir=data_dir).environment() | {
        "DBT_BUILD_DATABASE": str(database),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    command = [
        *("--quiet", "run"),
        *("--project-dir", str(project), "--profiles-dir", str(project)),
        *("--target-path", str(data_dir / "target"), "--log-path", str(data_dir / "logs")),
        *("--select", *MODELS, *arguments),
    ]
    exit_code, output = call(command, environment)
    if exit_code:
        raise RuntimeError(f"dbt failed:\n{output}")
    return database


def read_mart(database: Path) -> pd.DataFrame:
    """The whole mart in order."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(f"select * from {MART} order by symbol, trade_date").df()


def main() -> int:
    """Run the models over all series and print the comparison; 1 when a value is off."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prices", type=Path, help="folder of real price files to add")
    parser.add_argument("--project", type=Path, default=DBT_PROJECT)
    options = parser.parse_args()
    bars = made_series()
    if options.prices:
        bars = pd.concat([bars, real_series(options.prices)], ignore_index=True)
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        write_bars(data_dir / "build" / "warehouse.duckdb", bars)
        differences = compare(read_mart(run_models(data_dir, project=options.project)))
    print(as_table(differences))
    return int(any(d.largest > TOLERANCE or d.null_mismatches for d in differences))


if __name__ == "__main__":
    raise SystemExit(main())
