"""More exports of vendors and spreadsheets, each made here in two rows: what is read, and what is refused and why."""

from __future__ import annotations

import datetime as dt
import gzip
import struct
import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.contracts.batch import Batch
from dagster_project.contracts.market import DAILY_PRICES
from dagster_project.gate.gate import judge
from dagster_project.sources.base import EmptyFetchError
from dagster_project.sources.prices.base import PriceRequest
from dagster_project.sources.prices.files import FilePrices
from dagster_project.sources.prices.files import folder as files_folder
from dagster_project.sources.prices.files import source as files_source

NOW = dt.datetime(2026, 11, 26, 15, tzinfo=dt.UTC)
LISTED = ("BTC-USD", "CLSK", "HUT", "MARA")
DAYS = (dt.date(2025, 11, 20), dt.date(2025, 11, 21))
CLOSES = {DAYS[0]: 10.2, DAYS[1]: 10.4}


def judged(folder: Path) -> Batch:
    """The folder as the pipeline reads and judges it."""
    request = PriceRequest(LISTED, always_open=frozenset({"BTC-USD"}))
    try:
        return judge(FilePrices(folder, now=lambda: NOW).fetch(request), DAILY_PRICES, {}, NOW.date())
    except EmptyFetchError as error:
        pytest.fail(str(error))


def seconds(day: dt.date, hour: int = 0, minute: int = 0) -> int:
    """Seconds since 1970 of a time in UTC."""
    return int(dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=dt.UTC).timestamp())


def table(header: str, first: str, second: str) -> str:
    """A table of a header and two rows, the rows' day written where it says {d}, {m} or {e}."""
    rows = [
        row.format(d=day.isoformat(), c=f"{day:%Y%m%d}", m=f"{day:%m/%d/%Y}", g=f"{day:%d.%m.%Y}", e=seconds(day))
        for row, day in zip((first, second), DAYS, strict=True)
    ]
    return "\n".join([header, *rows, ""])


def two(header: str, row: str) -> str:
    """A table of two rows, the closes written where `row` has a dollar sign."""
    return table(header, row.replace("$", "10.2"), row.replace("$", "10.4"))


READ: dict[str, tuple[str, str]] = {
    "Bloomberg": ("CLSK.csv", "CLSK US Equity,,\nStart Date,11/20/2025,\n" + two("Dates,PX_LAST,PX_VOLUME", "{m},$,7")),
    "Refinitiv": ("CLSK.O.csv", two("Exchange Date,Close,Net,%Chg,Volume", "{d},$,0.2,+1.9%,7")),
    "Eikon": ("CLSK.csv", two("Date,TRDPRC_1,OPEN_PRC,ACVOL_UNS", "{d},$,10.3,7")),
    "Barchart": ("clsk_daily_historical-data-11-24-2025.csv", two("Time,Last,Change,%Chg,Volume", "{m},$,0,0%,7")),
    "MarketWatch": ("Download Data - STOCK_US_XNAS_CLSK.csv", two("Date,Close,Volume", '{m},$,"7"')),
    "Schwab": ("CLSK.csv", '"Price History for CLSK"\n' + two('"Date","Close"', '"{m}","$"')),
    "Macrotrends": (
        "MacroTrends_Data_Download_CLSK.csv",
        '"A title"\n\n"No warranty, none"\n\n' + two("date,close", "{d},$"),
    ),
    "an exchange column": ("CLSK.csv", two("Date,Close,Exchange", "{d},$,NASDAQ")),
    "Numbers": ("CLSK.csv", "Table 1\n" + two("Date;Close", "{g};$").replace("10.", "10,")),
    "a unit in the header": ("CLSK.csv", two("Date,Close (USD)", "{d},$")),
    "a currency column": ("CLSK.csv", two("Date,Close,Currency", "{d},$,USD")),
    "Polygon": ("CLSK.csv", two("v,vw,o,c,h,l,t,n", "7,10,10.3,$,11,9,{e}000,5")),
    "Interactive Brokers": ("CLSK.csv", two("date,close", "{c}  16:00:00,$")),
    "NinjaTrader": ("CLSK.csv", two("date,close", "{c} 160000,$")),
    "backtrader": ("CLSK.csv", two("Date,Time,Close,OpenInterest", "{d},00:00:00,$,0")),
    "a column of closing times": ("CLSK.csv", two("Date,Time,Close", "{d},4:00 PM,$")),
    "text that Excel was told to keep": ("CLSK.csv", two("Date,Close", "'{d},$")),
    "Turkish": ("CLSK.csv", two('"Tarih","Şimdi","Açılış","Hac."', '"{g}","$0","10,30","7M"').replace("10.", "10,")),
    "Japanese": ("CLSK.csv", table("日付,終値,始値", "2025年11月20日,10.2,10.3", "2025年11月21日,10.4,10.3")),
    "Korean": ("CLSK.csv", table("날짜,종가,시가", "2025- 11- 20,10.2,10.3", "2025- 11- 21,10.4,10.3")),
    "Russian": ("CLSK.csv", two('"Дата","Цена","Откр."', '"{g}","$","10,3"').replace("10.", "10,")),
    "millions in words": ("CLSK.csv", two("Datum;Schlusskurs;Volumen", "{g};$;3,4 Mio").replace("10.", "10,")),
    "Git's line ends and a mark": ("CLSK.csv", "\ufeff" + two("Date,Close", "{d},$").replace("\n", "\r\n")),
    "a page of a spreadsheet as .xls": ("CLSK.xls", two("Date\tClose", "{d}\t$")),
}
"""By export, a file's name and its text; all of them come to the two closes of CLSK."""


@pytest.mark.parametrize("export", READ)
def test_exports_are_read(tmp_path: Path, export: str) -> None:
    name, text = READ[export]
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    batch = judged(tmp_path)
    assert not batch.rejects
    assert {(row["symbol"], row["trade_date"]): row["close"] for row in batch.rows.to_pylist()} == {
        ("CLSK", day): close for day, close in CLOSES.items()
    }


PLAIN = two("Date,Close", "{d},$")
REFUSED: dict[str, tuple[str, str, str]] = {
    "bars of a minute": (
        "CLSK.csv",
        table("Date,Time,Close", "{d},09:30,10.2", "2025-11-20,09:31,10.4"),
        "several bars a day (2025-11-20 09:30, 09:31)",
    ),
    "a column of times that are none": (
        "CLSK.csv",
        two("Date,Time,Close", "{d},after hours,$"),
        "the time after hours is none: leave that column out, or write times as 16:00",
    ),
    "a mark and nothing": ("CLSK.csv", "\ufeff \n", "empty file"),
    "a blank file": ("CLSK.csv", " \n\t\n", "empty file"),
    "a line without an end": ("CLSK.csv", "Date,Close," + "x" * 70_000, "the first line is longer than 65536 bytes"),
    "a byte that no text has": ("CLSK.csv", PLAIN + "2025-11-24,\0\n", "no text: save it as CSV UTF-8"),
    "points and commas": (
        "CLSK.csv",
        table("Date;Close", "{d};10.2", "2025-11-20;10,4"),
        "close: some numbers have a decimal point and some a decimal comma: write all of them alike",
    ),
    "days of two orders": (
        "CLSK.csv",
        "Date,Close\n" + "".join(f"{day:02}/11/2025,10.2\n" for day in (5, 6, 7, 10, 11, 12)) + "11/20/2025,10.4\n",
        "some dates are month first, and read so others are out of order and on weekends",
    ),
    "the last minute of each day": ("CLSK.csv", two("Date,Time,Close", "{d},15:59,$"), "bars of 15:59"),
    "the same in one column": ("CLSK.csv", two("Date,Close", "{d} 15:59:00,$"), "bars of 15:59"),
    "a day late": (
        "CLSK.csv",
        "time,close\n" + "".join(f"{seconds(day) + 86400},10.2\n" for day in DAYS),
        "bars of CLSK on Saturdays and none on Mondays",
    ),
    "a day early": (
        "CLSK.csv",
        "date,close\n" + "".join(f"2025-11-{day:02},10.2\n" for day in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13)),
        "bars of CLSK on Sundays and none on Fridays",
    ),
    "ten-thousandths of a dollar": (
        "CLSK.csv",
        two("date,open,high,low,close", "{c} 00:00,105000,109000,98000,102000"),
        "every price of CLSK is a whole number above 1000",
    ),
    "a listing in Toronto": ("TSX_HUT, 1D.csv", PLAIN, "TSX is an exchange outside the United States"),
    "the same, MarketWatch": ("STOCK_CA_XTSE_HUT.csv", PLAIN, "CA_XTSE is an exchange outside the United States"),
    "the same, Bloomberg": ("HUT.csv", "HUT CN Equity,\n" + PLAIN, "HUT CN Equity is no listing in the United States"),
    "another symbol in the title": (
        "CLSK.csv",
        "MARA US Equity,\n" + PLAIN,
        "the file is called CLSK and holds MARA: rename it",
    ),
    "a currency in the title": ("CLSK.csv", "Currency in CAD\n" + PLAIN, "prices in CAD: US dollars are needed"),
    "a currency in the header": (
        "CLSK.csv",
        two("Date,Close (EUR)", "{d},$"),
        "Close (EUR): prices in US dollars are needed",
    ),
    "a currency in its column": ("CLSK.csv", two("Date,Close,Currency", "{d},$,CAD"), "currency CAD is not USD"),
    "an exchange abroad in its column": (
        "HUT.csv",
        two("Date,Close,Exchange", "{d},$,TSX"),
        "exchange TSX is outside the United States",
    ),
    "a pair of another currency": (
        "BTC-USD.csv",
        two("Date,Symbol,Close", "{d},BTC/USDT,$"),
        "the file is called BTC-USD and holds BTC-USDT",
    ),
    "companies by name": (
        "CLSK.csv",
        table("Date,Name,Close", "{d},Clean Spark,10.2", "{d},Mara Inc,10.4"),
        "the file is called CLSK and holds several instruments",
    ),
    "a column for each symbol": (
        "prices.csv",
        two("Date,CLSK,MARA", "{d},$,20.2"),
        "a column for each symbol (CLSK, MARA)",
    ),
    "the same, a listed name": (
        "CLSK.csv",
        two("Date,CLSK,MARA", "{d},$,20.2"),
        "a column for each symbol (CLSK, MARA)",
    ),
    "a second close that pandas renamed": (
        "CLSK.csv",
        two("Date,Close,Close.1", "{d},$,20.2"),
        "unknown header: Date,Close,Close.1: Close stands twice",
    ),
    "no header": (
        "CLSK.csv",
        two("", "{d},$,1,2").lstrip(),
        "no header, the first line is 2025-11-20,10.2,1,2: write the names",
    ),
    "Alpha Vantage's limit": (
        "CLSK.csv",
        '{"Information": "Thank you for using Alpha Vantage! ..."}',
        "no prices, but a notice",
    ),
    "Stooq's limit": ("CLSK.csv", "Exceeded the daily hits limit", "no prices, but a notice"),
    "Yahoo's refusal": ("CLSK.csv", "Edge: Too Many Requests", "no prices, but a notice"),
    "JSON": ("CLSK.csv", '[{"date": "2025-11-20", "close": 10.2}]', "no prices, but a notice"),
    "a page": ("CLSK.xls", "<div><table><tr><td>Date</td></tr></table></div>", "a web page, not a price file"),
    "a pointer of Git LFS": (
        "CLSK.csv",
        "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n",
        "no prices, but a notice",
    ),
}
"""By what is wrong, a file's name, its text and how the reason begins; nothing of such a file is loaded."""


@pytest.mark.parametrize("wrong", REFUSED)
def test_what_may_be_something_else_is_refused_with_its_reason(tmp_path: Path, wrong: str) -> None:
    name, text, reason = REFUSED[wrong]
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    batch = judged(tmp_path)
    assert not batch.rows.num_rows
    assert batch.rejects[0].reason.startswith(reason), batch.rejects[0].reason


@pytest.mark.parametrize("says", ["gzip", "zip", "a zip that says another size"])
def test_what_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    """However small it is packed, and whatever it says of itself; the file beside it is read."""
    (tmp_path / "MARA.csv").write_text(two("Date,Close", "{d},$"))
    text = ("Date,Close\n" + "2025-11-20,10.2\n" * 1_000).encode()
    if says == "gzip":
        (tmp_path / "CLSK.csv.gz").write_bytes(gzip.compress(text))
    else:
        with zipfile.ZipFile(tmp_path / "CLSK.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("CLSK.csv", text)
    if says == "a zip that says another size":
        packed = (tmp_path / "CLSK.zip").read_bytes()
        (tmp_path / "CLSK.zip").write_bytes(packed.replace(struct.pack("<I", len(text)), struct.pack("<I", 900)))
    monkeypatch.setattr(files_folder, "MOST_BYTES", 1_000)
    batch = judged(tmp_path)
    assert set(batch.rows["symbol"].to_pylist()) == {"MARA"}
    said = [reject.reason for reject in batch.rejects] + list(batch.remarks)
    expected = "not readable within the archive" if "another" in says else "when unpacked"
    assert any(expected in one for one in said), said


@pytest.mark.parametrize(
    "cell",
    [
        "9999-12-31T23:30:00-05:00",
        "0001-01-01 01:00:00+02:00",
        "0001-01-01 00:00:00 UTC",
        "9999-12-31 00:00:00 UTC",
        "253402300799",
        "-62135596800",
        "99999999999999999999",
        "0001-01-01",
        "0000-00-00",
    ],
)
@pytest.mark.parametrize("header", ["date,close", "snapped_at,price"])
def test_a_day_at_the_end_of_time_costs_its_row_or_its_file_and_no_other(
    tmp_path: Path, cell: str, header: str
) -> None:
    (tmp_path / "RIOT.csv").write_text(two(header, "{d},$") + f"{cell},10\n")
    (tmp_path / "CLSK.csv").write_text(two("Date,Close", "{d},$"))
    batch = judged(tmp_path)
    assert [row["close"] for row in batch.rows.to_pylist() if row["symbol"] == "CLSK"] == [10.2, 10.4]
    assert {reject.source_file for reject in batch.rejects} == {"RIOT.csv"}
    assert not any("cannot be read" in reject.reason for reject in batch.rejects), "an answer, and no fault of ours"


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_archive_costs_its_file_and_no_other(tmp_path: Path, method: int) -> None:
    text = "Date,Close\n" + "".join(f"2025-11-20,{10 + hash((at, at)) % 9999 / 1e4}\n" for at in range(5_000))
    with zipfile.ZipFile(tmp_path / "RIOT.zip", "w", method) as archive:
        archive.writestr("RIOT.csv", text)
    packed = bytearray((tmp_path / "RIOT.zip").read_bytes())
    packed[len(packed) // 3 : len(packed) // 2] = b"\x55" * (len(packed) // 2 - len(packed) // 3)
    (tmp_path / "RIOT.zip").write_bytes(packed)
    (tmp_path / "CLSK.csv").write_text(two("Date,Close", "{d},$"))
    batch = judged(tmp_path)
    assert set(batch.rows["symbol"].to_pylist()) == {"CLSK"}
    (reject,) = batch.rejects
    assert reject.reason.startswith("not readable within the archive: ") and "None" not in reject.reason


def test_whatever_a_library_meets_in_one_file_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for symbol in ("CLSK", "RIOT"):
        (tmp_path / f"{symbol}.csv").write_text(two("Date,Close", "{d},$"))
    opened = files_source.open_sheet

    def stumble(file: files_folder.PriceFile) -> object:
        if file.stem == "RIOT":
            raise LookupError("a case that nobody thought of")
        return opened(file)

    monkeypatch.setattr(files_source, "open_sheet", stumble)
    batch = judged(tmp_path)
    assert set(batch.rows["symbol"].to_pylist()) == {"CLSK"}
    (reject,) = batch.rejects
    assert reject.reason == "cannot be read: LookupError: a case that nobody thought of"


def test_one_odd_time_at_the_end_costs_its_row(tmp_path: Path) -> None:
    days = [dt.date(2025, 11, day) for day in (17, 18, 19, 20)]
    rows = [f"{seconds(day, 14, 30)},10.2\n" for day in days] + [f"{seconds(DAYS[1], 19, 7)},10.4\n"]
    (tmp_path / "CLSK.csv").write_text("time,close\n" + "".join(rows))
    batch = judged(tmp_path)
    assert [row["trade_date"] for row in batch.rows.to_pylist()] == days
    assert [reject.source_row for reject in batch.rejects] == [6]


def test_a_price_at_midnight_is_the_close_of_the_day_before(tmp_path: Path) -> None:
    text = two("snapped_at,price,market_cap,total_volume", "{d} 00:00:00 UTC,$,1,7")
    (tmp_path / "btc-usd-max.csv").write_text(text)
    rows = judged(tmp_path).rows.to_pylist()
    assert [(row["symbol"], row["trade_date"].day, row["close"]) for row in rows] == [
        ("BTC-USD", 19, 10.2),
        ("BTC-USD", 20, 10.4),
    ]


@pytest.mark.parametrize(
    ("name", "row", "symbol"),
    [
        ("BTCUSDT-1d-2025-11.csv", "{e}000,10.1,11,9,$,7,{e}999,1,2,3,4,0", "BTCUSDT"),
        ("BTCUSDT-1d-2025-12.csv", "{e}000000,10.1,11,9,$,7,{e}999999,1,2,3,4,0", "BTCUSDT"),
        ("ETHUSD_1440.csv", "{e},10.1,11,9,$,7,99", "ETHUSD"),
    ],
)
def test_exchanges_files_without_a_header_are_known(tmp_path: Path, name: str, row: str, symbol: str) -> None:
    (tmp_path / name).write_text(two("", row).lstrip())
    rows = judged(tmp_path).rows.to_pylist()
    assert {(row["symbol"], row["trade_date"]): row["close"] for row in rows} == {
        (symbol, day): close for day, close in CLOSES.items()
    }


def test_a_number_in_the_column_of_names_is_no_symbol(tmp_path: Path) -> None:
    header = "timeOpen;timeClose;name;open;high;low;close;volume;marketCap;timestamp"
    row = '"{d}T00:00:00.000Z";"{d}T23:59:59.999Z";"2781";10.1;11;9;$;7.5;1;"{d}T23:59:59.999Z"'
    (tmp_path / "BTC-USD.csv").write_text(two(header, row))
    rows = judged(tmp_path).rows.to_pylist()
    assert {(row["symbol"], row["trade_date"]): row["close"] for row in rows} == {
        ("BTC-USD", day): close for day, close in CLOSES.items()
    }


@pytest.mark.parametrize(
    ("cells", "volumes"),
    [
        (("12,34,567", "1,23,456"), [1_234_567, 123_456]),
        (("1.2 million", "3.4 mln"), [1_200_000, 3_400_000]),
        (("1.2Cr", "3.4 Lakh"), [12_000_000, 340_000]),
        (("1.2万", "3.4億"), [12_000, 340_000_000]),
        (("950.5 тыс.", "1.5 млн"), [950_500, 1_500_000]),
    ],
)
def test_volumes_in_the_units_of_other_countries(tmp_path: Path, cells: tuple[str, str], volumes: list[int]) -> None:
    (tmp_path / "CLSK.csv").write_text(
        table("Date,Close,Volume", *(f'{{d}},10.2,"{cell}"' for cell in cells)), encoding="utf-8"
    )
    assert judged(tmp_path).rows["volume"].to_pylist() == volumes


def test_text_in_a_typed_file_is_read_as_text(tmp_path: Path) -> None:
    texts = {"0,987": "0,102", "1,234": "1,235"}
    for symbol, (first, second) in zip(("CLSK", "MARA"), texts.items(), strict=True):
        cells = pa.table({"Date": pa.array(DAYS), "Close": [first, second]})
        pq.write_table(cells, tmp_path / f"{symbol}.parquet")
    batch = judged(tmp_path)
    assert {row["symbol"]: row["close"] for row in batch.rows.to_pylist()} == {"CLSK": 0.102}
    assert [reject.source_file for reject in batch.rejects] == ["MARA.parquet"]


def test_a_table_of_two_levels_without_days_is_refused(tmp_path: Path) -> None:
    table = pa.table({"('Close', 'CLSK')": [10.2], "('Close', 'MARA')": [11.0]})
    pq.write_table(table, tmp_path / "prices.parquet")
    batch = judged(tmp_path)
    assert [reject.reason for reject in batch.rejects] == ["no column for the date in the table"]


@pytest.mark.parametrize(
    ("sheets", "reason"),
    [
        ({"Sheet1": [], "Sheet2": []}, "empty file"),
        (
            {"CLSK": [["Date", "Close"], ["2025-11-20", 10.2]], "MARA": [["Date", "Close"], ["2025-11-20", 11.0]]},
            "several sheets of prices (CLSK, MARA): save each as a file that is called by its symbol",
        ),
    ],
)
def test_a_workbook_without_prices_or_with_those_of_several_is_refused(
    tmp_path: Path, sheets: dict[str, list[list[object]]], reason: str
) -> None:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "CLSK.xlsx")
    batch = judged(tmp_path)
    assert [reject.reason for reject in batch.rejects] == [reason]
