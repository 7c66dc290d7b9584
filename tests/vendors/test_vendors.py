"""What each vendor's bars look like, and how every fault of a vendor or the network ends."""

from __future__ import annotations

import datetime as dt
import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fake_vendors import (
    KEY,
    WEB_PAGE,
    Fault,
    body,
    cut_off,
    hang,
    reset,
    status,
    tiingo_daily,
    yahoo_chart,
)
from vendor_house import RETRY_POLICY, House

from dagster_project.sources.base import (
    AccessRefusedError,
    ChangedSchemaError,
    EmptyFetchError,
    OutOfTimeError,
    RateLimitedError,
    SourceError,
    TruncatedAnswerError,
    UnexpectedStatusError,
    UnknownSymbolError,
    VendorDownError,
    WebPageError,
)
from dagster_project.sources.prices.base import PriceRequest

if TYPE_CHECKING:
    from dagster_project.sources.prices.live import Reader

FRIDAY = dt.date(2025, 10, 31)
VENDORS = ("yahoo", "tiingo")


def _impatient(house: House, fault: Fault) -> None:
    """Wait half a second where no answer will come, and long enough for a busy machine where one will."""
    if fault is hang:
        house.retry_policy = replace(RETRY_POLICY, timeout=0.5)


def _reader(house: House, vendor: str) -> Reader:
    return getattr(house, vendor)().open(house.clock.clock())  # type: ignore[no-any-return]


def _rows(house: House, vendor: str, symbol: str, start: dt.date | None = None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = _reader(house, vendor)(symbol, start).to_pylist()
    return rows


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_bar_has_every_column(house: House, vendor: str) -> None:
    rows = _rows(house, vendor, "CLSK")
    assert len(rows) == 40
    assert rows[-1] == {
        "symbol": "CLSK",
        "trade_date": FRIDAY,
        "open": pytest.approx(19.75 * 0.99),
        "high": pytest.approx(19.75 * 1.02),
        "low": pytest.approx(19.75 * 0.98),
        "close": pytest.approx(19.75),
        "adj_close": pytest.approx(19.75),
        "volume": 1_031_000,
        "dividend_usd": None,
        "split_ratio": None,
        "price_basis": "split_adjusted",
        "is_repaired": None,
    }


@pytest.mark.parametrize("vendor", VENDORS)
def test_close_is_adjusted_for_splits_and_adjusted_close_for_dividends_too(house: House, vendor: str) -> None:
    listing = house.vendors.listings["CLSK"]
    days = sorted(listing.closes)
    listing.splits[days[30]] = 10.0
    listing.dividends[days[20]] = 0.6
    rows = _rows(house, vendor, "CLSK")
    assert [row["close"] for row in rows[28:32]] == pytest.approx([1.7, 1.725, 17.5, 17.75])
    assert rows[29]["volume"] == 10 * listing.volume(days[29])
    assert [(row["trade_date"], row["split_ratio"]) for row in rows if row["split_ratio"]] == [(days[30], 10.0)]
    assert [row["dividend_usd"] for row in rows if row["dividend_usd"]] == pytest.approx([0.06]), "per share of today"
    before, on = rows[19], rows[20]
    assert before["adj_close"] / before["close"] == pytest.approx(1 - 0.6 / 14.75)
    assert on["adj_close"] == pytest.approx(on["close"])


@pytest.mark.parametrize("vendor", VENDORS)
def test_bitcoin_has_every_day(house: House, vendor: str) -> None:
    rows = _rows(house, vendor, "BTC-USD", FRIDAY - dt.timedelta(days=6))
    assert [row["trade_date"].day for row in rows] == [25, 26, 27, 28, 29, 30, 31]


@pytest.mark.parametrize("vendor", VENDORS)
def test_today_is_left_out_until_it_is_over(house: House, vendor: str) -> None:
    house.clock.time = dt.datetime(2025, 10, 31, 19, 59, tzinfo=dt.UTC)  # a minute before the bell
    request = PriceRequest(("CLSK", "BTC-USD"), always_open=frozenset({"BTC-USD"}))
    rows = house.prices(vendor).fetch(request).rows.to_pylist()
    last = {row["symbol"]: row["trade_date"] for row in rows}
    assert last == {"CLSK": dt.date(2025, 10, 30), "BTC-USD": dt.date(2025, 10, 30)}
    house.clock.after_the_close_of(FRIDAY)
    rows = house.prices(vendor).fetch(request).rows.to_pylist()
    last = {row["symbol"]: row["trade_date"] for row in rows}
    assert last == {"CLSK": FRIDAY, "BTC-USD": dt.date(2025, 10, 30)}, "bitcoin's day ends at midnight UTC"


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("fault", "expected", "said", "tries"),
    [
        (status(429), RateLimitedError, "HTTP 429 after 3 tries", 3),
        (status(500), VendorDownError, "HTTP 500 after 3 tries", 3),
        (status(503), VendorDownError, "HTTP 503 after 3 tries", 3),
        (reset, VendorDownError, "after 3 tries", None),  # libcurl itself tries a reused connection once more
        (hang, VendorDownError, "timed out after 3 tries", 3),
        (cut_off, TruncatedAnswerError, "cut off after 3 tries", 3),
        (status(404), UnknownSymbolError, "HTTP 404", 1),
        (status(400), UnexpectedStatusError, "HTTP 400", 1),
        (status(302, Location="http://127.0.0.1:1/"), SourceError, "yahoo|HTTP 302", None),
        (WEB_PAGE, WebPageError, "a web page came instead of data", 1),
        (body('{"chart": {"result": [{"meta": {"curr'), TruncatedAnswerError, "cut off or no JSON", 1),
        (body(""), TruncatedAnswerError, "no JSON", 1),
        (body('{"data": {"prices": 7}}'), ChangedSchemaError, "not laid out|a list of rows", 1),
        (body("[1, 2]"), ChangedSchemaError, "not laid out|a list of rows", 1),
    ],
)
def test_each_fault_ends_in_its_own_error(
    house: House, vendor: str, fault: Fault, expected: type[SourceError], said: str, tries: int | None
) -> None:
    _impatient(house, fault)
    house.vendors.break_down(vendor, "CLSK", fault)
    read = _reader(house, vendor)
    with pytest.raises(SourceError, match=said) as caught:
        read("CLSK", None)
    assert isinstance(caught.value, expected)
    assert str(caught.value).startswith(f"{vendor} CLSK: ")
    if tries is not None:
        assert len([ask for ask in house.vendors.asked if ask.symbol == "CLSK"]) == tries
    assert read("IREN", None).num_rows == 40, "the next symbol is none the worse for it"


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("code", [401, 403])
def test_refused_access_is_not_pressed(house: House, vendor: str, code: int) -> None:
    # yfinance looks a symbol's time zone up once per process: it has done so before the refusal, whatever ran before
    assert _reader(house, vendor)("CLSK", None).num_rows == 40
    before = len(house.vendors.asked)
    house.vendors.break_down(vendor, "CLSK", status(code))
    with pytest.raises(AccessRefusedError, match=f"HTTP {code}"):
        _reader(house, vendor)("CLSK", None)
    # yfinance fetches one other cookie and asks with it once: that is how Yahoo is spoken to, not a retry
    assert len(house.vendors.asked) - before == (2 if vendor == "yahoo" else 1)
    assert house.clock.waits == []


def test_an_expired_yahoo_cookie_is_renewed(house: House) -> None:
    house.vendors.fail("yahoo", "CLSK", status(401))
    assert len(_rows(house, "yahoo", "CLSK")) == 40


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("fault", [status(429), status(502), reset, hang, cut_off])
def test_what_passes_is_waited_for(house: House, vendor: str, fault: Fault) -> None:
    _impatient(house, fault)
    house.vendors.fail(vendor, "CLSK", fault, fault)
    assert len(_rows(house, vendor, "CLSK")) == 40
    if (vendor, fault) != ("yahoo", reset):  # libcurl itself tries a reused connection once more
        first, second = house.clock.waits
        assert 1.0 <= first <= 2.0 <= second <= 3.0, "doubled, with a random part of up to a second"


@pytest.mark.parametrize("vendor", VENDORS)
def test_retry_after_is_honoured(house: House, vendor: str) -> None:
    until = house.clock.time + dt.timedelta(seconds=42)
    date = until.astimezone(dt.UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    house.vendors.fail(vendor, "CLSK", status(429, Retry_After="17"), status(503, Retry_After=date))
    assert len(_rows(house, vendor, "CLSK")) == 40
    assert house.clock.waits == [17.0, 42.0]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_wait_beyond_the_time_budget_is_not_begun(house: House, vendor: str) -> None:
    house.vendors.break_down(vendor, "CLSK", status(429, Retry_After="3600"))
    with pytest.raises(RateLimitedError, match="a wait of 3600 s is more than this run has left"):
        _reader(house, vendor)("CLSK", None)
    assert house.clock.waits == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_time_budget_ends_a_run(house: House, vendor: str) -> None:
    house.retry_policy = replace(RETRY_POLICY, budget=10.0)
    read = _reader(house, vendor)
    read("CLSK", None)
    house.clock.waits.append(11.0)
    with pytest.raises(OutOfTimeError, match="the 10 s of this run are used up"):
        read("IREN", None)


@pytest.mark.parametrize("vendor", VENDORS)
def test_nothing_is_asked_twice_in_a_run(house: House, vendor: str) -> None:
    read = _reader(house, vendor)
    assert read("CLSK", None).equals(read("CLSK", None))
    assert len(house.vendors.requests_for(vendor)) == 1
    _reader(house, vendor)("CLSK", None)
    assert len(house.vendors.requests_for(vendor)) == 2, "another run asks anew"


def test_an_empty_answer_is_an_error(house: House) -> None:
    for vendor, empty in (("yahoo", yahoo_chart("CLSK", house.vendors.listings["CLSK"], dt.date.max)), ("tiingo", [])):
        house.vendors.fail(vendor, "CLSK", body(json.dumps(empty)))
        with pytest.raises(EmptyFetchError, match=f"{vendor} CLSK"):
            _reader(house, vendor)("CLSK", None)


def _yahoo_without(house: House, path: tuple[str | int, ...]) -> Fault:
    answer: Any = yahoo_chart("CLSK", house.vendors.listings["CLSK"], dt.date.min)
    at = answer["chart"]["result"][0]
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return body(json.dumps(answer))


@pytest.mark.parametrize(
    "path",
    [
        ("meta", "exchangeTimezoneName"),
        ("indicators", "adjclose"),
        ("indicators", "quote", 0, "close"),
        ("indicators", "quote", 0, "close", 3),
        ("indicators",),
    ],
)
def test_a_yahoo_chart_that_lacks_something_is_a_changed_schema(house: House, path: tuple[str | int, ...]) -> None:
    house.vendors.fail("yahoo", "CLSK", _yahoo_without(house, path))
    with pytest.raises(ChangedSchemaError):
        _reader(house, "yahoo")("CLSK", None)


@pytest.mark.parametrize("name", ["date", "close", "adjClose", "divCash", "splitFactor"])
def test_a_tiingo_row_that_lacks_something_is_a_changed_schema(house: House, name: str) -> None:
    rows = tiingo_daily(house.vendors.listings["CLSK"], dt.date.min)
    del rows[3][name]
    house.vendors.fail("tiingo", "CLSK", body(json.dumps(rows)))
    with pytest.raises(ChangedSchemaError, match=name):
        _reader(house, "tiingo")("CLSK", None)


def test_tiingo_says_in_plain_text_that_an_allowance_is_used_up(house: House) -> None:
    said = "You have run over your 500 symbol look up for this month. Please upgrade at https://api.tiingo.com/pricing"
    house.vendors.fail("tiingo", "CLSK", body(said, "text/plain"))
    with pytest.raises(RateLimitedError, match="allowance is used up"):
        _reader(house, "tiingo")("CLSK", None)


def test_a_hole_in_a_chart_comes_as_a_bar_without_a_close(house: House) -> None:
    answer = yahoo_chart("CLSK", house.vendors.listings["CLSK"], dt.date.min)
    quote = answer["chart"]["result"][0]["indicators"]
    for values in (*quote["quote"][0].values(), quote["adjclose"][0]["adjclose"]):
        values[5] = None
    house.vendors.fail("yahoo", "CLSK", body(json.dumps(answer)))
    rows = _rows(house, "yahoo", "CLSK")
    assert (len(rows), rows[5]["close"], rows[6]["close"]) == (40, None, pytest.approx(11.5))


def test_the_key_is_shown_nowhere(house: House, caplog: pytest.LogCaptureFixture) -> None:
    wrong = KEY[::-1]
    tiingo = house.tiingo(wrong)
    with caplog.at_level(logging.DEBUG), pytest.raises(AccessRefusedError) as caught:
        tiingo.open(house.clock.clock())("CLSK", None)
    seen = [repr(tiingo), str(tiingo), repr(caught.value), str(caught.value), caplog.text]
    assert not [text for text in seen if wrong in text], "although the vendor sent it back in its answer"
