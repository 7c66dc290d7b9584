"""Which vendor a symbol comes from, how much is asked, and when history is fetched anew."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from fake_vendors import KEY, body, reset, status

from dagster_project.sources.base import EmptyFetchError
from dagster_project.sources.prices.base import OVERLAP, CurrentBar, PriceRequest

if TYPE_CHECKING:
    from vendor_house import House

    from dagster_project.contracts.batch import Batch

SYMBOLS = ("CLSK", "IREN", "SPY")
FRIDAY, MONDAY = dt.date(2025, 10, 31), dt.date(2025, 11, 3)


def _first_load(house: House, *vendors: str) -> dict[str, tuple[CurrentBar, ...]]:
    """What stands after a first load, as the warehouse would tell it."""
    rows = house.prices(*vendors).fetch(PriceRequest(SYMBOLS)).rows.to_pylist()
    bars: dict[str, list[CurrentBar]] = {symbol: [] for symbol in SYMBOLS}
    for row in rows:
        bars[row["symbol"]].append(CurrentBar(row["trade_date"], row["close"], row["adj_close"], row["source_file"]))
    return {symbol: tuple(of_symbol[-OVERLAP:]) for symbol, of_symbol in bars.items()}


def _monday(house: House, **closes: float) -> None:
    for symbol in SYMBOLS:
        house.vendors.listings[symbol].closes[MONDAY] = closes.get(symbol, 20.0)
    house.clock.after_the_close_of(MONDAY)
    house.vendors.asked.clear()


def _origins(batch: Batch) -> list[str]:
    origins: list[str] = batch.rows["source_file"].unique().to_pylist()
    return origins


def _days(batch: Batch, symbol: str) -> list[dt.date]:
    rows: list[dict[str, Any]] = batch.rows.to_pylist()
    return [row["trade_date"] for row in rows if row["symbol"] == symbol]


def test_a_symbol_that_one_vendor_does_not_know_comes_from_the_next(house: House) -> None:
    house.vendors.break_down("yahoo", "IREN", status(404))
    batch = house.prices("yahoo", "tiingo").fetch(PriceRequest(SYMBOLS))
    assert _origins(batch) == ["yahoo CLSK", "tiingo IREN", "yahoo SPY"]
    assert (batch.source, batch.missing, batch.rejects) == ("live", {}, ())


def test_a_symbol_that_no_vendor_knows_is_named_and_the_others_load(house: House) -> None:
    del house.vendors.listings["IREN"]
    batch = house.prices("yahoo", "tiingo").fetch(PriceRequest(SYMBOLS))
    assert _origins(batch) == ["yahoo CLSK", "yahoo SPY"]
    assert batch.missing == {"IREN": "yahoo IREN: HTTP 404; tiingo IREN: HTTP 404"}
    (reject,) = batch.rejects
    assert (reject.source_file, reject.source_row, reject.record) == ("live IREN", None, '{"symbol": "IREN"}')
    assert reject.reason == "IREN is missing: yahoo IREN: HTTP 404; tiingo IREN: HTTP 404"


def test_a_changed_ticker_is_asked_for_and_stays_one_series(house: House) -> None:
    current = _first_load(house)
    _monday(house, IREN=3.0)
    house.vendors.listings["NERI"] = house.vendors.listings.pop("IREN")
    renamed = {"IREN": ("NERI",)}
    batch = house.prices().fetch(PriceRequest(SYMBOLS, current=current, other_tickers=renamed))
    assert (batch.missing, batch.restated) == ({}, {})
    assert _origins(batch) == ["yahoo CLSK", "yahoo NERI", "yahoo SPY"]
    assert _days(batch, "IREN")[-1] == MONDAY
    house.vendors.listings["NERI"].splits[MONDAY] = 10.0
    batch = house.prices().fetch(PriceRequest(SYMBOLS, current=current, other_tickers=renamed))
    assert (list(batch.restated), len(_days(batch, "IREN"))) == (["IREN"], 41), "of one series, whatever its ticker"
    del house.vendors.listings["NERI"]
    batch = house.prices().fetch(PriceRequest(SYMBOLS, current=current, other_tickers=renamed))
    assert batch.missing == {"IREN": "yahoo IREN: HTTP 404; yahoo NERI: HTTP 404"}


def test_a_vendor_that_is_down_is_left_alone_after_two_symbols(house: House) -> None:
    house.vendors.break_down("yahoo", "*", reset)
    assert _origins(house.prices("yahoo", "tiingo").fetch(PriceRequest(SYMBOLS))) == [
        "tiingo CLSK",
        "tiingo IREN",
        "tiingo SPY",
    ]
    assert {ask.symbol for ask in house.vendors.asked if ask.vendor == "yahoo"} == {"CLSK", "IREN"}


def test_a_refused_key_is_shown_to_nobody_else(house: House) -> None:
    prices = house.prices("tiingo")
    prices.vendors = (house.tiingo(KEY[::-1]),)
    with pytest.raises(EmptyFetchError, match="none of 3 symbols: tiingo CLSK: HTTP 401") as caught:
        prices.fetch(PriceRequest(SYMBOLS))
    assert KEY[::-1] not in str(caught.value)
    assert len(house.vendors.asked) == 1, "one refusal is enough"


def test_only_the_overlap_and_what_is_missing_are_asked_for(house: House) -> None:
    current = _first_load(house)
    _monday(house)
    batch = house.prices().fetch(PriceRequest(SYMBOLS, current=current))
    first = current["CLSK"][0].trade_date
    assert batch.since == dict.fromkeys(SYMBOLS, first)
    assert _days(batch, "CLSK") == [*(bar.trade_date for bar in current["CLSK"]), MONDAY]
    assert len(house.vendors.requests_for("yahoo")) == len(SYMBOLS)


def test_a_second_vendor_that_agrees_adds_only_what_is_missing(house: House) -> None:
    current = _first_load(house)
    _monday(house)
    house.vendors.break_down("yahoo", "*", status(503))
    batch = house.prices("yahoo", "tiingo").fetch(PriceRequest(SYMBOLS, current=current))
    assert batch.rows["trade_date"].unique().to_pylist() == [MONDAY]
    assert (batch.since, batch.restated) == (dict.fromkeys(SYMBOLS, FRIDAY + dt.timedelta(days=1)), {})


def test_the_first_choice_replaces_what_a_substitute_brought(house: House) -> None:
    current = _first_load(house)
    _monday(house, CLSK=20.03)
    by_tiingo = CurrentBar(MONDAY, 20.0, 20.0, "tiingo CLSK")
    current["CLSK"] = (*current["CLSK"][1:], by_tiingo)
    batch = house.prices("yahoo", "tiingo").fetch(PriceRequest(SYMBOLS, current=current))
    assert batch.restated == {}
    assert batch.rows.to_pylist()[9]["trade_date"] == MONDAY
    assert batch.rows.to_pylist()[9]["close"] == pytest.approx(20.03)


def test_nothing_new_from_a_second_vendor_is_no_failure(house: House) -> None:
    current = _first_load(house)
    house.vendors.break_down("yahoo", "*", status(503))
    batch = house.prices("yahoo", "tiingo").fetch(PriceRequest(SYMBOLS, current=current))
    assert (batch.rows.num_rows, batch.missing, batch.rejects) == (0, {}, ())


def test_a_second_vendor_that_disagrees_brings_its_whole_history(house: House) -> None:
    current = _first_load(house)
    _monday(house)
    house.vendors.break_down("yahoo", "*", status(503))
    house.vendors.listings["IREN"].closes[FRIDAY] += 0.05
    batch = house.prices("yahoo", "tiingo").fetch(PriceRequest(SYMBOLS, current=current))
    assert list(batch.restated) == ["IREN"]
    assert batch.restated["IREN"] == "close of 2025-10-31 was 29.75, is 29.8; whole history fetched from tiingo"
    assert (len(_days(batch, "IREN")), "IREN" in batch.since) == (41, False)


def test_a_dividend_seen_by_a_second_vendor_brings_its_whole_history(house: House) -> None:
    current = _first_load(house)
    _monday(house, SPY=39.0)
    house.vendors.listings["SPY"].dividends[MONDAY] = 0.5
    house.vendors.break_down("yahoo", "*", status(503))
    batch = house.prices("yahoo", "tiingo").fetch(PriceRequest(SYMBOLS, current=current))
    assert list(batch.restated) == ["SPY"]


def test_picked_days_come_whether_they_are_missing_or_not(house: House) -> None:
    first, last = dt.date(2025, 9, 15), dt.date(2025, 9, 19)
    current = _first_load(house)
    for stands in (current, {}):
        batch = house.prices().fetch(PriceRequest(("CLSK",), start=first, end=last, current=stands, only_listed=True))
        assert _days(batch, "CLSK") == [first + dt.timedelta(days=at) for at in range(5)]
        assert (batch.is_partial, batch.since, batch.restated) == (True, {}, {})


def test_picked_days_leave_no_hole_after_what_stands(house: House) -> None:
    current = {"CLSK": _first_load(house)["CLSK"][:-4]}
    last_current = current["CLSK"][-1].trade_date
    batch = house.prices().fetch(PriceRequest(("CLSK",), start=FRIDAY, current=current))
    assert _days(batch, "CLSK")[0] == last_current
    assert (len(_days(batch, "CLSK")), batch.restated) == (5, {})


def test_picked_days_after_a_split_bring_the_whole_history(house: House) -> None:
    current = _first_load(house)
    _monday(house, CLSK=2.0)
    house.vendors.listings["CLSK"].splits[MONDAY] = 10.0
    picked = PriceRequest(("CLSK",), start=dt.date(2025, 9, 15), end=dt.date(2025, 9, 19), current=current)
    batch = house.prices().fetch(picked)
    assert list(batch.restated) == ["CLSK"]
    assert (len(_days(batch, "CLSK")), _days(batch, "CLSK")[-1]) == (41, MONDAY)


def test_picked_days_without_a_bar_are_missing(house: House) -> None:
    weekend = PriceRequest(("CLSK",), start=dt.date(2025, 9, 20), end=dt.date(2025, 9, 21))
    with pytest.raises(EmptyFetchError, match="no bar from 2025-09-20 to 2025-09-21"):
        house.prices().fetch(weekend)


def _all_that_stands(house: House) -> dict[str, tuple[CurrentBar, ...]]:
    rows = house.prices().fetch(PriceRequest(SYMBOLS)).rows.to_pylist()
    bars: dict[str, list[CurrentBar]] = {}
    for row in rows:
        bar = CurrentBar(row["trade_date"], row["close"], row["adj_close"], row["source_file"])
        bars.setdefault(row["symbol"], []).append(bar)
    return {symbol: tuple(of_symbol) for symbol, of_symbol in bars.items()}


def test_a_full_history_finds_a_correction_of_a_day_long_ago(house: House) -> None:
    current = _all_that_stands(house)
    _monday(house)
    long_ago = sorted(house.vendors.listings["IREN"].closes)[3]
    house.vendors.listings["IREN"].closes[long_ago] += 0.5
    overlap = {symbol: bars[-OVERLAP:] for symbol, bars in current.items()}
    assert house.prices().fetch(PriceRequest(SYMBOLS, current=overlap)).restated == {}, "not within ten bars"
    batch = house.prices().fetch(PriceRequest(SYMBOLS, current=current, full_history=True))
    assert list(batch.restated) == ["IREN"]
    assert batch.restated["IREN"].startswith(f"close of {long_ago} was 20.75, is 21.25; whole history")
    assert (len(_days(batch, "CLSK")), batch.is_partial) == (41, False)
    asked = len(house.vendors.requests_for("yahoo", "IREN"))
    assert asked == 2, "one for the update, one for the full history, which is not asked for twice"


def test_a_full_history_reaches_behind_what_stands(house: House) -> None:
    current = {"CLSK": _all_that_stands(house)["CLSK"][-20:]}
    batch = house.prices().fetch(PriceRequest(("CLSK",), current=current, full_history=True))
    assert (len(_days(batch, "CLSK")), batch.restated) == (40, {})


@pytest.mark.parametrize("change", [0.0, 0.0005])
def test_another_rounding_is_no_correction(house: House, change: float) -> None:
    current = _first_load(house)
    _monday(house)
    house.vendors.listings["CLSK"].closes[FRIDAY] += change
    assert house.prices().fetch(PriceRequest(SYMBOLS, current=current)).restated == {}


def test_a_bar_that_vanished_or_makes_no_sense_is_no_correction(house: House) -> None:
    current = _first_load(house)
    _monday(house)
    closes = house.vendors.listings["CLSK"].closes
    days = [bar.trade_date for bar in current["CLSK"]]
    del closes[days[4]]
    closes[days[6]] = -closes[days[6]]
    assert house.prices().fetch(PriceRequest(SYMBOLS, current=current)).restated == {}


def test_a_vendor_without_any_day_that_stands_brings_what_it_has(house: House) -> None:
    current = _first_load(house)
    _monday(house)
    house.vendors.listings["CLSK"].closes = {MONDAY: 7.0}
    batch = house.prices().fetch(PriceRequest(SYMBOLS, current=current))
    assert batch.restated["CLSK"].startswith("yahoo has none of the days from 2025-10-20 to 2025-10-31 that stand")


def test_no_internet_says_so(house: House) -> None:
    house.vendors.url = "http://127.0.0.1:1"
    with pytest.raises(EmptyFetchError, match="none of 3 symbols: yahoo CLSK: no connection after 3 tries"):
        house.prices().fetch(PriceRequest(SYMBOLS))
    assert len(house.clock.waits) == 4, "two symbols, two waits each, then the vendor is left alone"


def test_whatever_a_vendor_sends_the_others_are_loaded(house: House) -> None:
    house.vendors.fail("yahoo", "IREN", body('{"chart": {"result": [{"meta": {}}], "error": null}}'))
    batch = house.prices().fetch(PriceRequest(SYMBOLS))
    assert list(batch.missing) == ["IREN"]
    assert _origins(batch) == ["yahoo CLSK", "yahoo SPY"]
