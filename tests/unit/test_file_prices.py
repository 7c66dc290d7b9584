"""The folder-of-files price source: each vendor's layout, each reason to reject, and what the rows look like."""

from __future__ import annotations

import datetime as dt
import gzip
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.contracts.batch import Batch, Reject
from dagster_project.contracts.market import DAILY_PRICES
from dagster_project.sources.base import EmptyFetchError, SourceError
from dagster_project.sources.prices.base import PriceRequest, PriceSource
from dagster_project.sources.prices.files import FilePrices
from dagster_project.sources.prices.files.layouts import SPELLINGS, layout_of

FIXTURES = Path(__file__).parents[1] / "fixtures" / "price_files"
REAL_FILES = Path(__file__).parents[3] / "shared" / "data" / "prices"
YAHOO = "Date,Open,High,Low,Close,Volume\n"


def fetch(folder: Path, start: dt.date | None = None, end: dt.date | None = None) -> Batch:
    source: PriceSource = FilePrices(folder)
    return source.fetch(PriceRequest(symbols=(), start=start, end=end))


def fetch_text(folder: Path, text: str, name: str = "CLSK.csv") -> Batch:
    (folder / name).write_bytes(text.encode())
    return fetch(folder)


def bars(batch: Batch) -> list[tuple[str | None, ...]]:
    """Date, open, high, low, close, adj_close, volume of each row."""
    names = ("trade_date", "open", "high", "low", "close", "adj_close", "volume")
    return [tuple(row[name] for name in names) for row in batch.rows.to_pylist()]


def only_reject(batch: Batch) -> Reject:
    (reject,) = batch.rejects
    return reject


# The vendors' layouts


def test_yahoo_with_adjusted_close_and_null_cells() -> None:
    batch = fetch(FIXTURES / "yahoo")
    assert bars(batch) == [
        ("2025-01-02", "10.10", "10.90", "10.00", "10.50", "10.25", "1500000"),
        ("2025-01-03", None, None, None, None, None, None),
        ("2025-01-06", "10.50", "11.25", "10.40", "11.00", "10.75", "2000000"),
    ]
    assert batch.rows["source_row"].to_pylist() == [2, 3, 4]
    assert not batch.rejects


def test_stooq_downloads_in_english_and_polish() -> None:
    batch = fetch(FIXTURES / "stooq")
    assert batch.rows["symbol"].to_pylist() == ["CLSK", "CLSK", "IREN", "IREN"]
    assert bars(batch) == [
        ("2025-01-02", "10.1", "10.9", "10", "10.5", None, "1500000"),
        ("2025-01-03", "10.5", "10.75", "10.25", "10.6", None, "1250000"),
        ("2025-01-02", "8.1", "8.9", "8", "8.5", None, "750000"),
        ("2025-01-03", "8.5", "8.75", "8.25", "8.6", None, None),
    ]


def test_stooq_bulk_keeps_daily_rows_of_the_file_names_symbol() -> None:
    batch = fetch(FIXTURES / "stooq_bulk")
    assert bars(batch) == [
        ("2025-01-02", "10.1", "10.9", "10", "10.5", None, "1500000"),
        ("2025-01-03", "10.5", "10.75", "10.25", "10.6", None, "1250000"),
    ]
    assert batch.rows["source_row"].to_pylist() == [2, 5]
    name, record = "clsk.us.txt", "MARA.US,D,20250102,000000,20.1,20.9,20,20.5,2500000,0"
    assert batch.rejects == (
        Reject(name, 3, "ticker MARA.US is not the file name's CLSK", record),
        Reject(name, 4, "period 5 is not D (daily)", "CLSK.US,5,20250103,153000,10.5,10.75,10.25,10.6,50000,0"),
    )


def test_nasdaq_dates_dollars_and_missing_volume() -> None:
    batch = fetch(FIXTURES / "nasdaq")
    assert bars(batch) == [
        ("2025-01-13", "10.50", "11.25", "10.40", "11.00", None, "2000000"),
        ("2025-01-03", "10.5005", "10.75", "10.25", "10.60", None, None),
        ("2025-01-02", "1010.10", "1010.90", "1010.00", "1010.50", None, "1500000"),
    ]
    reject = only_reject(batch)
    assert (reject.source_file, reject.source_row) == ("HistoricalData_1763900000000.csv", None)
    assert reject.reason == "no symbol in the file name: rename it to SYMBOL.csv"


def test_investing_separators_suffixes_and_a_short_line() -> None:
    batch = fetch(FIXTURES / "investing")
    assert bars(batch) == [
        ("2025-01-13", "1230.00", "1240.25", "1228.00", "1234.50", None, "12340000"),
        ("2025-01-10", "10.50", "11.25", "10.40", "11.00", None, "5600"),
        ("2025-01-08", "10.10", "10.90", "10.00", "10.50", None, "1200000000"),
        ("2025-01-07", "10.10", "10.90", "10.00", "10.40", None, None),
    ]
    assert batch.rows["source_row"].to_pylist() == [2, 3, 5, 6]
    raw = '"01/09/2025","10.60","10.50","10.75"'
    assert only_reject(batch) == Reject("CLSK Historical Data.csv", 4, "4 cells, the header has 7", raw)


def test_plain_layouts() -> None:
    batch = fetch(FIXTURES / "plain")
    assert batch.rows["symbol"].to_pylist() == ["BTC-USD", "BTC-USD", "RIOT", "RIOT"]
    assert bars(batch)[0] == ("2025-01-01", None, None, None, "50000.25", None, None)
    assert bars(batch)[2] == ("2025-01-02", None, None, None, "12.5", None, "300000")


@pytest.mark.parametrize(
    "text",
    [
        "DATE,CLOSE,ADJ_CLOSE\n2025-01-02,10.5,10.25\n",
        "  date ; adj_close ; close \n2025-01-02;10.25;10.5\n",
        "adj close\tClose\tDate\n10.25\t10.5\t2025-01-02\n",
        '\ufeff"Date","Close","Adj Close"\n"2025-01-02","10.5","10.25"\n',
        "\r\n\r\nDate,Close,Adj Close\r\n2025-01-02, 10.5 , 10.25 \r\n\r\n",
    ],
)
def test_header_case_order_delimiter_and_mark_do_not_matter(tmp_path: Path, text: str) -> None:
    batch = fetch_text(tmp_path, text)
    assert bars(batch) == [("2025-01-02", None, None, None, "10.5", "10.25", None)]
    assert not batch.rejects


def test_every_spelling_names_one_column() -> None:
    # beside a date, a time is the time of day
    columns = {ours: known for ours, known in SPELLINGS.items() if ours != "trade_time"}
    spellings = [spelling for known in columns.values() for spelling in known]
    assert len(spellings) == len(set(spellings))
    for ours, known in columns.items():
        for spelling in known:
            rest = [name for name in ("date", "close") if ours not in ("trade_date", "close") or name not in known]
            assert layout_of([spelling, *rest]).places[ours] == 0


# Files of the folder


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("CLSK.csv", "CLSK"),
        ("clsk.CSV", "CLSK"),
        ("btc-usd.csv", "BTC-USD"),
        ("clsk_us_d.csv", "CLSK"),
        ("clsk_us_d (2).csv", "CLSK"),
        ("btcusd_d.csv", "BTCUSD"),
        ("brk-b.us.csv", "BRK-B"),
        ("CLSK Historical Data.csv", "CLSK"),
        ("BRK.B.csv", "BRK.B"),
    ],
)
def test_symbol_comes_from_the_file_name(tmp_path: Path, name: str, symbol: str) -> None:
    batch = fetch_text(tmp_path, "date,close\n2025-01-02,1\n", name)
    assert batch.rows.select(["symbol", "source_file"]).to_pylist() == [{"symbol": symbol, "source_file": name}]


@pytest.mark.parametrize(
    "name",
    ["HistoricalData_1763900000000.csv", "clsk_us_w.csv", "CleanSpark Stock Price History.csv", "prices.csv"],
)
def test_file_name_without_symbol_is_rejected(tmp_path: Path, name: str) -> None:
    reject = only_reject(fetch_text(tmp_path, "date,close\n2025-01-02,1\n", name))
    assert (reject.source_file, reject.reason) == (name, "no symbol in the file name: rename it to SYMBOL.csv")


def test_other_files_are_ignored(tmp_path: Path) -> None:
    for name in ("README.csv", "readme.md", ".CLSK.csv", "notes.txt", "meta.json", "prices.xlsx"):
        (tmp_path / name).write_text("date,close\n2025-01-02,1\n")
    (tmp_path / "older.csv").mkdir()
    batch = fetch(tmp_path)
    assert not batch.rows.num_rows
    assert only_reject(batch).reason.startswith("not a readable workbook")
    assert [remark.partition(",")[0] for remark in batch.remarks] == ["meta.json: left out", "notes.txt: left out"]
    (tmp_path / "prices.xlsx").unlink()
    (tmp_path / "notes.txt").unlink()
    with pytest.raises(EmptyFetchError, match=r"has no file that is read .*; meta\.json: \.json is none of csv"):
        fetch(tmp_path)


def test_second_file_for_a_symbol_is_rejected_whatever_the_order_of_writing(tmp_path: Path) -> None:
    for number, names in enumerate((("CLSK.csv", "clsk_us_d.csv"), ("clsk_us_d.csv", "CLSK.csv"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in names:
            (folder / name).write_text("date,close\n2025-01-02,1\n")
        batch = fetch(folder)
        assert batch.rows["source_file"].to_pylist() == ["CLSK.csv"]
        reject = only_reject(batch)
        assert reject.source_file == "clsk_us_d.csv"
        assert reject.reason == "a second file for CLSK, beside CLSK.csv: keep one of them, or join them"


def test_files_come_in_order_of_their_names(tmp_path: Path) -> None:
    for name in ("C.csv", "A.csv", "B.csv"):
        (tmp_path / name).write_text("date,close\n2025-01-02,1\n")
    assert fetch(tmp_path).rows["symbol"].to_pylist() == ["A", "B", "C"]


def test_rows_that_are_handed_over_are_those_of_the_batch(tmp_path: Path) -> None:
    """File by file and in the same order; what else the batch says is the same."""
    for name in ("AAA", "BBB", "CCC"):
        (tmp_path / f"{name}.csv").write_text(YAHOO + "2025-11-03,1,2,1,1.5,10\n2025-11-04,1,2,1,oops,10\n")
    (tmp_path / "table.csv").write_text("symbol,date,close\nDDD,2025-11-03,5\nBBB,2025-11-03,5\nEEE,2025-11-03,5\n")
    (tmp_path / "BROKEN.csv").write_text("<html>")
    whole = fetch(tmp_path)
    handed_over: list[pa.Table] = []
    rest = FilePrices(tmp_path).fetch(PriceRequest(symbols=()), handed_over.append)
    assert rest.rows.num_rows == 0
    assert pa.concat_tables(handed_over).equals(whole.rows)
    assert all(len(set(rows["source_file"].to_pylist())) <= 1 for rows in handed_over)
    assert replace(rest, rows=whole.rows) == whole


def test_gzip_is_read(tmp_path: Path) -> None:
    (tmp_path / "CLSK.csv.gz").write_bytes(gzip.compress(b"date,close\n2025-01-02,1\n"))
    assert bars(fetch(tmp_path)) == [("2025-01-02", None, None, None, "1", None, None)]


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        fetch(tmp_path / "nowhere")


def test_picked_symbols_come_alone_and_those_without_a_file_are_named(tmp_path: Path) -> None:
    for symbol in ("CLSK", "MARA"):
        (tmp_path / f"{symbol}.csv").write_text("date,close\n2025-01-02,1\n")
    batch = FilePrices(tmp_path).fetch(PriceRequest(("CLSK", "IREN"), only_listed=True))
    assert batch.rows["symbol"].to_pylist() == ["CLSK"]
    assert (list(batch.missing), batch.is_partial) == (["IREN"], True)
    with pytest.raises(EmptyFetchError, match="has no price of IREN from the beginning to the end"):
        FilePrices(tmp_path).fetch(PriceRequest(("IREN",), only_listed=True))


def test_nothing_within_the_days_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "CLSK.csv").write_text("date,close\n2025-01-02,1\n")
    with pytest.raises(EmptyFetchError, match="has no price from 2026-01-01 to the end"):
        fetch(tmp_path, start=dt.date(2026, 1, 1))


# What is rejected


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("BAD.csv", b"Foo,Bar\n1,2\n", "unknown header: Foo,Bar: no column for the date and the close"),
        ("BAD.csv", b"No data", "no prices, but a notice: No data: the vendor has no prices under this symbol"),
        ("BAD.csv", b"Date,Close,Close\n2025-01-02,1,1\n", "unknown header: Date,Close,Close: Close stands twice"),
        ("BAD.csv", b"", "empty file"),
        ("BAD.csv", b"\n \n", "empty file"),
        ("BAD.csv", YAHOO.encode(), "no row below the header"),
        ("BAD.csv", b"date,close\n2025-01-02,\xe9\n", "not UTF-8 text: byte 0xe9 at offset 22"),
        ("BAD.csv", b"\n <!DOCTYPE html><html></html>", "a web page, not a price file"),
        ("BAD.csv", b"<html>\n", "a web page, not a price file"),
        ("BAD.csv.gz", b"date,close\n2025-01-02,1\n", "not a readable gzip file"),
        ("BAD.csv.gz", gzip.compress(b"date,close\n2025-01-02,1\n", mtime=0)[:-12], "not a readable gzip file"),
        ("BAD.parquet", b"PAR1 is not enough", "not a readable Parquet file"),
        ("BAD.parquet", b"", "empty file"),
    ],
)
def test_unreadable_file_is_rejected_and_the_others_load(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "CLSK.csv").write_text("date,close\n2025-01-02,1\n")
    batch = fetch(tmp_path)
    assert batch.rows["symbol"].to_pylist() == ["CLSK"]
    reject = only_reject(batch)
    assert (reject.source_file, reject.source_row) == (name, None)
    assert reject.reason.startswith(reason)


def test_unknown_parquet_columns_and_types_are_rejected(tmp_path: Path) -> None:
    pq.write_table(pa.table({"Foo": [1]}), tmp_path / "A.parquet")
    pq.write_table(pa.table({"date": ["2025-01-02"], "close": [[1.0]]}), tmp_path / "B.parquet")
    pq.write_table(
        pa.table({"date": pa.array([], pa.date32()), "close": pa.array([], pa.float64())}), tmp_path / "C.parquet"
    )
    first, second, third = fetch(tmp_path).rejects
    assert first.reason.startswith("unknown header: Foo: no column for the date and the close")
    assert second.reason.startswith("column close holds list<")
    assert third.reason == "no row below the header"


def test_parquet_text_that_is_not_utf8_is_rejected(tmp_path: Path) -> None:
    text = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xe9\xe9"))
    pq.write_table(pa.table({"date": ["2025-01-02"], "close": text}), tmp_path / "CLSK.parquet")
    assert only_reject(fetch(tmp_path)).reason.startswith("not a readable Parquet file")


def test_lines_of_the_wrong_length_are_rejected_by_line(tmp_path: Path) -> None:
    text = "date,close\n2025-01-02,1\n2025-01-03,2,3\n\n2025-01-06\n2025-01-07,4\n"
    batch = fetch_text(tmp_path, text)
    assert batch.rows["source_row"].to_pylist() == [2, 6]
    assert batch.rejects == (
        Reject("CLSK.csv", 3, "3 cells, the header has 2", "2025-01-03,2,3"),
        Reject("CLSK.csv", 5, "1 cells, the header has 2", "2025-01-06"),
    )


def test_file_of_misfit_lines_only_gives_rejects(tmp_path: Path) -> None:
    batch = fetch_text(tmp_path, "date,close\n2025-01-02\n")
    assert batch.rows.num_rows == 0
    assert only_reject(batch).source_row == 2


@pytest.mark.parametrize("rows_below", [0, 3, 20_000])
@pytest.mark.parametrize("bad", ['2025-01-03,"2', '"2025-01-03,2', '2025-01-03,"2"5'])
def test_stray_quote_costs_its_own_line_only(tmp_path: Path, rows_below: int, bad: str) -> None:
    good = "2025-01-02,1\n"
    batch = fetch_text(tmp_path, f"date,close\n{good}{bad}\n{good * rows_below}")
    assert batch.rows["source_row"].to_pylist() == [2, *range(4, 4 + rows_below)]
    assert only_reject(batch) == Reject("CLSK.csv", 3, "a stray quote", bad)


def test_two_stray_quotes_do_not_make_one_record(tmp_path: Path) -> None:
    batch = fetch_text(tmp_path, 'date,close\n2025-01-02,"1\n2025-01-03,2\n2025-01-06,"3\n2025-01-07,4\n')
    assert batch.rows["source_row"].to_pylist() == [3, 5]
    assert [(reject.source_row, reject.record) for reject in batch.rejects] == [
        (2, '2025-01-02,"1'),
        (4, '2025-01-06,"3'),
    ]


def test_quoted_line_break_counts_as_a_line(tmp_path: Path) -> None:
    batch = fetch_text(tmp_path, 'date,close\n2025-01-02,"1\n"\n2025-01-03,2\n')
    assert batch.rows["source_row"].to_pylist() == [2, 4]
    assert batch.rows["close"].to_pylist() == ["1", "2"]


def test_day_first_dates_are_read_day_first(tmp_path: Path) -> None:
    header = "Date,Price,Open,High,Low,Vol.,Change %\n"
    batch = fetch_text(tmp_path, header + "05/02/2025,1,1,1,1,-,0%\n31/01/2025,1,1,1,1,-,0%\n")
    assert batch.rows["trade_date"].to_pylist() == ["2025-02-05", "2025-01-31"]
    assert not batch.rejects


# Cells


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("12/31/2025", "2025-12-31"),
        ("1/2/2025", "2025-01-02"),
        ("Nov 01, 2023", "2023-11-01"),
        ("20250102", "2025-01-02"),
        ("2025-01-02", "2025-01-02"),
        ("2025-01-02 00:00:00-05:00", "2025-01-02"),
        ("N/A", None),
        ("02/30/2025", "02/30/2025"),
        ("13/45/2025", "13/45/2025"),
        ("20251345", "20251345"),
        ("2025-01-02 15:30:00", "2025-01-02"),
        ("2025-13-45", "2025-13-45"),
        ("soon", "soon"),
    ],
)
def test_dates(tmp_path: Path, cell: str, expected: str | None) -> None:
    batch = fetch_text(tmp_path, f'Date,Close/Last,Volume,Open,High,Low\n"{cell}",1,1,1,1,1\n')
    assert batch.rows["trade_date"].to_pylist() == [expected]


def test_a_date_that_may_be_two_days_is_refused_with_what_to_do(tmp_path: Path) -> None:
    reject = only_reject(fetch_text(tmp_path, "date,close\n01/02/2025,1\n"))
    assert reject.source_row is None
    assert reject.reason.startswith("the date 01/02/2025 may be day first or month first: export the file with ISO")
    assert "MINEHOUSE_PRICE_DATE_ORDER" in reject.reason


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("9.730000", "9.730000"),
        ("$9.73", "9.73"),
        (" $9.73", "9.73"),
        ("-$9.73", "-9.73"),
        ("$1,234,567.50", "1234567.50"),
        ("1.2e-05", "0.000012"),
        ("null", None),
        ("NaN", None),
        ("-", None),
        ("", None),
        ("1,23", "1.23"),
        ("12,34.5", "12,34.5"),
        ("9.73 USD", "9.73"),
        ("€9.73", "€9.73"),  # another currency is no number of ours: the gate rejects the row
        ("£9.73", "£9.73"),
        ("USD 9.73", "9.73"),
        ("$5K", "$5K"),
        ("#N/A", None),
        ("abc", "abc"),
    ],
)
def test_prices(tmp_path: Path, cell: str, expected: str | None) -> None:
    assert fetch_text(tmp_path, f'date,close\n2025-01-02,"{cell}"\n').rows["close"].to_pylist() == [expected]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1234", "1234"),
        ("1234.0", "1234"),
        ("1,234,567", "1234567"),
        ("12.34M", "12340000"),
        ("5.6k", "5600"),
        ("1.2B", "1200000000"),
        ("0.29M", "290000"),
        ("1.23456789K", "1235"),
        ("1234.5", "1234"),
        ("-", None),
        ("N/A", None),
        ("M", "M"),
        ("lots", "lots"),
    ],
)
def test_volumes(tmp_path: Path, cell: str, expected: str | None) -> None:
    assert fetch_text(tmp_path, f'date,close,volume\n2025-01-02,1,"{cell}"\n').rows["volume"].to_pylist() == [expected]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_comma_is_not_taken_for_a_thousands_separator_where_it_may_be_a_decimal_one(
    tmp_path: Path, delimiter: str
) -> None:
    lines = (("date", "close", "volume"), ("2025-01-02", "1,234", "5,678"))
    reject = only_reject(fetch_text(tmp_path, "\n".join(delimiter.join(line) for line in lines)))
    assert reject.reason.startswith("close 1,234 may be a whole number with its thousands grouped or have three dec")


# Rows


def test_columns_are_text_beside_the_line_number() -> None:
    batch = fetch(FIXTURES / "yahoo")
    assert batch.source == "files"
    assert batch.rows.column_names == [*DAILY_PRICES.column_names, "source_file", "source_row"]
    assert {str(batch.rows.schema.field(name).type) for name in (*DAILY_PRICES.column_names, "source_file")} == {
        "string"
    }
    assert batch.rows.schema.field("source_row").type == pa.int64()


def test_order_of_lines_changes_line_numbers_only(tmp_path: Path) -> None:
    lines = [f"2025-01-{day:02},{day}.5\n" for day in range(1, 29)]
    forward = fetch_text(tmp_path, "date,close\n" + "".join(lines)).rows
    shuffled = fetch_text(tmp_path, "date,close\n" + "".join([*lines[::-2], *lines[::2]])).rows
    columns = ["symbol", "trade_date", "close"]
    assert shuffled.sort_by("trade_date").select(columns) == forward.select(columns)


def test_days_are_inclusive_and_unreadable_dates_stay(tmp_path: Path) -> None:
    days = ("2025-01-01", "2025-01-02", "2025-01-03", "2025-01-04", "soon", "2025-13-45", "")
    (tmp_path / "CLSK.csv").write_text("date,close\n" + "".join(f"{day},1\n" for day in days))
    batch = fetch(tmp_path, dt.date(2025, 1, 2), dt.date(2025, 1, 3))
    assert batch.rows["trade_date"].to_pylist() == ["2025-01-02", "2025-01-03", "soon", "2025-13-45", None]
    assert fetch(tmp_path, end=dt.date(2025, 1, 1)).rows["trade_date"].to_pylist()[0] == "2025-01-01"
    assert fetch(tmp_path).rows.num_rows == len(days)


def test_parquet_becomes_text_that_reads_back_to_the_same_values(tmp_path: Path) -> None:
    closes = [(number / 7) ** power for number in range(1, 100) for power in range(-20, 21)] + [0.1 + 0.2, 5e-324]
    dates = pd.date_range("2009-01-01", periods=len(closes), tz="America/New_York")
    frame = pd.DataFrame({"Date": dates, "Close": closes, "Volume": [float(n * 1000) for n in range(len(closes))]})
    frame.to_parquet(tmp_path / "CLSK.parquet", index=False)
    rows = fetch(tmp_path).rows
    assert [float(text) for text in rows["close"].to_pylist()] == closes
    assert not any("e" in text for text in rows["close"].to_pylist())
    assert rows["trade_date"].to_pylist() == [day.date().isoformat() for day in dates]
    assert rows["volume"].to_pylist()[:3] == ["0", "1000", "2000"]
    assert rows["source_row"].to_pylist()[:2] == [2, 3]


@pytest.mark.parametrize(
    "date",
    [
        pa.array([dt.date(2025, 1, 2)]),
        pa.array([dt.datetime(2025, 1, 2)], pa.timestamp("ns")),  # noqa: DTZ001 - a column without a time zone is meant
        pa.array([20250102]),
        pa.array(["2025-01-02"]).dictionary_encode(),
    ],
)
def test_parquet_date_types(tmp_path: Path, date: pa.Array) -> None:
    volumes = pa.array([7], pa.int32())
    table = pa.table({"DATE": date, "close": pa.array([float("nan")]), "volume": volumes})
    pq.write_table(table, tmp_path / "CLSK.parquet")
    assert bars(fetch(tmp_path)) == [("2025-01-02", None, None, None, None, None, "7")]


def test_real_files_load_whole() -> None:
    if not REAL_FILES.is_dir():
        pytest.skip("no folder of real files beside the repository")
    batch = fetch(REAL_FILES)
    paths = sorted(REAL_FILES.glob("*.csv"))
    assert not batch.rejects
    assert batch.rows.num_rows == sum(len(path.read_text().splitlines()) - 1 for path in paths)
    assert set(batch.rows["symbol"].to_pylist()) == {path.stem for path in paths}
    for row in batch.rows.slice(0, 50).to_pylist():
        line = (REAL_FILES / row["source_file"]).read_text().splitlines()[row["source_row"] - 1]
        assert line.startswith(f"{row['trade_date']},{row['open']},")
        assert line.endswith(f",{row['close']},{row['volume']}")
