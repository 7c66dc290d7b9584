"""The gate: what is good goes through unchanged, what is bad comes back with file, row and reason."""

import datetime as dt
import itertools
import json
import re
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dagster_project.contracts.base import LINK, AtLeast, Column, Contract, RequiredWith, Within
from dagster_project.contracts.batch import Batch, HandOver, Reject, rejects_table, visible
from dagster_project.contracts.market import DAILY_PRICES
from dagster_project.gate.cast import cast_column
from dagster_project.gate.gate import BAD_ROWS, GOOD_ROWS, ContractMismatchError, judge, judge_fetched

TODAY = dt.date(2026, 1, 1)
GOOD = {
    "symbol": "CLSK",
    "trade_date": "2025-11-21",
    "open": "9.5",
    "high": "10",
    "low": "9.1",
    "close": "9.73",
    "adj_close": None,
    "volume": "1000",
    "dividend_usd": None,
    "split_ratio": None,
    "price_basis": None,
    "is_repaired": None,
}
FACTS = Contract(
    table="facts",
    description="A table that uses every kind of rule.",
    columns=(
        Column("ticker", "varchar", "Company.", required=True, references="companies"),
        Column("value_usd", "double", "Value.", minimum=0, maximum=1e12),
        Column("term_years", "double", "Term."),
        Column("gross_mw", "double", "Gross."),
        Column("critical_it_mw", "double", "Critical IT."),
        Column("kind", "varchar", "Kind.", allowed=("lease", "cloud")),
        Column("is_firm", "boolean", "Firm."),
        Column("note", "varchar", "Free text."),
        Column("signed_date", "date", "Signed.", not_before=dt.date(2010, 1, 1), not_after=dt.date(2030, 1, 1)),
    ),
    key=("ticker",),
    rules=(
        AtLeast("gross_mw", "critical_it_mw", "critical IT MW above gross MW"),
        RequiredWith("term_years", "value_usd", "a value without a term"),
        Within("term_years", 1, 5, "kind", "cloud", "a cloud contract lasts from 1 to 5 years"),
    ),
)
FACT = {
    "ticker": "CLSK",
    "value_usd": "10",
    "term_years": "5",
    "gross_mw": "2",
    "critical_it_mw": "1",
    "kind": "lease",
    "is_firm": "true",
    "note": "Signed in 2025 - see the 8-K",
    "signed_date": "2025-01-01",
}


def _batch(contract: Contract, *rows: dict[str, Any], rejects: tuple[Reject, ...] = ()) -> Batch:
    table = pa.table(
        {name: pa.array([row[name] for row in rows], pa.string()) for name in contract.column_names}
        | {"source_file": ["a.csv"] * len(rows), "source_row": list(range(2, len(rows) + 2))}
    )
    return Batch("test", table, rejects)


def _judge(contract: Contract, *rows: dict[str, Any], rejects: tuple[Reject, ...] = ()) -> Batch:
    batch = _batch(contract, *rows, rejects=rejects)
    return judge(batch, contract, {"companies": frozenset({"CLSK", "IREN"})}, TODAY)


def test_a_good_row_passes_with_its_types() -> None:
    judged = _judge(DAILY_PRICES, GOOD)
    assert judged.rejects == ()
    assert judged.rows.to_pylist() == [
        {
            "symbol": "CLSK",
            "trade_date": dt.date(2025, 11, 21),
            "open": 9.5,
            "high": 10.0,
            "low": 9.1,
            "close": 9.73,
            "adj_close": None,
            "volume": 1000,
            "dividend_usd": None,
            "split_ratio": None,
            "price_basis": None,
            "is_repaired": None,
            "source_file": "a.csv",
            "source_row": 2,
        }
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"close": "-1"}, "close -1.0 is not above 0"),
        ({"close": "0"}, "close 0.0 is not above 0"),
        ({"close": None}, "close is missing"),
        ({"close": "abc"}, "close: 'abc' is not a number"),
        ({"close": "inf"}, "close: 'inf' is not a number"),
        ({"close": "nan"}, "close: 'nan' is not a number"),
        ({"volume": "-5"}, "volume -5 is below 0"),
        ({"volume": "2.5"}, "volume: '2.5' is not a whole number"),
        ({"trade_date": "21/11/2025"}, "trade_date: '21/11/2025' is not a date"),
        ({"trade_date": "2025-02-30"}, "trade_date: '2025-02-30' is not a date"),
        ({"trade_date": "2027-01-01"}, "lies in the future"),
        ({"trade_date": None}, "trade_date is missing"),
        ({"symbol": "no symbol"}, "does not look like"),
        ({"high": "9"}, "high is below open"),
        ({"low": "9.9"}, "close is below low"),
    ],
)
def test_a_bad_price_row_is_rejected_with_its_reason(change: dict[str, str | None], reason: str) -> None:
    judged = _judge(DAILY_PRICES, GOOD | {"trade_date": "2025-11-20"}, GOOD | change)
    assert judged.rows.num_rows == 1, "the good row still loads"
    (reject,) = judged.rejects
    assert (reject.source_file, reject.source_row) == ("a.csv", 3)
    assert reason in reject.reason
    assert json.loads(reject.record) == GOOD | change, "what was seen is kept as it was seen"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ticker": "XXXX"}, "ticker XXXX is not in the reference list of companies"),
        ({"term_years": None}, "a value without a term"),
        ({"critical_it_mw": "3"}, "critical IT MW above gross MW"),
        ({"kind": "loan"}, "kind loan is not one of lease, cloud"),
        ({"value_usd": "1e13"}, "is above 1e+12"),
        ({"is_firm": "maybe"}, "is_firm: 'maybe' is not true or false"),
        ({"signed_date": "1924-01-01"}, "is before 2010-01-01"),
        ({"signed_date": "2060-01-01"}, "is after 2030-01-01"),
        ({"kind": "cloud", "term_years": "7"}, "a cloud contract lasts from 1 to 5 years"),
    ],
)
def test_every_kind_of_rule_can_fail(change: dict[str, str | None], reason: str) -> None:
    judged = _judge(FACTS, FACT | {"ticker": "IREN"}, FACT | change)
    assert judged.rows["ticker"].to_pylist() == ["IREN"]
    assert reason in judged.rejects[0].reason


def test_optional_cells_may_be_empty() -> None:
    judged = _judge(FACTS, FACT | dict.fromkeys(("value_usd", "term_years", "gross_mw", "kind", "is_firm"), None))
    assert judged.rejects == ()


def test_an_exact_repeat_is_set_aside_and_the_first_stands() -> None:
    judged = _judge(DAILY_PRICES, GOOD, GOOD)
    assert judged.rows.num_rows == 1
    assert judged.rejects[0].source_row == 3
    assert judged.rejects[0].reason == "repeats a.csv row 2"


def test_two_different_rows_for_one_day_are_both_rejected() -> None:
    judged = _judge(DAILY_PRICES, GOOD, GOOD | {"close": "9.74"}, GOOD | {"trade_date": "2025-11-20"})
    assert judged.rows["trade_date"].to_pylist() == [dt.date(2025, 11, 20)]
    assert [reject.source_row for reject in judged.rejects] == [2, 3]
    assert "several different rows for one symbol, trade_date" in judged.rejects[0].reason


def test_a_bad_row_never_condemns_the_good_row_of_its_day() -> None:
    judged = _judge(DAILY_PRICES, GOOD, GOOD | {"close": "-9.73"})
    assert judged.rows.num_rows == 1
    assert [reject.source_row for reject in judged.rejects] == [3]


def test_good_rows_and_rejects_add_up() -> None:
    rows = [GOOD | {"trade_date": f"2025-01-{day:02d}", "close": "9.5" if day % 3 else "x"} for day in range(1, 31)]
    unreadable = Reject("b.csv", None, "unknown header", "Foo,Bar")
    judged = _judge(DAILY_PRICES, *rows, rejects=(unreadable,))
    assert judged.rows.num_rows + len(judged.rejects) == 31
    assert unreadable in judged.rejects


def test_an_empty_batch_is_no_fault_of_the_gate() -> None:
    judged = _judge(DAILY_PRICES)
    assert (judged.rows.num_rows, judged.rejects) == (0, ())


def test_a_missing_column_is_the_sources_fault() -> None:
    with pytest.raises(ContractMismatchError, match="close"):
        judge(Batch("test", pa.table({"symbol": ["A"]})), DAILY_PRICES, {}, TODAY)


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("double", "1e3", 1000.0),
        ("double", "+1.5", 1.5),
        ("double", ".5", 0.5),
        ("double", "0.1", 0.1),
        ("double", "1,000", None),
        ("double", "1e999", None),
        ("double", "1e0005", 100_000.0),
        ("double", "nan", None),
        ("double", "Infinity", None),
        ("bigint", "12.0", 12),
        ("bigint", "007", 7),
        ("bigint", "1e3", None),
        ("bigint", "99999999999999999999", None),
        ("bigint", "0000000000000000012", None),
        ("bigint", "0x1F", None),
        ("bigint", "0X1F", None),
        ("date", "2024-02-29", dt.date(2024, 2, 29)),
        ("date", "2023-02-29", None),
        ("date", "1600-01-01", dt.date(1600, 1, 1)),
        ("date", "0001-01-01", dt.date(1, 1, 1)),
        ("date", "0000-01-01", None),
        ("date", "20240229", None),
        ("boolean", "Yes", True),
        ("boolean", "0", False),
        ("varchar", "  x ", "x"),
    ],
)
def test_casting_cell_by_cell(kind: Any, cell: str, value: object) -> None:
    # a blank cell keeps Arrow from casting the whole column at once
    for cells in ([cell], [cell, None], [cell, "  "]):
        typed, unfit = cast_column(pa.chunked_array([cells]), Column("x", kind, "A column."))
        assert typed.to_pylist() == [value, None][: len(cells)]
        assert list(unfit) == ([0] if value is None else [])


def test_typed_columns_pass_and_their_infinities_do_not() -> None:
    typed, unfit = cast_column(pa.chunked_array([[1.0, float("inf"), None]]), Column("x", "double", "A column."))
    assert typed.to_pylist() == [1.0, None, None]
    assert list(unfit) == [1]


@pytest.mark.parametrize(
    "text",
    [
        "bell \x07",
        "nul \x00",
        "two\nlines",
        "\u202etxt.exe",
        "zero\u200bwidth",
        "\u2066isolated\u2069",
        "\ufffd",
        "\ue000",
    ],
)
def test_a_text_that_does_not_show_what_it_is_is_rejected_and_told_harmlessly(text: str) -> None:
    judged = _judge(FACTS, FACT | {"ticker": "IREN"}, FACT | {"note": text})
    assert judged.rows["ticker"].to_pylist() == ["IREN"]
    (reject,) = judged.rejects
    assert "holds control, direction or invisible characters" in reject.reason
    assert json.loads(reject.record)["note"] == text, "nothing is lost"
    assert (reject.reason + reject.record).isprintable()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+1", "@sum(a1)", " =cmd|' /c calc'!a1", "\uff1d1+1", "\t=1"])
def test_a_text_that_a_spreadsheet_would_run_is_rejected(text: str) -> None:
    judged = _judge(FACTS, FACT | {"ticker": "IREN"}, FACT | {"note": text})
    assert "begins like a formula" in judged.rejects[0].reason
    assert judged.rows.num_rows == 1


@pytest.mark.parametrize(
    "text", ["M\u00fcller & S\u00f6hne", "\u8054\u60f3", "caf\u00e9 = bar", "A+ rated", "a\u00a0b", "1 - 2"]
)
def test_a_harmless_text_passes(text: str) -> None:
    assert _judge(FACTS, FACT | {"note": text}).rejects == ()


@pytest.mark.parametrize(
    ("address", "is_plain"),
    [
        ("https://www.sec.gov/Archives/edgar/data/1?x=y#z", True),
        ("http://ir.mara.com", True),
        ("https://sec.gov:443/a", True),
        ("https://1.2.3.4.example.com/a", True),
        ("https://test.local.example.com/a", True),
        ("http://127.0.0.1:8000/a", False),
        ("https://192.168.0.1", False),
        ("https://93.184.216.34/a", False),
        ("https://2130706433/a", False),  # 127.0.0.1 as one number
        ("https://0x7f000001/a", False),
        ("https://0x7f.0.0.0x1/a", False),
        ("https://127.0.0.0x1", False),
        ("https://0177.0.0.01/a", False),
        ("https://127.1/a", False),
        ("https://[::1]/a", False),
        ("https://[2606:2800:220:1::1]:443/a", False),
        ("https://localhost/a", False),
        ("https://localhost.localdomain:80", False),
        ("https://ir.LOCALHOST?a", False),
        ("https://wiki.corp.internal/deals", False),
        ("https://nas.local", False),
        ("https://sec.gov./a", False),
        ("https://user:password@sec.gov/a", False),
        ("https://sec.gov@evil.com/a", False),
        ("https://s\u0435c.gov/a", False),  # a Cyrillic letter
        ("https://xn--sc-mlc.gov/a", False),
        ("https://www.XN--sc-mlc.gov/a", False),
        ("javascript:alert(1)", False),
        ("ftp://sec.gov/a", False),
        ("file:///etc/passwd", False),
        ("https://sec.gov/a b", False),
        ("https://sec.gov/\u202ea", False),
        ("https://sec.gov\\@evil.com", False),
        ("//sec.gov/a", False),
        ("https://sec", False),
    ],
)
def test_a_link_is_plain_or_refused(address: str, is_plain: bool) -> None:
    assert (re.match(LINK, address) is not None) is is_plain


def test_what_is_no_text_can_be_shown() -> None:
    seen = visible(b"A\xff.csv".decode("utf-8", "surrogateescape"))
    assert seen == "A\\udcff.csv"
    assert pa.array([seen]).to_pylist() == [seen]
    assert visible("a\tb") == "a\tb"


def test_a_large_batch_is_judged_in_parts_and_nothing_else_changes() -> None:
    """Symbols one after the other or mixed, bad cells, exact repeats, keys told twice, no symbol at all."""
    days = [f"2025-11-{day:02d}" for day in range(3, 22)]
    rows = [GOOD | {"symbol": symbol, "trade_date": day} for symbol in ("AAA", "BBB", "CCC", "DDD") for day in days]
    rows += [GOOD | {"symbol": symbol, "trade_date": day} for day in ("2025-12-01", "2025-12-02") for symbol in "AB"]
    rows += [
        rows[3],
        rows[40] | {"close": "9.5"},
        GOOD | {"symbol": " AAA ", "trade_date": days[5]},
        rows[60] | {"high": "1"},
        GOOD | {"symbol": None},
        GOOD | {"symbol": "ZZZ", "trade_date": "never", "volume": "-1"},
        rows[-1],
    ]
    batch = _batch(DAILY_PRICES, *rows)
    whole = judge(batch, DAILY_PRICES, {}, TODAY)
    assert len(whole.rejects) > 6
    for size in (1, 7, 20, 45):
        parts = judge(batch, DAILY_PRICES, {}, TODAY, rows_at_a_time=size)
        assert parts.rejects == whole.rejects
        assert parts.rows.equals(whole.rows)


def test_rows_are_judged_while_others_are_read_and_nothing_else_changes(tmp_path: Path) -> None:
    """Whatever is handed over, alone or in the batch itself: the same rows, rejects and counts, in the same order."""
    days = [f"2025-11-{day:02d}" for day in range(3, 22)]
    by_symbol = [[GOOD | {"symbol": symbol, "trade_date": day} for day in days] for symbol in ("CCC", "AAA", "BBB")]
    by_symbol[1] += [by_symbol[1][2], by_symbol[1][3] | {"close": "9.5"}, GOOD | {"symbol": None}]
    by_symbol[2][5] = by_symbol[2][5] | {"high": "1"}
    by_symbol.append([GOOD | {"symbol": "ZZZ", "trade_date": "never", "volume": "-1"}])
    line = (Reject("a.csv", 7, "a line that is no row", "oops"),)
    batch = replace(_batch(DAILY_PRICES, *(row for rows in by_symbol for row in rows)), rejects=line)
    whole = judge(batch, DAILY_PRICES, {}, TODAY)
    ends = list(itertools.accumulate(map(len, by_symbol), initial=0))
    parts = [batch.rows.slice(start, end - start) for start, end in itertools.pairwise(ends)]
    for name in (GOOD_ROWS, BAD_ROWS):
        (tmp_path / name).write_bytes(b"what a killed run left")
    for size, handed_over in itertools.product((1, 20, 45, 1000), range(len(parts) + 1)):

        def fetch(hand_over: HandOver, count: int = handed_over) -> Batch:
            for part in parts[:count]:
                hand_over(part)
            return replace(batch, rows=pa.concat_tables([batch.rows.slice(0, 0), *parts[count:]]))

        judged = judge_fetched(fetch, DAILY_PRICES, {}, TODAY, tmp_path, rows_at_a_time=size)
        assert judged.stored is not None
        assert judged.stored_rejects is not None
        with judged.stored.reader() as good, judged.stored_rejects.reader() as bad:
            assert good.read_all().equals(whole.rows)
            assert bad.read_all().equals(rejects_table(whole.rejects[1:]))
        assert (judged.rows.num_rows, judged.rows.schema) == (0, whole.rows.schema)
        assert (judged.row_count, judged.rejects, judged.checks) == (whole.rows.num_rows, line, whole.checks)
        assert judged.kept_out == whole.kept_out


def test_no_more_rows_wait_than_are_judged_together(tmp_path: Path) -> None:
    """What was handed over is let go of, so that a market takes no more memory than a part of it."""
    alive: list[weakref.ref[pa.Table]] = []

    def fetch(hand_over: HandOver) -> Batch:
        for at in range(20):
            rows = _batch(DAILY_PRICES, *(GOOD | {"symbol": f"S{at}"} for _ in range(10))).rows
            alive.append(weakref.ref(rows))
            hand_over(rows)
            del rows
            assert sum(table() is not None for table in alive) <= 3
        return replace(_batch(DAILY_PRICES, GOOD), rows=_batch(DAILY_PRICES, GOOD).rows.slice(0, 0))

    judged = judge_fetched(fetch, DAILY_PRICES, {}, TODAY, tmp_path, rows_at_a_time=30)
    assert (judged.row_count, sum(kept.count for kept in judged.kept_out.values())) == (20, 180)


@pytest.mark.parametrize("beyond", ["1600-01-03", "1677-09-20", "2262-04-12", "9999-12-31"])
def test_a_date_that_nanoseconds_cannot_hold_costs_its_own_row_alone(beyond: str) -> None:
    """Far dates are judged as near ones are, and the rows beside them are not touched."""
    judged = _judge(DAILY_PRICES, GOOD, {**GOOD, "trade_date": beyond}, {**GOOD, "trade_date": "2026-01-02"})
    assert judged.rows["trade_date"].to_pylist() == [dt.date(2025, 11, 21)]
    reason = "is before 1900-01-01" if beyond < "1900" else "lies in the future"
    assert [reject.source_row for reject in judged.rejects] == [3, 4]
    assert reason in judged.rejects[0].reason
    assert "2026-01-02 lies in the future" in judged.rejects[1].reason


@pytest.mark.parametrize("other", [GOOD, {**GOOD, "volume": None}])
def test_a_large_volume_keeps_its_last_digit_beside_full_and_empty_cells(other: dict[str, Any]) -> None:
    """Two volumes that a float would take for one are two rows, so neither repeats the other."""
    large = {**GOOD, "trade_date": "2025-11-20", "volume": "9007199254740992"}
    judged = _judge(DAILY_PRICES, other, large, {**large, "volume": "9007199254740993"})
    assert judged.rows["volume"].to_pylist() == [None if other["volume"] is None else 1000]
    assert len(judged.rejects) == 2
    assert not any("repeats" in reject.reason for reject in judged.rejects)
