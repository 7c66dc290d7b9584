"""Daily bars for tests of the market models: random walks, and real files where the machine has some."""

import numpy as np
import pandas as pd
import pytest
from dbt_harness import REPO_ROOT

PRICE_FILES = REPO_ROOT.parent / "shared" / "data" / "prices"


def real_bars(symbol: str) -> pd.DataFrame | None:
    """Real bars of a symbol, or nothing where this machine has no price files."""
    path = PRICE_FILES / f"{symbol}.csv"
    if not path.is_file():
        return None
    frame = pd.read_csv(path).rename(columns=str.lower).rename(columns={"date": "trade_date"})
    frame["trade_date"] = pd.to_datetime(frame["trade_date"]).dt.date
    return frame.assign(symbol=symbol)


def required_bars(symbol: str) -> pd.DataFrame:
    """Real bars of a symbol; skips the test where there are none."""
    frame = real_bars(symbol)
    if frame is None:
        pytest.skip(f"no real prices of {symbol} on this machine")
    return frame


def walk(symbol: str, sessions: int, seed: int, *, tick: float = 0.01, closes_only: bool = False) -> pd.DataFrame:
    """A random walk on a price grid; a coarse `tick` gives many equal prices."""
    rng = np.random.default_rng(seed)
    close = 20 * np.exp(np.cumsum(rng.normal(0, 0.04, sessions)))
    opened = close * np.exp(rng.normal(0, 0.02, sessions))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 0.01, sessions)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 0.01, sessions)))
    frame = pd.DataFrame({"open": opened, "high": high, "low": low, "close": close})
    frame = (frame / tick).round().clip(lower=1) * tick
    frame["volume"] = rng.integers(1_000, 90_000, sessions)
    frame.insert(0, "symbol", symbol)
    frame.insert(1, "trade_date", pd.bdate_range("2023-01-02", periods=sessions).date)
    return frame.drop(columns=["open", "high", "low", "volume"]) if closes_only else frame
