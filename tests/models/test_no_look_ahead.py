"""A past session replayed with history cut at that session gives the rows it has today.

Each cut history is a symbol of its own (`CLSK@2025-03-05`) beside the full one, so one run of the models covers all.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from dbt_harness import BuiltModels, build_models, daily_bars
from price_series import real_bars, required_bars, walk

CUTS = {"WALK": 20, "CLOSES": 6, "CLSK": 24, "BTC-USD": 6}
WARM_UP_SESSIONS = 20
MARTS = {
    "fct_daily_technicals": ["trade_date"],
    "fct_price_levels": ["trade_date", "level_type", "level_rank"],
}


@pytest.fixture(scope="module")
def cuts() -> dict[str, list[pd.DataFrame]]:
    """For each series the full history, then the same cut at random sessions."""
    given = {
        "WALK": walk("WALK", 500, seed=21),
        "CLOSES": walk("CLOSES", 300, seed=22, closes_only=True),
        "CLSK": real_bars("CLSK"),
        "BTC-USD": real_bars("BTC-USD"),
    }
    rng = np.random.default_rng(20251121)
    histories = {}
    for symbol, bars in given.items():
        if bars is not None:
            ends = np.sort(rng.choice(np.arange(WARM_UP_SESSIONS, len(bars)), CUTS[symbol], replace=False))
            pieces = [bars.iloc[: end + 1] for end in ends]
            named = [piece.assign(symbol=f"{symbol}@{piece['trade_date'].iloc[-1]}") for piece in pieces]
            histories[symbol] = [bars, *named]
    return histories


@pytest.fixture(scope="module")
def replayed(cuts: dict[str, list[pd.DataFrame]], tmp_path_factory: pytest.TempPathFactory) -> BuiltModels:
    """The models on every history at once."""
    bars = pd.concat([piece for pieces in cuts.values() for piece in pieces])
    inputs = {
        "int_daily_bars": daily_bars(bars),
        "int_reference_symbols": pa.table({"symbol": bars["symbol"].unique()}),
    }
    return build_models(tmp_path_factory.mktemp("replay"), MARTS, inputs)


def comparable(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame without the column types pandas chose: a column may be all null in one history only."""
    return frame.astype(object).where(frame.notna(), None)


@pytest.mark.parametrize("mart", MARTS)
@pytest.mark.parametrize("symbol", CUTS)
def test_cut_history_gives_the_same_rows(
    replayed: BuiltModels, cuts: dict[str, list[pd.DataFrame]], symbol: str, mart: str
) -> None:
    """All rows up to the cut, all columns; only the last bits of a sum may differ."""
    if symbol not in cuts:
        required_bars(symbol)
    _, *pieces = cuts[symbol]
    assert len(pieces) == CUTS[symbol]
    order = f"order by {', '.join(MARTS[mart])}"
    full = replayed.query(f"select * exclude (symbol) from marts.{mart} where symbol = ? {order}", [symbol])
    # an indicator that is a difference of prices is as exact as the prices it comes from
    tolerance = 1e-14 * float(cuts[symbol][0]["close"].max())
    compared = 0
    for piece in pieces:
        last_session = pd.Timestamp(piece["trade_date"].iloc[-1])
        name = piece["symbol"].iloc[0]
        then = replayed.query(f"select * exclude (symbol) from marts.{mart} where symbol = ? {order}", [name])
        now = full[full["trade_date"] <= last_session].reset_index(drop=True)
        pd.testing.assert_frame_equal(
            comparable(then), comparable(now), rtol=1e-12, atol=tolerance, check_dtype=False, obj=name
        )
        compared += int((now["trade_date"] == last_session).sum())
    assert compared >= len(pieces)


def test_cut_histories_would_differ_if_a_pivot_were_seen_early(
    replayed: BuiltModels, cuts: dict[str, list[pd.DataFrame]]
) -> None:
    """The replay is a real test: at most cuts, a pivot of the last two sessions is confirmed only afterwards."""
    pivots = replayed.query("select * from intermediate.int_price_pivots where symbol = 'WALK'")
    ends = [pd.Timestamp(piece["trade_date"].iloc[-1]) for piece in cuts["WALK"][1:]]
    pending = [((pivots["pivot_date"] <= end) & (pivots["known_date"] > end)).any() for end in ends]
    assert sum(pending) >= 5
