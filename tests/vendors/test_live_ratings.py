"""Yahoo's ratings through yfinance itself: what comes, and how every fault is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from fake_vendors import WEB_PAGE, Fault, body, cut_off, status, yahoo_summary
from vendor_house import RETRY_POLICY
from yahoo_frames import note

from dagster_project.sources.base import EmptyFetchError, UnknownSymbolError
from dagster_project.sources.prices.base import PriceRequest
from dagster_project.sources.ratings.base import RatingRequest

if TYPE_CHECKING:
    from vendor_house import House

    from dagster_project.contracts.batch import Batch

SYMBOLS = ("CLSK", "IREN")
UPGRADE = note("2025-11-24T12:15:00", "JP Morgan", "up", "Neutral > Overweight", (12.0, 14.0), "Raises")


@pytest.fixture
def rated(house: House) -> House:
    """Yahoo has a rating of two companies; SPY is known, and rated by nobody."""
    house.vendors.ratings = {symbol: [UPGRADE] for symbol in SYMBOLS}
    return house


def _fetch(house: House, *symbols: str) -> Batch:
    return house.ratings().fetch(RatingRequest(symbols or SYMBOLS))


def test_ratings_come_through_yfinance(rated: House) -> None:
    batch = _fetch(rated)
    assert batch.rows["ticker"].to_pylist() == list(SYMBOLS)
    row = batch.rows.to_pylist()[0]
    assert (str(row["rating_date"]), row["firm"], row["action"]) == ("2025-11-24", "JP Morgan", "up")
    assert (row["to_grade"], row["price_target_prior"], row["price_target_new"]) == ("Overweight", "12.0", "14.0")
    assert (batch.missing, batch.rejects) == ({}, ())


def test_a_fault_among_the_prices_of_the_same_process_does_not_reach_the_ratings(rated: House) -> None:
    del rated.vendors.listings["SPY"]
    with pytest.raises(UnknownSymbolError):
        rated.yahoo().open(rated.clock.clock())("SPY", None)
    assert _fetch(rated).rows.num_rows == 2
    prices = rated.prices().fetch(PriceRequest(SYMBOLS))
    assert prices.missing == {}, "nor the other way round"


def test_a_company_that_nobody_rates_is_no_fault(rated: House) -> None:
    rated.vendors.ratings["BTC-USD"] = []
    batch = _fetch(rated, "CLSK", "SPY", "BTC-USD")
    assert (batch.rows.num_rows, batch.missing, batch.rejects) == (1, {}, ())
    with pytest.raises(EmptyFetchError, match="no rating for 1 companies; empty"):
        _fetch(rated, "SPY")


def test_a_company_with_another_ticker_keeps_its_own(rated: House) -> None:
    rated.vendors.ratings["NERI"] = rated.vendors.ratings.pop("IREN")
    del rated.vendors.listings["IREN"]
    batch = rated.ratings().fetch(RatingRequest(SYMBOLS, {"IREN": ("NERI",)}))
    assert (batch.rows["ticker"].to_pylist(), batch.missing) == (list(SYMBOLS), {})


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (status(404), "HTTP 404"),
        (status(503), "HTTP 503 after 3 tries"),
        (WEB_PAGE, "a web page came instead of data"),
        (cut_off, "cut off after 3 tries"),
        (body('{"quoteSummary": {"result": [{"upgra'), "cut off or no JSON"),
        (body('{"quoteSummary": {"result": null, "error": null}}'), "not laid out as a list of ratings"),
        (body('{"quoteSummary": {"result": [{"upgradeDowngradeHistory": {"history": 7}}]}}'), "no list"),
        (body(json.dumps(yahoo_summary([{"epochGradeDate": 1, "firm": "Citi"}]))), "the frame lacks ToGrade"),
        (body(json.dumps(yahoo_summary([{"firm": "Citi"}]))), "yfinance failed on it"),
    ],
    ids=["unknown", "down", "web page", "cut off", "half a JSON", "no result", "no list", "no grade", "no time"],
)
def test_one_company_at_fault_leaves_the_others(rated: House, fault: Fault, said: str) -> None:
    rated.vendors.break_down("ratings", "CLSK", fault)
    batch = _fetch(rated)
    assert batch.rows["ticker"].to_pylist() == ["IREN"]
    assert list(batch.missing) == ["CLSK"]
    assert said in batch.missing["CLSK"]
    (reject,) = batch.rejects
    assert (reject.source_file, reject.record) == ("yahoo:upgrades_downgrades:CLSK", '{"ticker": "CLSK"}')


@pytest.mark.parametrize(
    ("fault", "tries", "said"),
    [(status(429), RETRY_POLICY.tries, "HTTP 429 after 3 tries"), (status(401), 2, "HTTP 401")],
    ids=["rate limit", "refused"],
)
def test_what_holds_for_all_companies_is_asked_once(rated: House, fault: Fault, tries: int, said: str) -> None:
    rated.vendors.break_down("ratings", "*", fault)
    with pytest.raises(EmptyFetchError, match=said):
        _fetch(rated)
    assert len(rated.vendors.requests_for("ratings")) == tries


def test_a_rate_limit_that_passes_is_waited_for(rated: House) -> None:
    rated.vendors.fail("ratings", "CLSK", status(429, Retry_After="17"), status(503))
    assert _fetch(rated).rows.num_rows == 2
    assert rated.clock.waits[0] == 17.0


def test_an_expired_cookie_is_renewed(rated: House) -> None:
    rated.vendors.fail("ratings", "CLSK", status(401))
    assert _fetch(rated).missing == {}
