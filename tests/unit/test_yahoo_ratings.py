"""Ratings from Yahoo: frames as yfinance gives them become rows that the gate can judge."""

import csv
import datetime as dt

import pandas as pd
import pytest
from yahoo_frames import frame, note

from dagster_project.contracts.batch import Batch
from dagster_project.contracts.ratings import YAHOO_RATING_CHANGES
from dagster_project.gate.gate import judge
from dagster_project.settings import PROJECT_DIR
from dagster_project.sources.base import EmptyFetchError, RateLimitedError, SwitchedOffError
from dagster_project.sources.ratings.base import NoRatings, RatingRequest
from dagster_project.sources.ratings.yahoo import YahooRatings

KNOWN = {"companies": frozenset({"CLSK", "CIFR"})}
TODAY = dt.date(2025, 11, 25)
# every word that the users of Yahoo's API have met in `toGrade` (the schema of the yahoo-finance2 project lists them)
YAHOO_GRADES = """
Accumulate, Add, Average, Below Average, Buy, Conviction Buy, Equal-Weight, Fair Value, Equal-weight, Long-term Buy,
Hold, Long-Term Buy, Market Outperform, Market Perform, Mixed, Negative, Neutral, In-Line, Outperform, Overweight,
Peer Perform, Perform, Positive, Reduce, Sector Outperform, Sector Perform, Sector Weight, Sell, Strong Buy, Top Pick,
Underperform, Underperformer, Underweight, Trim, Above Average, In-line, Outperformer, OVerweight, Cautious,
Market Weight, Sector Underperform, Market Underperform, Peer perform, Gradually Accumulate, Action List Buy, Performer,
Sector Performer, Speculative Buy, Strong Sell, Speculative Hold, Not Rated, Hold Neutral, Developing, buy, HOld,
Trading Sell, Tender, market perform, BUy
"""
UPGRADE = note("2025-11-24T12:15:00", "JP Morgan", "up", "Neutral > Overweight", (14.0, 14.0))


def fetch(frames: dict[str, pd.DataFrame]) -> Batch:
    """Ratings of those companies from those frames."""
    return YahooRatings(frames.__getitem__).fetch(RatingRequest(tuple(frames)))


def test_a_frame_becomes_rows() -> None:
    history = [UPGRADE, note("2025-11-26T15:00:00", "B. Riley Securities", "main", "Buy > Buy", (25.0, 22.0), "Lowers")]
    rows = fetch({"CLSK": frame(history)}).rows.to_pylist()
    assert rows[0] == {
        "rating_date": dt.date(2025, 11, 24),
        "graded_at_epoch": 1763986500,
        "ticker": "CLSK",
        "firm": "JP Morgan",
        "action": "up",
        "from_grade": "Neutral",
        "to_grade": "Overweight",
        "price_target_action": "Maintains",
        "price_target_prior": "14.0",
        "price_target_new": "14.0",
        "source_url": "https://finance.yahoo.com/quote/CLSK/",
        "source_file": "yahoo:upgrades_downgrades:CLSK",
        "source_row": 1,
    }
    assert (rows[1]["price_target_prior"], rows[1]["price_target_new"]) == ("25.0", "22.0")


@pytest.mark.parametrize(
    ("time_utc", "day"),
    [
        ("2025-11-25T03:30:00", dt.date(2025, 11, 24)),
        ("2025-11-25T05:30:00", dt.date(2025, 11, 25)),
        ("2025-07-25T03:30:00", dt.date(2025, 7, 24)),
        ("2025-07-25T04:30:00", dt.date(2025, 7, 25)),
        ("2025-07-25T00:00:00", dt.date(2025, 7, 25)),
    ],
)
def test_the_day_is_new_yorks(time_utc: str, day: dt.date) -> None:
    rows = fetch({"CLSK": frame([note(time_utc, "Citi", "init", "Buy")])}).rows.to_pylist()
    assert rows[0]["rating_date"] == day


def test_nothing_and_zero_are_missing() -> None:
    (row,) = fetch(
        {"CLSK": frame([note("2025-01-13T13:00:00", "Northland", "init", " > Outperform")])}
    ).rows.to_pylist()
    assert (row["from_grade"], row["price_target_prior"], row["price_target_new"]) == (None, None, None)


def test_frames_of_an_older_version_have_no_targets() -> None:
    older = frame([UPGRADE]).drop(columns=["priceTargetAction", "currentPriceTarget", "priorPriceTarget"])
    (row,) = fetch({"CLSK": older}).rows.to_pylist()
    assert (row["price_target_action"], row["price_target_new"]) == (None, None)


def test_of_two_notes_of_a_firm_on_a_day_the_later_counts() -> None:
    earlier = note("2025-11-24T11:00:00", "JP Morgan", "main", "Neutral > Neutral", (14.0, 13.0))
    for history in ([UPGRADE, earlier], [earlier, UPGRADE]):
        rows = fetch({"CLSK": frame(history)}).rows.to_pylist()
        assert [(row["action"], row["price_target_new"]) for row in rows] == [("up", "14.0")]


def test_the_gate_takes_good_rows_and_names_the_bad_ones() -> None:
    bad = [
        note("2025-11-20T12:00:00", "Citi", "sideways", "Buy > Buy"),
        note("2025-11-20T12:00:00", "BTIG", "main", "Buy > "),
        note("2025-11-20T12:00:00", "", "main", "Buy > Buy"),
        note("2025-11-28T12:00:00", "Needham", "main", "Buy > Buy"),
        note("2025-11-20T12:00:00", "KBW", "main", "Buy > Buy", (-1.0, 10.0)),
    ]
    judged = judge(fetch({"CLSK": frame([UPGRADE, *bad])}), YAHOO_RATING_CHANGES, KNOWN, TODAY)
    assert judged.rows["firm"].to_pylist() == ["JP Morgan"]
    assert judged.rows["price_target_new"].to_pylist() == [14.0]
    reasons = {reject.source_row: reject.reason for reject in judged.rejects}
    assert sorted(reasons) == [2, 3, 4, 5, 6]
    for row, column in ((2, "action"), (3, "to_grade"), (4, "firm"), (5, "rating_date"), (6, "price_target_prior")):
        assert column in reasons[row]


def test_one_company_that_fails_does_not_stop_the_others() -> None:
    def answer(symbol: str) -> pd.DataFrame:
        if symbol == "CIFR":
            raise RateLimitedError("yahoo CIFR: HTTP 429")
        return frame([UPGRADE])

    batch = YahooRatings(answer).fetch(RatingRequest(("CLSK", "CIFR")))
    assert batch.rows["ticker"].to_pylist() == ["CLSK"]
    ((file, row, reason),) = [(reject.source_file, reject.source_row, reject.reason) for reject in batch.rejects]
    assert (file, row) == ("yahoo:upgrades_downgrades:CIFR", None)
    assert reason == "CIFR is missing: yahoo CIFR: HTTP 429"
    assert batch.missing == {"CIFR": "yahoo CIFR: HTTP 429"}


def test_a_changed_format_is_a_reject_and_not_a_guess() -> None:
    batch = fetch({"CLSK": frame([UPGRADE]), "CIFR": frame([UPGRADE]).rename(columns={"ToGrade": "Grade"})})
    assert batch.rows["ticker"].to_pylist() == ["CLSK"]
    assert "lacks ToGrade" in batch.rejects[0].reason


def test_nothing_at_all_is_an_error() -> None:
    with pytest.raises(EmptyFetchError, match="no rating for 2 companies"):
        fetch({"CLSK": pd.DataFrame(), "CIFR": frame([])})


def test_the_default_source_is_off() -> None:
    with pytest.raises(SwitchedOffError, match="MINEHOUSE_RATING_SOURCE=yahoo switches it on"):
        NoRatings().fetch(RatingRequest(("CLSK",)))


def test_the_words_that_yahoo_is_known_to_use_have_a_score() -> None:
    with (PROJECT_DIR / "reference" / "rating_scale.csv").open(newline="", encoding="utf-8") as file:
        known = {row["rating"] for row in csv.DictReader(file)}
    words = {" ".join(word.split()).lower() for word in YAHOO_GRADES.split(",")}
    assert words - known == {"not rated", "developing", "tender", "trading sell"}, "no view of the share, or of days"
