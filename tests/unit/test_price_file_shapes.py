"""Price files in the shapes that people really have: what each one comes to."""

from __future__ import annotations

import datetime as dt
import os
import zipfile
from functools import cache
from pathlib import Path

import pytest

from dagster_project.contracts.batch import Batch
from dagster_project.contracts.market import DAILY_PRICES
from dagster_project.gate.gate import judge
from dagster_project.sources.prices.base import PriceRequest
from dagster_project.sources.prices.files import DateOrder, FilePrices

SHAPES = Path(__file__).parents[1] / "fixtures" / "price_shapes"
NOW = dt.datetime(2026, 11, 26, 15, tzinfo=dt.UTC)
LISTED = ("BTC-USD", "CIFR", "CLSK", "CORZ", "HIVE", "IREN", "MARA", "NVDA", "RIOT", "WULF")
THURSDAY, FRIDAY = dt.date(2025, 11, 20), dt.date(2025, 11, 21)
BARS = {THURSDAY: 10.2, FRIDAY: 10.4}

LOADED: dict[str, dict[str, dict[dt.date, float]]] = {
    "01-yf-multiindex": {"YFMI": BARS},
    "02-yf-history": {"YFH": BARS, "YFHX": {THURSDAY: 10.2}},
    "03-yf-tz": {"YFTU": BARS, "YFTZ": BARS},
    "04-yf-autoadjust": {"YFAA": {dt.date(2025, 11, 19): 97.0, THURSDAY: 97.2, FRIDAY: 100.0}},
    "05-yf-noise": {
        "YFN": {THURSDAY: 10.300000190734863, FRIDAY: 10.4, dt.date(2025, 11, 19): 71.69662475585938},
    },
    "06-yahoo-null-dup": {"YNUL": {THURSDAY: 10.2}},
    "07-yahoo-copy": {
        "YCP": {dt.date(2025, 11, 19): 10.2, **BARS},
        "YCPB": {FRIDAY: 10.4},
        "YCPS": {FRIDAY: 10.4},
    },
    "08-stooq-bulk": {"STQ": BARS, "STW": BARS},
    "10-investing-uk": {
        "INVUK": {
            dt.date(2025, 11, day): close for day, close in ((12, 10.4), (11, 10.3), (10, 10.2), (7, 10.1), (6, 10.0))
        },
        "INVUL": {FRIDAY: 10.4, dt.date(2025, 11, 11): 10.3},
    },
    "11-investing-locale": {"INVBR": {FRIDAY: 10.4}, "INVDE": {FRIDAY: 10.4}, "INVFR": {FRIDAY: 10.4}},
    "12-decimal-comma": {
        "DCQ": {THURSDAY: 10.2, FRIDAY: 0.102, dt.date(2025, 11, 19): 10.2},
        "DCS": BARS,
        "DCV": {dt.date(2025, 11, 18): 10.4, dt.date(2025, 11, 19): 10.4, **BARS},
    },
    "13-tradingview": {"CLSK": {THURSDAY: 10.2}, "TVD": {THURSDAY: 10.2}, "TVU": {THURSDAY: 10.2}},
    "14-alphavantage": {"AVC": BARS, "AVP": {FRIDAY: 10.4}, "CLSK": {FRIDAY: 10.4}},
    "15-tiingo": {"TII": {THURSDAY: 10.2}},
    "22-excel": {
        "XBOM": BARS,
        "XEMPTYROWS": {FRIDAY: 10.4},
        "XSEP": BARS,
        "XTRAIL": {FRIDAY: 10.4},
        "XTXT": BARS,
        "XU16": BARS,
    },
    "24-kaggle-long": {"CLSK": {THURSDAY: 10.2}, "MARA": {THURSDAY: 20.2}},
    "26-names": dict.fromkeys(("BRK-B", "BTC-USD", "CLSK", "CLSX", "EURUSD=X", "MARA", "NVDA", "RIOT"), BARS),
    "27-weekly": {},
    "29-containers": {"BTBT": BARS, "IREN": BARS, "MARA": BARS, "WULF": BARS},
    "32-calendar": {
        "CORZ": {
            dt.date(2025, 11, 26): 14.2,
            dt.date(2025, 11, 27): 14.2,
            dt.date(2025, 11, 28): 14.4,
            dt.date(2025, 11, 29): 14.4,
            dt.date(2026, 11, 25): 15.2,
        }
    },
    "33-headers": {
        "ADJ1": {THURSDAY: 10.2},
        "DTM": {THURSDAY: 10.2},
        "PRC": {THURSDAY: 10.1},
        "SYMC": {THURSDAY: 10.2},
    },
    "36-parquet": dict.fromkeys("PQ0 PQ1 PQ2 PQ3 PQ4 PQ5 PQ6 PQ7 PQ7B PQ9 PQ10 PQ11 PQ12".split(), BARS),
}
"""By shape and symbol, the closes that are loaded. Weekends and holidays pass: the models leave them out."""

REFUSED: dict[str, dict[str, str]] = {
    "06-yahoo-null-dup": {"YNUL.csv": "close is missing"},
    "10-investing-uk": {"INVMX.csv": "some dates are day first and some month first"},
    "12-decimal-comma": {"DCT.csv": "open 6.603 may be a whole number with its thousands grouped"},
    "22-excel": {
        "XL1.csv": "not UTF-8 text: byte 0xfc at offset 81: save it as CSV UTF-8",
        "XSER.csv": "45982 is Excel's",
    },
    "24-kaggle-long": {"all_stocks_5yr.csv": "CLSK: a second file for CLSK, beside LONG.csv"},
    "26-names": {
        "BRK.B.csv": "a second file for BRK.B, beside BRK-B.csv",
        "Bitcoin Historical Data.csv": "no symbol in the file name",
        "DATA.csv": "no symbol in the file name",
        "^GSPC.csv": "^GSPC is an index, not a share",
        "download.csv": "no symbol in the file name",
        "prices.csv": "no symbol in the file name",
        "CLSK (1).csv": "a second file for CLSK, beside CLSK.csv",
        "CLSK - Copy.csv": "a second file for CLSK, beside CLSK.csv",
        "CLSK 2.csv": "a second file for CLSK, beside CLSK.csv",
        "CLSK-1.csv": "a second file for CLSK, beside CLSK.csv",
    },
    "27-weekly": {"HIVE.csv": "weekly bars (HIVE: 7 days apart), daily ones are needed"},
    "29-containers": {"RIOT.csv.zip": "a second file for MARA", "ZCSV.csv": "a second file for MARA"},
    "32-calendar": {"CORZ.csv": "trade_date 2026-11-27 lies in the future"},
    "33-headers": {"ADJ2.csv": "unknown header: Date,Adj Close: no column for the close"},
    "36-parquet": {"PQ8.parquet": "1763564400 is 10:00 in New York, neither midnight nor a bell"},
}
"""By shape and file, how the reason begins why it, or some of its rows, wait in quarantine; all others bring none."""


def read(folder: Path, date_order: DateOrder | None = None) -> Batch:
    """The folder as the pipeline reads it, cells still as text."""
    source = FilePrices(folder, date_order, now=lambda: NOW)
    return source.fetch(PriceRequest(LISTED, always_open=frozenset({"BTC-USD"})))


def judged(folder: Path) -> Batch:
    """The folder as the pipeline reads and judges it."""
    return judge(read(folder), DAILY_PRICES, {}, NOW.date())


@cache
def shape(name: str) -> Batch:
    """One of the shapes, read and judged."""
    return judged(SHAPES / name)


def closes(batch: Batch) -> dict[str, dict[dt.date, float]]:
    """The closes by symbol and day."""
    found: dict[str, dict[dt.date, float]] = {}
    for row in batch.rows.to_pylist():
        day = row["trade_date"] if isinstance(row["trade_date"], dt.date) else dt.date.fromisoformat(row["trade_date"])
        found.setdefault(row["symbol"], {})[day] = row["close"] if row["close"] is None else float(row["close"])
    return found


def put(folder: Path, name: str, text: str) -> Path:
    """A folder with one more file."""
    (folder / name).write_text(text, encoding="utf-8", newline="")
    return folder


@pytest.mark.parametrize("name", LOADED)
def test_each_shape_is_read_right_or_refused(name: str) -> None:
    batch = shape(name)
    assert closes(batch) == LOADED[name]
    reasons = {reject.source_file: reject.reason for reject in reversed(batch.rejects)}
    expected = REFUSED.get(name, {})
    assert reasons.keys() == expected.keys()
    for file, reason in expected.items():
        assert reasons[file].startswith(reason), (file, reasons[file])


def test_every_shape_is_tried() -> None:
    shapes = {path.name for path in SHAPES.iterdir()}
    assert shapes == LOADED.keys() | {"28-unadjusted"}, "as-traded closes over a split are found by the data tests"


def rows_of(batch: Batch, symbol: str) -> list[dict[str, object]]:
    """The rows of one symbol."""
    return [row for row in batch.rows.to_pylist() if row["symbol"] == symbol]


def test_dividends_splits_and_fractions_find_their_columns() -> None:
    assert [row["dividend_usd"] for row in rows_of(shape("02-yf-history"), "YFH")] == [None, 0.1]
    copied = {row["trade_date"]: row for row in rows_of(shape("07-yahoo-copy"), "YCP")}
    assert copied[THURSDAY]["dividend_usd"] == 0.24
    assert copied[dt.date(2025, 11, 19)]["split_ratio"] == 0.1
    assert [row["volume"] for row in copied.values()] == [1_100_000, 1_000_500, None]
    assert [row["volume"] for row in rows_of(shape("08-stooq-bulk"), "STQ")] == [26_471, 99_242_379]
    assert [row["volume"] for row in rows_of(shape("12-decimal-comma"), "DCV")] == [
        1000,
        950_000,
        1_234_567,
        1234,
    ]


def test_noise_is_repaired_within_the_bar_and_flagged() -> None:
    batch = shape("05-yf-noise")
    assert [(row["high"] == row["close"], row["is_repaired"]) for row in batch.rows.to_pylist()] == [
        (True, True),
        (False, False),
        (True, True),
    ]
    assert any("noise of a float" in remark for remark in batch.remarks)


def test_a_high_below_the_close_by_more_than_noise_is_no_noise(tmp_path: Path) -> None:
    put(tmp_path, "CLSK.csv", "Date,Open,High,Low,Close,Volume\n2025-11-21,10,10.3999,9,10.4,5\n")
    (reject,) = judged(tmp_path).rejects
    assert reject.reason.startswith("high is below close")


@pytest.mark.parametrize(
    ("name", "symbol", "basis"),
    [
        ("01-yf-multiindex", "YFMI", "split_and_dividend_adjusted"),
        ("02-yf-history", "YFHX", "split_adjusted"),
        ("04-yf-autoadjust", "YFAA", "split_and_dividend_adjusted"),
        ("08-stooq-bulk", "STQ", "split_and_dividend_adjusted"),
        ("13-tradingview", "TVD", "split_adjusted"),
        ("14-alphavantage", "AVC", "as_traded"),
        ("15-tiingo", "TII", "split_adjusted"),
        ("12-decimal-comma", "DCS", None),
    ],
)
def test_what_closes_are_adjusted_for_is_said_where_it_is_known(name: str, symbol: str, basis: str | None) -> None:
    assert {row["price_basis"] for row in rows_of(shape(name), symbol)} == {basis}


def test_a_layout_that_is_only_like_a_vendors_has_no_known_basis(tmp_path: Path) -> None:
    for header in ("time,open,high,low,close", "time,open,high,low,close,volume"):
        put(tmp_path, "CLSK.csv", f"{header}\n2025-11-20,10,10.4,9,10.2{',5' * header.count('volume')}\n")
        assert {row["price_basis"] for row in rows_of(read(tmp_path), "CLSK")} == {None}, header


def test_prices_in_another_currency_are_rejected(tmp_path: Path) -> None:
    put(tmp_path, "CLSK.csv", "date,close\n2025-11-20,$10.20\n2025-11-21,€10.40\n")
    batch = judged(tmp_path)
    assert closes(batch) == {"CLSK": {THURSDAY: 10.2}}
    assert [(reject.source_row, "€10.40" in reject.reason) for reject in batch.rejects] == [(3, True)]


def test_splits_that_a_file_names_are_worked_into_as_traded_bars(tmp_path: Path) -> None:
    header = "date,close,high,low,open,volume,adjClose,divCash,splitFactor\n"
    put(
        tmp_path,
        "CLSK.csv",
        header
        + "2025-11-19,100,101,99,100,10,9.9,1.0,1.0\n"
        + "2025-11-20,10.2,10.3,10.1,10.2,100,10.1,0.0,10.0\n"
        + "2025-11-21,10.4,10.5,10.3,10.4,110,10.4,0.0,1.0\n",
    )
    rows = judged(tmp_path).rows.to_pylist()
    assert [row["close"] for row in rows] == pytest.approx([10.0, 10.2, 10.4])
    assert [row["volume"] for row in rows] == [100, 100, 110]
    assert [row["dividend_usd"] for row in rows] == [pytest.approx(0.1), None, None]
    assert [row["split_ratio"] for row in rows] == [None, 10.0, None]


def test_a_bar_of_a_day_that_is_not_over_waits(tmp_path: Path) -> None:
    days = "date,close\n2026-11-24,10\n2026-11-25,11\n2026-11-26,12\n"
    put(tmp_path, "CLSK.csv", days)
    put(tmp_path, "BTC-USD.csv", days)
    batch = read(tmp_path)
    assert {symbol: max(found) for symbol, found in closes(batch).items()} == {
        "CLSK": dt.date(2026, 11, 25),
        "BTC-USD": dt.date(2026, 11, 25),
    }
    assert any(
        remark.startswith("BTC-USD.csv, CLSK.csv: the bar of a day that is not over") for remark in batch.remarks
    )


# Order of days and months

UK = "Date,Price,Open,High,Low,Vol.,Change %\n"


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (("12/11/2025", "11/11/2025", "10/11/2025", "07/11/2025"), "2025-11-12"),  # day after day
        (("11/12/2025", "11/11/2025", "11/10/2025", "11/07/2025"), "2025-11-12"),  # month first
        (("12.11.2025",), "2025-11-12"),  # nobody writes a month first with points
        (("2025/11/12",), "2025-11-12"),
        (("12-Nov-2025",), "2025-11-12"),
        (("12 novembre 2025",), "2025-11-12"),
        (("12. März 2025",), "2025-03-12"),
        (("Wed, Nov 12, 2025",), "2025-11-12"),
        (("11/13/2025 16:00:00", "11/12/2025 16:00:00"), "2025-11-13"),  # Google Sheets
    ],
)
def test_dates_are_read_in_the_order_that_speaks(tmp_path: Path, dates: tuple[str, ...], expected: str) -> None:
    put(tmp_path, "CLSK.csv", UK + "".join(f'"{day}",10,10,10,10,-,0%\n' for day in dates))
    batch = read(tmp_path)
    assert not batch.rejects
    assert batch.rows["trade_date"][0].as_py() == expected


@pytest.mark.parametrize(
    "dates",
    [
        ("05/11/2025", "04/11/2025"),  # too few rows to see an order
        ("12/11/25", "11/11/25", "10/11/25"),  # which part is the year?
        ("45982",),
    ],
)
def test_open_dates_are_never_guessed(tmp_path: Path, dates: tuple[str, ...]) -> None:
    put(tmp_path, "CLSK.csv", UK + "".join(f'"{day}",10,10,10,10,-,0%\n' for day in dates))
    batch = read(tmp_path)
    assert (batch.rows.num_rows, len(batch.rejects)) == (0, 1)


def test_days_that_follow_each_other_tell_the_order(tmp_path: Path) -> None:
    put(tmp_path, "CLSK.csv", UK + "".join(f'"01/{day:02}/2025",10,10,10,10,-,0%\n' for day in (2, 3, 6)))
    assert read(tmp_path).rows["trade_date"].to_pylist() == ["2025-01-02", "2025-01-03", "2025-01-06"]


def test_the_users_word_settles_open_dates_and_is_held_against_the_file(tmp_path: Path) -> None:
    put(tmp_path, "CLSK.csv", UK + '"05/11/2025",10,10,10,10,-,0%\n')
    assert read(tmp_path, DateOrder.DAY_FIRST).rows["trade_date"].to_pylist() == ["2025-11-05"]
    assert read(tmp_path, DateOrder.MONTH_FIRST).rows["trade_date"].to_pylist() == ["2025-05-11"]
    put(tmp_path, "CLSK.csv", UK + '"21/11/2025",10,10,10,10,-,0%\n')
    (reject,) = read(tmp_path, DateOrder.MONTH_FIRST).rejects
    assert reject.reason == "the date 21/11/2025 cannot be month first, as was said"


# Numbers


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("1.234,50", "1.230,00"), 1234.5),
        (("1,234.50", "1,230.00"), 1234.5),
        (("1 234,50", "1 230,00"), 1234.5),
        (("1\u00a0234,50", "1\u202f230,00"), 1234.5),
        (("1'234.50", "1'230.00"), 1234.5),
        (("0,987", "1,012"), 0.987),
        (("1234,5", "1.230"), 1234.5),
        (("$1,234.50", "USD 1,230.00"), 1234.5),
        (("1,234.50 USD", "US$1,230.00"), 1234.5),
        (("1.2345e3", "1.23e3"), 1234.5),
        (("\u2212" + "5.25", "5.00"), -5.25),
    ],
)
def test_decimal_signs_are_decided_from_all_cells(tmp_path: Path, cells: tuple[str, ...], expected: float) -> None:
    days = ("2025-11-20", "2025-11-21")
    rows = "".join(f'{day};"{cell}"\n' for day, cell in zip(days, cells, strict=True))
    assert closes(read(put(tmp_path, "CLSK.csv", "date;close\n" + rows)))["CLSK"][THURSDAY] == expected


def test_a_cell_of_the_other_style_costs_its_row_and_is_no_other_value(tmp_path: Path) -> None:
    rows = "".join(f'2025-01-{day:02};"{day},5"\n' for day in range(1, 28)) + '2025-01-28;"28.5"\n'
    batch = judged(put(tmp_path, "CLSK.csv", "date;close\n" + rows))
    assert len(closes(batch)["CLSK"]) == 27
    assert [reject.source_row for reject in batch.rejects] == [29]


def test_a_fraction_among_whole_volumes_costs_its_row(tmp_path: Path) -> None:
    rows = "".join(f"2025-01-{day:02},10.5,{5_131_948 + day}\n" for day in range(1, 28)) + "2025-01-28,10.5,5.31948\n"
    (reject,) = judged(put(tmp_path, "CLSK.csv", "date,close,volume\n" + rows)).rejects
    assert (reject.source_row, "a fraction among whole numbers" in reject.reason) == (29, True)


# Hostile folders


def test_one_hostile_file_never_stops_the_others(tmp_path: Path) -> None:
    put(tmp_path, "CLSK.csv", "date,close\n2025-11-21,10.4\n")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/RI\xffOT.csv")).write_text("date,close\n2025-11-21,1\n")
    put(tmp_path, "MA\u202eRA.csv", "date,close\n2025-11-21,1\n")
    put(tmp_path, "WULF.csv", "date,close" + "x" * 100_000)
    put(tmp_path, "IREN.csv", "date,close\n" + "9" * 1_000_000 + ",1\n")
    (tmp_path / "HIVE.xlsx").write_bytes(b"PK\x03\x04 broken")
    (tmp_path / "CORZ.zip").write_bytes(b"PK\x03\x04 broken")
    (tmp_path / "NUL.csv").write_bytes(b"date,close\n2025-11-21,1\0\n")
    os.mkfifo(tmp_path / "CIFR.csv")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    batch = judged(tmp_path)
    assert closes(batch) == {"CLSK": {FRIDAY: 10.4}}
    told = {reject.source_file for reject in batch.rejects} | {remark.partition(":")[0] for remark in batch.remarks}
    assert {"RI\\udcffOT.csv", "MA\\u202eRA.csv", "WULF.csv", "IREN.csv", "HIVE.xlsx", "NUL.csv"} <= told
    assert {"CORZ.zip", "CIFR.csv", "gone.csv"} <= told


def test_an_archive_of_several_files_is_read_file_by_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("daily/CLSK.csv", "date,close\n2025-11-21,10.4\n")
        archive.writestr("daily/MARA.csv", "date,close\n2025-11-21,20.4\n")
        archive.writestr("notes.pdf", "x")
        archive.writestr("__MACOSX/._CLSK.csv", "x")
    batch = read(tmp_path)
    assert closes(batch) == {"CLSK": {FRIDAY: 10.4}, "MARA": {FRIDAY: 20.4}}
    assert {row["source_file"] for row in batch.rows.to_pylist()} == {
        "export.zip/daily/CLSK.csv",
        "export.zip/daily/MARA.csv",
    }
    assert any(remark.startswith("export.zip/notes.pdf: left out") for remark in batch.remarks)


def test_folders_within_the_folder_are_read(tmp_path: Path) -> None:
    (tmp_path / "2025").mkdir()
    put(tmp_path / "2025", "CLSK.csv", "date,close\n2025-11-21,10.4\n")
    batch = read(tmp_path)
    assert batch.rows["source_file"].to_pylist() == ["2025/CLSK.csv"]


def test_what_is_not_on_the_list_or_without_a_file_is_said(tmp_path: Path) -> None:
    put(tmp_path, "XYZ.csv", "date,close\n2025-11-21,10.4\n")
    remarks = read(tmp_path).remarks
    assert "not on the reference list, and loaded as other instruments: XYZ (XYZ.csv)" in remarks
    assert f"on the reference list and without a file: {', '.join(LISTED)}" in remarks


def test_a_file_under_a_later_ticker_is_that_of_its_company(tmp_path: Path) -> None:
    put(tmp_path, "NEWT.csv", "date,close\n2025-11-21,10.4\n")
    request = PriceRequest(("OLDT", "CLSK"), other_tickers={"OLDT": ("NEWT",)})
    batch = FilePrices(tmp_path, now=lambda: NOW).fetch(request)
    assert batch.rows["symbol"].to_pylist() == ["NEWT"], "the marts know it as OLDT"
    assert batch.remarks == ("on the reference list and without a file: CLSK",)


def test_yfinance_tables_of_several_symbols_are_read_by_symbol(tmp_path: Path) -> None:
    text = (
        "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\n"
        "Ticker,CLSK,MARA,CLSK,MARA,CLSK,MARA,CLSK,MARA,CLSK,MARA\n"
        "Date,,,,,,,,,,\n"
        "2025-11-20,10.2,20.2,10.9,20.9,9.8,19.8,10.5,20.5,1000,2000\n"
        "2025-11-21,10.4,20.4,10.9,20.9,9.8,19.8,10.5,20.5,1000,2000\n"
    )
    batch = read(put(tmp_path, "download.csv", text))
    assert closes(batch) == {"CLSK": BARS, "MARA": {THURSDAY: 20.2, FRIDAY: 20.4}}
    assert not batch.rejects
