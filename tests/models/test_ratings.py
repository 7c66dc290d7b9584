"""The rating marts: what the price did after a note, and what the firms thought on each day.

Returns are held against a second calculation in pandas on real prices (skipped where there are none); the past is
replayed with history cut, on made-up prices and facts that were corrected once.
"""

import csv
import datetime as dt
import shutil
import statistics
from pathlib import Path

import pandas as pd
import pytest
from facts_warehouse import FIRST_LOAD, REFERENCE, FactsWarehouse, build, cut, made_up_prices
from yahoo_frames import frame, note

from dagster_project.contracts.batch import Batch
from dagster_project.sessions import exchange_sessions
from dagster_project.sources.ratings.base import RatingRequest
from dagster_project.sources.ratings.yahoo import YahooRatings

HORIZONS = (1, 5, 21)
NOTE_DAY = dt.date(2025, 11, 24)
FIRST = dt.datetime(2025, 7, 1, 12)  # noqa: DTZ001 - load times are naive UTC
SECOND = dt.datetime(2025, 11, 28, 12)  # noqa: DTZ001 - as above


def exchange_days() -> list[dt.date]:
    """Real sessions, also those of the future."""
    days: list[dt.date] = exchange_sessions(end=dt.date(2027, 12, 31))["session_date"].to_pylist()
    return days


@pytest.fixture(scope="module")
def bars(real_prices: Path) -> pd.DataFrame:
    """The real closes."""
    frames = []
    for path in sorted(real_prices.glob("*.csv")):
        frame = pd.read_csv(path).rename(columns=str.lower).rename(columns={"date": "trade_date"})
        frames.append(frame.assign(symbol=path.stem, trade_date=pd.to_datetime(frame["trade_date"]).dt.date))
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def real(bars: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> FactsWarehouse:
    """The reference facts with real prices and real sessions."""
    return build(tmp_path_factory.mktemp("real"), {FIRST_LOAD: REFERENCE}, bars, exchange_days())


@pytest.fixture(scope="module")
def replayable(tmp_path_factory: pytest.TempPathFactory) -> FactsWarehouse:
    """Made-up prices; the facts were loaded, and later one note corrected, one withdrawn and one added.

    Yahoo has some of the notes too, one of them a day earlier, one that only differs in its target, and two of its own.
    """
    corrected = tmp_path_factory.mktemp("reference") / "reference"
    shutil.copytree(REFERENCE, corrected)
    path = corrected / "rating_changes.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    by_key = {(row["rating_date"], row["ticker"], row["firm"]): row for row in rows}
    by_key["2025-10-22", "IREN", "B. Riley"]["price_target_new"] = "70"
    del by_key["2025-11-24", "CIFR", "JPMorgan"]
    by_key["2025-10-14", "CLSK", "Late"] = by_key["2025-10-13", "CLSK", "BTIG"] | {
        "rating_date": "2025-10-14", "firm": "Late", "price_target_new": "30",
    }  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(by_key.values())
    prices = made_up_prices(dt.date(2025, 5, 1), dt.date(2026, 6, 30))
    yahoo = {FIRST: yahoo_ratings(needham=25), SECOND: yahoo_ratings(needham=26)}
    folder = tmp_path_factory.mktemp("replay")
    return build(folder, {FIRST: REFERENCE, SECOND: corrected}, prices, yahoo_ratings=yahoo)


def yahoo_ratings(needham: float) -> Batch:
    """What Yahoo says; its target of Needham is corrected later."""
    histories = {
        # the reference data has these on 24 November
        "CIFR": [note("2025-11-24T13:00:00", "JP Morgan", "up", "Neutral > Overweight", (12.0, 17.0))],
        "CLSK": [
            note("2025-11-23T20:00:00", "JP Morgan", "up", "Neutral > Overweight", (14.0, 14.0)),
            note("2025-11-12T13:00:00", "Needham & Company", "main", "Buy > Buy", (23.0, needham)),
        ],
        "IREN": [note("2026-02-03T13:00:00", "Some Broker", "init", " > Tender", (0.0, 50.0))],
    }
    frames = {symbol: frame(history) for symbol, history in histories.items()}
    return YahooRatings(frames.__getitem__).fetch(RatingRequest(tuple(frames)))


def window_return(closes: dict[dt.date, float], days: list[dt.date]) -> float | None:
    """Last close of the days against the first, in percent; nothing where one is missing."""
    prices = [closes.get(day) for day in days]
    return None if None in prices else 100 * (prices[-1] - prices[0]) / prices[0]  # type: ignore[operator]


def test_the_day_of_the_note(real: FactsWarehouse) -> None:
    """JPMorgan's note of 24 November 2025: a Monday, so everything is measured from Friday's close.

    CleanSpark was quoted up 13.87 % at 11.08 in the morning; it closed at 11.48.
    """
    rows = real.query(
        f"select * from marts.fct_rating_changes where rating_date = '{NOTE_DAY}' and firm = 'JPMorgan'"
    ).set_index("symbol")
    assert sorted(rows.index) == ["CIFR", "CLSK", "IREN", "MARA", "RIOT"]
    for symbol, before, after in (
        ("CLSK", 9.73, 11.48),
        ("IREN", 42.259998, 48.490002),
        ("MARA", 10.07, 11.21),
        ("RIOT", 12.71, 13.88),
    ):
        row = rows.loc[symbol]
        assert row["close_before"] == pytest.approx(before)
        assert row["return_1d_pct"] == pytest.approx(100 * (after / before - 1))
        assert row["implied_upside_pct"] == pytest.approx(100 * (row["price_target_new"] / before - 1))
        assert row["return_1d_known_date"].date() == NOTE_DAY
        assert row["return_21d_known_date"].date() == dt.date(2025, 12, 23), "Thanksgiving is no session"
        assert row["basket_1d_miners"] == 4
    assert 100 * (11.08 / rows.loc["CLSK", "close_before"] - 1) == pytest.approx(13.87, abs=0.01)
    # CORZ closed at 14.73 and 15.75
    others = [48.490002 / 42.259998, 11.21 / 10.07, 13.88 / 12.71, 15.75 / 14.73]
    basket = 100 * (statistics.mean(others) - 1)
    clsk = rows.loc["CLSK"]
    assert clsk["abnormal_return_1d_pct"] == pytest.approx(100 * (11.48 / 9.73 - 1) - basket)
    without_price = rows.loc["CIFR"]
    assert without_price["price_target_new"] == 18
    for column in ("close_before", "implied_upside_pct", "return_1d_pct", "abnormal_return_1d_pct", "basket_1d_miners"):
        assert pd.isna(without_price[column])


def test_returns_of_every_note_against_pandas(real: FactsWarehouse, bars: pd.DataFrame) -> None:
    closes = {
        str(symbol): dict(zip(rows["trade_date"], rows["close"], strict=True))
        for symbol, rows in bars.groupby("symbol")
    }
    with (REFERENCE / "companies.csv").open(newline="", encoding="utf-8") as file:
        miners = [row["ticker"] for row in csv.DictReader(file) if row["instrument_type"] == "miner"]
    sessions = exchange_days()
    rows = real.query("select * from marts.fct_rating_changes order by rating_date, symbol, firm")
    assert len(rows) == len((REFERENCE / "rating_changes.csv").read_text().splitlines()) - 1
    compared = dict.fromkeys(HORIZONS, 0)
    for row in rows.to_dict("records"):
        day, symbol = row["rating_date"].date(), row["symbol"]
        base = max(number for number, session in enumerate(sessions) if session < day)
        assert row["prior_session_date"].date() == sessions[base]
        before = closes.get(symbol, {}).get(sessions[base])
        assert_same(row["close_before"], before)
        for horizon in HORIZONS:
            window = sessions[base : base + horizon + 1]
            own = window_return(closes.get(symbol, {}), window)
            others = [window_return(closes.get(miner, {}), window) for miner in miners if miner != symbol]
            complete = [other for other in others if other is not None]
            assert_same(row[f"return_{horizon}d_pct"], own)
            abnormal = own - statistics.mean(complete) if own is not None and complete else None
            assert_same(row[f"abnormal_return_{horizon}d_pct"], abnormal)
            if own is not None:
                assert row[f"basket_{horizon}d_miners"] == len(complete)
                assert row[f"return_{horizon}d_known_date"].date() == window[-1]
                compared[horizon] += 1
    assert min(compared.values()) >= 50


def assert_same(actual: float | None, expected: float | None) -> None:
    if expected is None:
        assert pd.isna(actual)
    else:
        assert actual == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_consensus_of_every_day_against_plain_loops(real: FactsWarehouse, bars: pd.DataFrame) -> None:
    with (REFERENCE / "rating_changes.csv").open(newline="", encoding="utf-8") as file:
        notes = sorted(csv.DictReader(file), key=lambda published: published["rating_date"])
    with (REFERENCE / "rating_scale.csv").open(newline="", encoding="utf-8") as file:
        scale = {row["rating"]: int(row["score"]) for row in csv.DictReader(file)}
    with (REFERENCE / "firm_aliases.csv").open(newline="", encoding="utf-8") as file:
        firm_of = {row["alias"].lower(): row["firm"] for row in csv.DictReader(file)}
    rows = real.query("select * from marts.fct_consensus_daily").to_dict("records")
    answers = {(row["symbol"], row["trade_date"].date()): row for row in rows}
    last = max(bars.loc[~bars["symbol"].eq("BTC-USD"), "trade_date"])
    expected_rows = 0
    for day in [day for day in exchange_days() if dt.date(2024, 10, 1) <= day <= last]:
        in_force: dict[str, dict[str, dict[str, str]]] = {}
        for published in notes:
            age = (day - dt.date.fromisoformat(published["rating_date"])).days
            if 0 <= age < 365:
                firm = firm_of.get(published["firm"].lower(), published["firm"])
                in_force.setdefault(published["ticker"], {})[firm] = published
        expected_rows += len(in_force)
        for symbol, firms in in_force.items():
            row = answers[symbol, day]
            quoted = [published["price_target_new"] for published in firms.values()]
            targets = [float(target) for target in quoted if target]
            assert (row["rated_firms"], row["firms_with_target"]) == (len(firms), len(targets))
            assert row["mean_score"] == pytest.approx(
                statistics.mean(scale[published["to_rating"].lower()] for published in firms.values())
            )
            assert_same(row["mean_price_target"], statistics.mean(targets) if targets else None)
            assert_same(row["median_price_target"], statistics.median(targets) if targets else None)
            assert_same(row["high_price_target"], max(targets, default=None))
            assert_same(row["low_price_target"], min(targets, default=None))
    assert len(rows) == expected_rows > 2000


@pytest.mark.parametrize(
    "day",
    [
        *[day.date() for day in pd.date_range("2025-07-03", "2026-06-26", periods=10)],
        NOTE_DAY,
        SECOND.date() - dt.timedelta(days=1),
        SECOND.date(),
    ],
    ids=str,
)
def test_replay(replayable: FactsWarehouse, day: dt.date) -> None:
    consensus = f"select * from marts.fct_consensus_daily where trade_date <= '{day}' order by symbol, trade_date"
    returns = "select * from marts.fct_rating_changes order by symbol, rating_date, firm"
    believed = f"""
        select symbol, rating_date, firm, price_target_new from marts.fct_rating_changes_history
        where believed_from_date <= '{day}' and (believed_to_date is null or believed_to_date > '{day}') order by all"""
    with cut(replayable, day) as connection:
        then, notes, known = (connection.execute(query).df() for query in (consensus, returns, believed))
    assert len(then) > 300
    pd.testing.assert_frame_equal(replayable.query(consensus), then)
    pd.testing.assert_frame_equal(replayable.query(believed), known)

    # of the returns, those whose window had ended were known, and no other
    key = ["symbol", "rating_date", "firm"]
    both = notes.merge(replayable.query(returns), on=key, suffixes=("_then", ""))
    for horizon in HORIZONS:
        ended = both[f"return_{horizon}d_known_date"] <= pd.Timestamp(day)
        for column in (f"return_{horizon}d_pct", f"abnormal_return_{horizon}d_pct"):
            assert both.loc[~ended, f"{column}_then"].isna().all()
            pd.testing.assert_series_equal(
                both.loc[ended, f"{column}_then"], both.loc[ended, column], check_names=False, check_dtype=False
            )


def test_a_note_is_in_force_for_365_days_its_own_being_the_first(replayable: FactsWarehouse) -> None:
    """The macro that readers ask and the consensus mean the same notes, on the last day too."""
    edges = replayable.query(
        """
        with notes as (select distinct rating_date from marts.fct_rating_changes_history),
        edges as (select rating_date + 364 as day from notes union select rating_date + 365 from notes)

        select session_date from marts.dim_sessions where session_date in (select day from edges)
        and session_date <= (select max(trade_date) from marts.fct_consensus_daily)
        """
    )["session_date"]
    assert len(edges) > 4
    for day in [pd.Timestamp(NOTE_DAY), *edges]:
        asked = replayable.query(
            f"select symbol, count(distinct firm) as rated_firms, max(date '{day:%Y-%m-%d}' - rating_date) as age "
            f"from marts.ratings_asof('{day:%Y-%m-%d}') where is_in_force group by symbol order by symbol"
        )
        consensus = replayable.query(
            "select symbol, rated_firms from marts.fct_consensus_daily "
            f"where trade_date = '{day:%Y-%m-%d}' order by symbol"
        )
        assert asked[["symbol", "rated_firms"]].to_numpy().tolist() == consensus.to_numpy().tolist(), day
        assert asked["age"].max() <= 364


def test_the_last_note_is_that_of_the_snapshot(replayable: FactsWarehouse) -> None:
    for day in ("2025-07-28", str(NOTE_DAY), "2025-11-28"):
        snapshot = replayable.query(
            f"select * from marts.miner_snapshot_asof('{day}') where last_rating_date is not null"
        )
        notes = replayable.query(f"select * from marts.ratings_asof('{day}')")
        last = notes[notes["recency"] == 1].set_index("symbol")
        for row in snapshot.to_dict("records"):
            note = last.loc[row["symbol"]]
            assert (row["last_rating_date"], row["last_rating_firm"]) == (note["rating_date"], note["firm"])
        for _, own in notes.groupby("symbol"):
            assert own.sort_values("recency")["rating_date"].is_monotonic_decreasing
            assert own["recency"].to_list() == list(range(1, len(own) + 1))


def test_a_correction_counts_from_its_loading(replayable: FactsWarehouse) -> None:
    """B. Riley's target of 74 became 70, the note on CIFR was withdrawn, that on CLSK added late."""
    days = replayable.query(
        "select symbol, trade_date, rated_firms, firms_with_target * mean_price_target as targets "
        "from marts.fct_consensus_daily where trade_date in ('2025-11-27', '2025-11-28')"
    ).set_index(["symbol", "trade_date"])
    before, after = (days.xs(pd.Timestamp(day), level="trade_date") for day in ("2025-11-27", "2025-11-28"))
    assert before.loc["IREN", "targets"] - after.loc["IREN", "targets"] == pytest.approx(4)
    # with the curated note withdrawn, Yahoo's target of 17 stands in place of 18
    assert before.loc["CIFR", "targets"] - after.loc["CIFR", "targets"] == pytest.approx(1)
    assert before.loc["CIFR", "rated_firms"] == after.loc["CIFR", "rated_firms"]
    # a note added late counts from its own day on both; so does Needham's, which is curated: Yahoo's 26 never counts
    assert before.loc["CLSK", "rated_firms"] == after.loc["CLSK", "rated_firms"]
    assert after.loc["CLSK", "targets"] == before.loc["CLSK", "targets"]


def test_the_curated_note_wins_and_the_rest_of_yahoo_is_added(replayable: FactsWarehouse) -> None:
    current = replayable.query("select * from marts.fct_rating_changes where rating_source = 'yahoo'")
    rows = current.set_index(["symbol", "firm"])
    assert sorted(rows.index) == [("CIFR", "JPMorgan"), ("CLSK", "Needham"), ("IREN", "Some Broker")]
    assert rows["source_tier"].tolist() == [2, 2, 2]
    assert pd.isna(rows.loc[("IREN", "Some Broker"), "to_score"])
    clsk = replayable.query(
        "select * from marts.fct_rating_changes "
        "where symbol = 'CLSK' and firm = 'JPMorgan' and rating_date > '2025-11-01'"
    )
    assert [(row["rating_source"], row["rating_date"].date()) for row in clsk.to_dict("records")] == [
        ("curated", NOTE_DAY)
    ]
    # the Sunday on which only Yahoo had it
    history = replayable.query(
        "select * from marts.fct_rating_changes_history where symbol = 'CLSK' and firm = 'JPMorgan' "
        "and rating_source = 'yahoo'"
    )
    assert [row["believed_to_date"].date() for row in history.to_dict("records")] == [NOTE_DAY]


def test_conflicts_and_unknown_words_are_listed(replayable: FactsWarehouse) -> None:
    words = replayable.query("select rating, rating_source, uses from intermediate.int_rating_unknown_words")
    assert words.to_numpy().tolist() == [["tender", "yahoo", 1]]
    with cut(replayable, dt.date(2025, 11, 27)) as connection:
        conflicts = connection.execute(
            "select symbol, firm, curated_price_target, other_price_target from intermediate.int_rating_conflicts"
        ).fetchall()
    assert conflicts == [("CIFR", "JPMorgan", 18.0, 17.0)]
    # the curated note was withdrawn the day after
    assert replayable.query("select * from intermediate.int_rating_conflicts").empty


def test_nothing_about_the_past_reads_what_came_after(replayable: FactsWarehouse) -> None:
    """Forward-looking returns reach one mart and nothing behind it."""
    reached = {"int_forward_returns"}
    for node in replayable.models():
        if {parent.rsplit(".", 1)[-1] for parent in node["depends_on"]["nodes"]} & reached:
            reached.add(node["name"])
    assert reached == {"int_forward_returns", "int_rating_returns", "fct_rating_changes"}
