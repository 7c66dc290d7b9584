"""Comparison, history, funnel and worksheet of the published file against pandas and sums by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from bi import charts, questions
from bi.published import PublishedFile

if TYPE_CHECKING:
    from conftest import Pipeline

SINCE, UNTIL = dt.date(2025, 5, 1), dt.date(2025, 11, 24)


@pytest.fixture
def published(sample: Pipeline) -> PublishedFile:
    """The published file of the sample."""
    return PublishedFile(sample.settings.published_database)


@pytest.fixture
def closes(published: PublishedFile) -> pd.DataFrame:
    """Closes on exchange sessions, one column per symbol."""
    rows = published.query(
        """
        select symbol, trade_date, close from fct_daily_technicals
        where trade_date between $since and $until and trade_date in (select session_date from dim_sessions)
        """,
        {"since": SINCE, "until": UNTIL},
    ).to_pandas()
    sessions = published.query(
        "select session_date from dim_sessions where session_date between $since and $until order by all",
        {"since": SINCE, "until": UNTIL},
    ).to_pandas()["session_date"]
    return rows.pivot_table(index="trade_date", columns="symbol", values="close").reindex(sessions)


def test_returns_volatility_and_falls_are_those_of_pandas(published: PublishedFile, closes: pd.DataFrame) -> None:
    told = questions.price_returns(published, SINCE, UNTIL).to_pandas().set_index("symbol")
    assert set(told.index) == set(closes.columns)
    for symbol, own in closes.items():
        whole = own.dropna()
        moves = np.log(own / own.shift()).dropna()
        expected = {
            "sessions": len(whole),
            "return_pct": 100 * (whole.iloc[-1] / whole.iloc[0] - 1),
            "volatility_pct": 100 * np.sqrt(252) * moves.std(),
            "largest_drawdown_pct": 100 * (whole / whole.cummax() - 1).min(),
        }
        assert told.loc[symbol, list(expected)].astype(float).to_dict() == pytest.approx(expected), symbol


def test_correlation_is_that_of_pandas_and_none_below_twenty_returns(
    published: PublishedFile, closes: pd.DataFrame
) -> None:
    symbols = tuple(closes.columns[:4])
    told = questions.price_correlation(published, SINCE, UNTIL, symbols).to_pandas()
    moves = np.log(closes / closes.shift())[list(symbols)].corr()
    for row in told.itertuples():
        assert row.correlation == pytest.approx(moves.loc[row.symbol, row.other_symbol])
    few = questions.price_correlation(published, dt.date(2025, 11, 10), UNTIL, symbols).to_pandas()
    assert len(few) and few["correlation"].isna().all()


def test_a_history_lies_within_its_bands(published: PublishedFile) -> None:
    told = questions.valuation_history(published, "CLSK", SINCE, UNTIL).to_pandas()
    assert set(told["measure"]) <= {
        "ev_per_critical_it_mw",
        "ev_per_planned_critical_it_mw",
        "mean_price_target",
        "consensus_upside",
    }
    own = told[told["measure"] == "mean_price_target"]
    for band in (10, 25, 50, 75, 90):
        assert own[f"percentile_{band}"].iloc[0] == pytest.approx(np.percentile(own["measured"], band))
    rank = (own["measured"].rank(method="min") - 1) / (len(own) - 1) * 100
    assert own["percentile_rank"].tolist() == pytest.approx(rank.tolist())
    assert not (told["trade_date"] > UNTIL).any()


def test_a_worksheet_adds_up_and_takes_what_is_known_for_what_is_not_asked(published: PublishedFile) -> None:
    asked = questions.value_worksheet(published, "CLSK", UNTIL, 10e6, 500, 1e9, 2_000, 90_000, 25).to_pylist()[0]
    shares = asked["shares_outstanding"] * 1.25
    assert asked["value_per_share_usd"] == pytest.approx((5e9 - 1e9 + 2_000 * 90_000) / shares)
    assert asked["upside_pct"] == pytest.approx(100 * (asked["value_per_share_usd"] / asked["close"] - 1))
    known = questions.value_worksheet(published, "CLSK", UNTIL, 10e6, 500).to_pylist()[0]
    same = published.query("select * from mw_value('CLSK', $day, 10e6, 500)", {"day": UNTIL}).to_pylist()[0]
    for name in ("net_debt_usd", "btc_value_usd", "value_per_share_usd", "upside_pct"):
        assert known[name] == pytest.approx(same[name]), name
    asked_power = "select greatest(gross_power_mw, energized_gross_mw) from capacity_asof($day) where symbol = 'CLSK'"
    power = published.query(asked_power, {"day": UNTIL})[0][0].as_py()
    for share, is_fraction in ((0.49, True), (0.5, False)):
        part = questions.value_worksheet(published, "CLSK", UNTIL, 10e6, share * power).to_pylist()[0]
        assert part["mw_pct_of_power"] == pytest.approx(100 * share)
        assert part["is_fraction_of_company"] == is_fraction


def test_the_funnel_holds_the_capacity_of_the_day(published: PublishedFile) -> None:
    told = (
        questions.capacity_funnel(published, UNTIL)
        .to_pandas()
        .pivot_table(index="symbol", columns="stage", values="mw", dropna=False)
    )
    capacity = published.query("select * from capacity_asof($day)", {"day": UNTIL}).to_pandas().set_index("symbol")
    for stage, column in {
        "approved_power": "gross_power_mw",
        "planned": "planned_critical_it_mw",
        "leased": "contracted_critical_it_mw",
        "live": "energized_gross_mw",
    }.items():
        pd.testing.assert_series_equal(told[stage], capacity[column], check_names=False)


def _drawn(published: PublishedFile) -> Iterator[object]:
    yield charts.comparison_chart(questions.price_comparison(published, SINCE, UNTIL, ("CLSK", "QQQ")))
    history = questions.valuation_history(published, "CLSK", SINCE, UNTIL).to_pandas()
    yield charts.history_chart(history[history["measure"] == "mean_price_target"], "USD a share", is_log=True)
    stages = questions.capacity_funnel(published, UNTIL).to_pandas()
    yield charts.funnel_chart(stages[stages["symbol"] == "CLSK"])
    yield charts.lease_chart(questions.lease_economics(published, UNTIL).to_pandas().drop_duplicates("deal_id"))
    parts = pd.DataFrame({"part": ["MW", "Less net debt"], "usd_per_share": [20.0, -4.5]})
    yield charts.parts_chart(parts, 11.0)


def test_the_new_charts_are_valid_and_a_wheel_without_shift_moves_the_page(published: PublishedFile) -> None:
    for chart in _drawn(published):
        drawn = chart.to_dict()  # type: ignore[attr-defined]  # raises where the schema is broken
        for asked in drawn.get("params", []):
            assert "shiftKey" in asked["select"]["zoom"]


def test_a_missing_part_is_refused_and_a_sum_is_the_last_bar() -> None:
    parts = pd.DataFrame({"part": ["MW", "Less net debt"], "usd_per_share": [20.0, float("nan")]})
    with pytest.raises(charts.ChartError, match="missing"):
        charts.parts_chart(parts, None)
    whole = charts.parts_chart(parts.fillna(-4.5), None).to_dict()
    (rows,) = [rows for rows in whole["datasets"].values() if len(rows) == 3]
    assert (rows[-1]["usd_per_share"], rows[1]["from"], rows[1]["to"]) == (15.5, 20.0, 15.5)
