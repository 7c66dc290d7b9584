"""A deterministic market-sized panel of daily bars.

Only numbers are made here: 6,700 invented symbols with uneven histories of 30 to 16,000 sessions, all
ending on the same session, so that "one new session for every symbol" is a well-defined day. The same
seed gives the same bars on every machine, so results can be compared between runs.
"""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import csv

SYMBOLS = 6_700
ROWS = 20_300_000
LONGEST = 16_000
SHORTEST = 30
SEED = 20_251_121

BAR_COLUMNS = (
    "symbol varchar, trade_date date, open double, high double, low double, close double, "
    "volume bigint, price_source varchar, price_basis varchar, is_repaired boolean, is_suspect boolean"
)


def history_lengths(symbols: int, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Draw history lengths that add up to `rows`: many short ones, a few as long as the market."""
    if symbols * SHORTEST > rows or rows > symbols * LONGEST:
        raise ValueError(f"{symbols} symbols cannot share {rows} rows")
    drawn = rng.gamma(1.1, 1.0, symbols)
    low, high = 0.0, float(rows)
    # the scale that makes the clipped lengths add up, by bisection: clipping makes the sum non-linear
    for _ in range(200):
        scale = (low + high) / 2
        if np.clip(drawn * scale, SHORTEST, LONGEST).sum() < rows:
            low = scale
        else:
            high = scale
    lengths = np.clip(drawn * high, SHORTEST, LONGEST).astype(np.int64)
    lengths[np.argmax(lengths)] = LONGEST
    short = rows - int(lengths.sum())
    while short:
        step = np.sign(short)
        room = np.flatnonzero((lengths + step >= SHORTEST) & (lengths + step < LONGEST))[: abs(short)]
        lengths[room] += step
        short -= step * room.size
    return lengths


def session_calendar(sessions: int) -> np.ndarray:
    """The last `sessions` weekdays up to 2025-11-21."""
    return np.busday_offset("2025-11-21", np.arange(1 - sessions, 1))


def bars(symbols: int, rows: int, seed: int = SEED) -> pa.Table:
    """Random walks with fat tails, quiet days, gaps and prices from fractions of a cent to 500,000."""
    rng = np.random.default_rng(seed)
    lengths = history_lengths(symbols, rows, rng)
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    symbol_of_row = np.repeat(np.arange(symbols), lengths)
    row_in_symbol = np.arange(rows) - starts[symbol_of_row]
    calendar = session_calendar(int(lengths.max()))
    trade_date = calendar[calendar.size - lengths[symbol_of_row] + row_in_symbol]

    daily_move = rng.standard_t(4, rows) * np.repeat(rng.uniform(0.005, 0.04, symbols), lengths) / 1.4
    daily_move[rng.random(rows) < 0.01] = 0.0
    daily_move = np.clip(daily_move, -0.6, 0.6)
    walk = np.cumsum(daily_move)
    walk -= np.repeat(walk[starts], lengths)
    # a long walk must stay a price: pull it back with a straight line to a plausible last price
    last = starts + lengths - 1
    first_price = np.exp(rng.normal(3.0, 1.5, symbols))
    drift = np.log(np.clip(first_price * np.exp(walk[last]), 0.01, 5_000)) - np.log(first_price) - walk[last]
    walk += np.repeat(drift, lengths) * row_in_symbol / np.repeat(np.maximum(lengths - 1, 1), lengths)
    close = np.round(np.clip(np.repeat(first_price, lengths) * np.exp(walk), 0.0001, 500_000), 4)
    spread = close * np.abs(rng.normal(0, 0.012, rows))
    opened = np.round(close * np.exp(rng.normal(0, 0.008, rows)), 4)
    opened = np.maximum(opened, 0.0001)
    high = np.round(np.maximum(opened, close) + spread, 4)
    low = np.maximum(np.round(np.minimum(opened, close) - spread * 0.8, 4), 0.0001)
    volume = rng.lognormal(12, 1.5, rows).astype(np.int64)
    names = pa.array([f"S{number:05d}" for number in range(symbols)])
    return pa.table(
        {
            "symbol": pa.DictionaryArray.from_arrays(symbol_of_row.astype(np.int32), names),
            "trade_date": trade_date,
            "open": opened,
            "high": high,
            "low": low,
            "close": close,
            "volume": volume,
            "price_source": pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array(["panel"])),
            "price_basis": pa.nulls(rows, pa.string()),
            "is_repaired": np.zeros(rows, bool),
            "is_suspect": np.zeros(rows, bool),
        }
    )


def build(path: Path, symbols: int = SYMBOLS, rows: int = ROWS) -> Path:
    """Write the panel as `intermediate.int_daily_bars` of a DuckDB file, once; later calls reuse it."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    panel = bars(symbols, rows)  # noqa: F841 - DuckDB reads it by its name
    with duckdb.connect(str(unfinished)) as connection:
        connection.execute("create schema intermediate")
        connection.execute(f"create table intermediate.int_daily_bars ({BAR_COLUMNS})")
        connection.execute("insert into intermediate.int_daily_bars select * from panel")
    unfinished.rename(path)
    return path


def write_files(folder: Path, symbols: int, rows: int) -> Path:
    """Write the panel as one CSV file per symbol, as a vendor exports them, once; later calls reuse the folder."""
    if folder.exists():
        return folder
    unfinished = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    names = ["symbol", "trade_date", "open", "high", "low", "close", "volume"]
    panel = (
        bars(symbols, rows).select(names).rename_columns(["symbol", "Date", "Open", "High", "Low", "Close", "Volume"])
    )
    starts = [0, *(np.flatnonzero(np.diff(panel["symbol"].combine_chunks().indices.to_numpy())) + 1), panel.num_rows]
    for start, end in itertools.pairwise(starts):
        symbol = panel["symbol"][int(start)].as_py()
        one = panel.slice(int(start), int(end - start)).drop_columns("symbol")
        csv.write_csv(one, unfinished / f"{symbol}.csv", csv.WriteOptions(quoting_style="none"))
    unfinished.rename(folder)
    return folder


def hold_back_last_session(folder: Path) -> dict[Path, str]:
    """Take the last line out of every file; `append` puts it back as the next day's delivery."""
    held = {}
    for path in sorted(folder.glob("*.csv")):
        *lines, last = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines))
        held[path] = last
    return held


def append(lines: dict[Path, str]) -> None:
    """Put a line at the end of each file."""
    for path, line in lines.items():
        with path.open("a") as file:
            file.write(line)
