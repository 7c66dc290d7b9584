"""Any table written in a vendor's format reads back to the same days and values; a damaged byte is never another value.

A table is generated, written as the vendor writes it, and read.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import os
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagster_project.sources.base import SourceError
from dagster_project.sources.prices.base import PriceRequest
from dagster_project.sources.prices.files import FilePrices

NOW = dt.datetime(2026, 11, 26, 15, tzinfo=dt.UTC)
MONDAY = dt.date(2025, 9, 1)


@dataclass(frozen=True)
class Bar:
    """A bar in whole cents, so that every format can write it exactly."""

    day: dt.date
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


@st.composite
def series(draw: st.DrawFn) -> list[Bar]:
    """Some weeks of daily bars on weekdays, oldest first."""
    days = [MONDAY + dt.timedelta(days=at) for at in range(draw(st.integers(14, 40)))]
    cents = st.integers(101, 9_999_999)
    bars = []
    for day in (day for day in days if day.weekday() < 5):
        low, body, close, high = sorted(draw(st.tuples(cents, cents, cents, cents)))
        prices = [Decimal(price) / 100 for price in (body, high, low, close)]
        bars.append(Bar(day, *prices, volume=draw(st.integers(0, 10**10))))
    return bars


def _lines(bars: list[Bar], header: str, line: Callable[[Bar], str], *, newest_first: bool = False) -> str:
    return "\n".join([header, *(line(bar) for bar in (reversed(bars) if newest_first else bars))]) + "\n"


def _comma(price: Decimal) -> str:
    return f"{price:,.2f}".translate(str.maketrans(",.", ".,"))


WRITERS: dict[str, Callable[[list[Bar]], str]] = {
    "yahoo": lambda bars: _lines(
        bars,
        "Date,Open,High,Low,Close,Adj Close,Volume",
        lambda b: f"{b.day},{b.open},{b.high},{b.low},{b.close},{b.close},{b.volume}",
    ),
    "yahoo page": lambda bars: _lines(
        bars,
        "Date\tOpen\tHigh\tLow\tClose\tAdj Close\tVolume",
        lambda b: (
            f"{b.day:%b %d, %Y}\t{b.open:,.2f}\t{b.high:,.2f}\t{b.low:,.2f}\t{b.close:,.2f}\t{b.close:,.2f}\t"
            f"{b.volume:,}"
        ),
        newest_first=True,
    ),
    "yfinance": lambda bars: _lines(
        bars,
        "Price,Close,High,Low,Open,Volume\nTicker,CLSK,CLSK,CLSK,CLSK,CLSK\nDate,,,,,",
        lambda b: f"{b.day},{b.close},{b.high},{b.low},{b.open},{b.volume}",
    ),
    "nasdaq": lambda bars: _lines(
        bars,
        "Date,Close/Last,Volume,Open,High,Low",
        lambda b: f"{b.day:%m/%d/%Y},${b.close},{b.volume},${b.open},${b.high},${b.low}",
        newest_first=True,
    ),
    "investing us": lambda bars: _lines(
        bars,
        '"Date","Price","Open","High","Low","Vol.","Change %"',
        lambda b: (
            f'"{b.day:%m/%d/%Y}","{b.close:,.2f}","{b.open:,.2f}","{b.high:,.2f}","{b.low:,.2f}","{b.volume}","0%"'
        ),
        newest_first=True,
    ),
    "investing uk": lambda bars: _lines(
        bars,
        '"Date","Price","Open","High","Low","Vol.","Change %"',
        lambda b: (
            f'"{b.day:%d/%m/%Y}","{b.close:,.2f}","{b.open:,.2f}","{b.high:,.2f}","{b.low:,.2f}","{b.volume}","0%"'
        ),
        newest_first=True,
    ),
    "investing de": lambda bars: _lines(
        bars,
        '"Datum","Zuletzt","Eröffn.","Hoch","Tief","Vol.","+/- %"',
        lambda b: (
            f'"{b.day:%d.%m.%Y}","{_comma(b.close)}","{_comma(b.open)}","{_comma(b.high)}","{_comma(b.low)}",'
            f'"{b.volume}","0,5%"'
        ),
        newest_first=True,
    ),
    "excel de": lambda bars: _lines(
        bars,
        "Datum;Eröffnung;Hoch;Tief;Schlusskurs;Volumen",
        lambda b: f"{b.day:%d.%m.%Y};{_comma(b.open)};{_comma(b.high)};{_comma(b.low)};{_comma(b.close)};{b.volume}",
    ),
    "stooq bulk": lambda bars: _lines(
        bars,
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
        lambda b: f"CLSK.US,D,{b.day:%Y%m%d},000000,{b.open},{b.high},{b.low},{b.close},{b.volume},0",
    ),
    "tradingview": lambda bars: _lines(
        bars,
        "time,open,high,low,close,Volume",
        lambda b: f"{_opening(b.day)},{b.open},{b.high},{b.low},{b.close},{b.volume}",
    ),
    "long": lambda bars: _lines(
        bars,
        "symbol,date,open,high,low,close,volume",
        lambda b: f"CLSK,{b.day},{b.open},{b.high},{b.low},{b.close},{b.volume}",
    ),
}


def _opening(day: dt.date) -> int:
    return int(dt.datetime(day.year, day.month, day.day, 13, 30, tzinfo=dt.UTC).timestamp())


def _zipped(bars: list[Bar]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("CLSK.csv", WRITERS["yahoo"](bars))
    return packed.getvalue()


def _columns(bars: list[Bar]) -> dict[str, list[object]]:
    return {
        "Date": [bar.day for bar in bars],
        **{name.title(): [float(getattr(bar, name)) for bar in bars] for name in ("open", "high", "low", "close")},
        "Volume": [bar.volume for bar in bars],
    }


def _parquet(bars: list[Bar]) -> bytes:
    packed = io.BytesIO()
    pq.write_table(pa.table(_columns(bars)), packed, write_page_checksum=True)
    return packed.getvalue()


def _workbook(bars: list[Bar]) -> bytes:
    packed = io.BytesIO()
    columns = _columns(bars)
    with xlsxwriter.Workbook(packed, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet()
        for at, (name, cells) in enumerate(columns.items()):
            sheet.write_column(0, at, [name, *cells])
    return packed.getvalue()


BINARY: dict[str, Callable[[list[Bar]], bytes]] = {
    ".zip": _zipped,
    ".csv.gz": lambda bars: gzip.compress(WRITERS["yahoo"](bars).encode(), mtime=0),
    ".parquet": _parquet,
    ".xlsx": _workbook,
}
"""Formats that carry a check of their own bytes."""


def read(data: bytes, ending: str = ".csv") -> dict[dt.date, tuple[Decimal, ...]]:
    """The bars by day: open, high, low, close, volume; empty where the file is refused."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"CLSK{ending}").write_bytes(data)
        try:
            batch = FilePrices(Path(folder), now=lambda: NOW).fetch(PriceRequest(("CLSK",)))
        except SourceError:
            return {}
    found = {}
    for row in batch.rows.to_pylist():
        cells = tuple(row[name] for name in ("open", "high", "low", "close", "volume"))
        try:
            found[dt.date.fromisoformat(row["trade_date"])] = tuple(Decimal(cell) for cell in cells)
        except (ArithmeticError, TypeError, ValueError):
            continue  # the gate rejects it: a cell that is no number, or missing
    return found


def meant(bars: list[Bar]) -> dict[dt.date, tuple[Decimal, ...]]:
    """What a reader has to find."""
    return {bar.day: (bar.open, bar.high, bar.low, bar.close, Decimal(bar.volume)) for bar in bars}


QUICK = settings(
    max_examples=int(os.environ.get("MINEHOUSE_TEST_EXAMPLES", "12")),
    deadline=None,
    derandomize="MINEHOUSE_TEST_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    database=None,
)
"""A few examples, the same ones each time; with `MINEHOUSE_TEST_EXAMPLES` as many others: `make nightly`."""


@pytest.mark.parametrize("vendor", WRITERS)
@QUICK
@given(bars=series())
def test_what_is_written_is_read(vendor: str, bars: list[Bar]) -> None:
    assert read(WRITERS[vendor](bars).encode()) == meant(bars)


@pytest.mark.parametrize("vendor", WRITERS)
@QUICK
@given(bars=series(), where=st.floats(0, 0.999), letter=st.sampled_from(b'\x00\xff"x;-'))
def test_a_damaged_byte_costs_rows_and_moves_no_day(vendor: str, bars: list[Bar], where: float, letter: int) -> None:
    """A digit that became another digit cannot be told from the right one; anything else can."""
    data = bytearray(WRITERS[vendor](bars).encode())
    start = data.index(b"\n") + 1
    at = start + int(where * (len(data) - start))
    if data[at : at + 1] in (b"\n", b'"'):
        return
    data[at] = letter
    right = meant(bars)
    wrong = {day: values for day, values in read(bytes(data)).items() if right.get(day) != values}
    assert len(wrong) <= 1, "one byte stands in one row"
    for day, values in wrong.items():
        assert day in right, f"{day} was never written"
        differing = [at for at, (one, other) in enumerate(zip(values, right[day], strict=True)) if one != other]
        # a sign before a price, or a cell cut in two by another sign, is the gate's to judge: it is below nothing
        assert all(values[at] < 0 or letter in b";-x" for at in differing), (day, values, right[day])


@pytest.mark.parametrize("vendor", WRITERS)
@QUICK
@given(bars=series(), where=st.floats(0, 0.999))
def test_a_point_that_became_a_comma_is_never_another_value(vendor: str, bars: list[Bar], where: float) -> None:
    """Or a comma that became a point: the row is lost, or the file, or it still means the same."""
    text = WRITERS[vendor](bars)
    start = text.index("\n") + 1
    signs = [at for at in range(start, len(text)) if text[at] in ".,"]
    at = signs[int(where * len(signs))]
    flipped = text[:at] + ("," if text[at] == "." else ".") + text[at + 1 :]
    right = meant(bars)
    for day, values in read(flipped.encode()).items():
        assert day in right, f"{day} was never written"
        differing = [at for at, (one, other) in enumerate(zip(values, right[day], strict=True)) if one != other]
        assert not differing, (day, values, right[day])


@pytest.mark.parametrize("ending", BINARY)
@QUICK
@given(bars=series())
def test_what_is_packed_is_read(ending: str, bars: list[Bar]) -> None:
    assert read(BINARY[ending](bars), ending) == meant(bars)


@pytest.mark.parametrize("ending", BINARY)
@QUICK
@given(bars=series(), where=st.floats(0, 0.999), bit=st.integers(0, 7))
def test_a_flipped_bit_of_a_packed_file_is_never_another_value(
    ending: str, bars: list[Bar], where: float, bit: int
) -> None:
    data = bytearray(BINARY[ending](bars))
    data[int(where * len(data))] ^= 1 << bit
    right = meant(bars)
    assert all(right.get(day) == values for day, values in read(bytes(data), ending).items())
