"""Files that have not changed since they were loaded are not read again, and nothing but that is left out."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from dagster_project.contracts.batch import Batch
from dagster_project.contracts.market import DAILY_PRICES
from dagster_project.gate.gate import judge
from dagster_project.sources.prices.base import PriceRequest
from dagster_project.sources.prices.files import DateOrder, FilePrices
from dagster_project.warehouse.files_read import remembered
from dagster_project.warehouse.load import Load, LoadReport, load

NOW = dt.datetime(2026, 11, 26, 15, tzinfo=dt.UTC)
FETCHED = NOW.replace(tzinfo=None)
OLD = dt.datetime(2026, 1, 5, tzinfo=dt.UTC).timestamp()
TEXT = "date,close\n2025-11-20,10.2\n2025-11-21,10.4\n"


class House:
    """A folder of files, and a warehouse that it is loaded into."""

    def __init__(self, folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.folder = folder
        self.connection = connection
        self.runs = 0

    def put(self, name: str, text: str = TEXT, at: float = OLD) -> None:
        """Write a file, last changed at that time."""
        (self.folder / name).write_text(text)
        os.utime(self.folder / name, (at, at))

    def read(self, order: DateOrder | None = None, **asked: object) -> Batch:
        """What a run reads."""
        known = remembered(self.connection, DAILY_PRICES, "files")
        request = PriceRequest(("CLSK", "MARA"), files=known, **asked)  # type: ignore[arg-type]
        return FilePrices(self.folder, order, now=lambda: NOW).fetch(request)

    def run(self, order: DateOrder | None = None, **asked: object) -> tuple[list[str], LoadReport]:
        """Read and load; the files that rows came from, and what the load did."""
        batch = self.read(order, **asked)
        return self.bring(batch)

    def bring(self, batch: Batch) -> tuple[list[str], LoadReport]:
        """Judge and load a batch."""
        self.runs += 1
        by = Load(FETCHED + dt.timedelta(minutes=self.runs), f"run {self.runs}", retire_other_sources=True)
        report = load(self.connection, DAILY_PRICES, judge(batch, DAILY_PRICES, {}, NOW.date()), by)
        return sorted(set(batch.rows["source_file"].to_pylist())), report

    def closes(self) -> dict[str, list[float]]:
        """The closes that stand."""
        rows = self.connection.execute(
            """select symbol, list(close order by trade_date) from raw.market__daily_prices
               where valid_to is null group by 1"""
        ).fetchall()
        return dict(rows)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with duckdb.connect() as connection:
        found = House(tmp_path, connection)
        found.put("CLSK.csv")
        found.put("MARA.csv", TEXT.replace("10.", "20."))
        found.run()
        yield found


def test_nothing_is_read_twice_and_everything_stands(house: House) -> None:
    files, report = house.run()
    assert (files, report.current, report.refused) == ([], 4, {})
    assert house.closes() == {"CLSK": [10.2, 10.4], "MARA": [20.2, 20.4]}
    assert "2 files are as they were when they were loaded, and were not read again" in house.read().remarks


def test_one_changed_file_is_read_and_the_other_is_not(house: House) -> None:
    house.put("MARA.csv", TEXT.replace("10.", "21."), OLD + 60)
    assert house.run()[0] == ["MARA.csv"]
    assert house.closes() == {"CLSK": [10.2, 10.4], "MARA": [21.2, 21.4]}
    assert house.run()[0] == []


CHANGES: dict[str, tuple[Callable[[House], object], list[str]]] = {
    "another time, the same bytes": (lambda house: house.put("CLSK.csv", at=OLD + 60), []),
    "the same time, another size": (lambda house: house.put("CLSK.csv", TEXT + "2025-11-24,10.6\n"), ["CLSK.csv"]),
    "an older time, other bytes": (
        lambda house: house.put("CLSK.csv", TEXT.replace("10.4", "10.5"), OLD - 60), ["CLSK.csv"]
    ),
    "rows that another source took away": (
        lambda house: house.bring(Batch("sample", bars("CLSK", "MARA"))), ["CLSK.csv", "MARA.csv"]
    ),
    "a row that stands no more": (
        lambda house: house.connection.execute(
            "update raw.market__daily_prices set valid_to = now() where symbol = 'CLSK' and close > 10.3"
        ),
        ["CLSK.csv"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_read(house: House, change: str) -> None:
    do, expected = CHANGES[change]
    do(house)
    assert house.run()[0] == expected
    assert house.run()[0] == []
    assert len(house.closes()["CLSK"]) >= 2


def bars(*symbols: str) -> pa.Table:
    """Two days of each symbol, as a source hands them over."""
    rows = [
        dict.fromkeys(DAILY_PRICES.column_names)
        | {"symbol": symbol, "trade_date": day, "close": "9", "source_file": "sample", "source_row": 1}
        for symbol in symbols
        for day in ("2025-11-20", "2025-11-21")
    ]
    kinds = [(name, pa.string()) for name in (*DAILY_PRICES.column_names, "source_file")]
    return pa.Table.from_pylist(rows, pa.schema([*kinds, ("source_row", pa.int64())]))


def test_a_file_that_was_just_written_is_told_by_its_bytes(house: House) -> None:
    """A second edit within one tick of the clock has the same size and time."""
    just_now = dt.datetime.now(dt.UTC).timestamp()
    house.put("CLSK.csv", TEXT.replace("10.4", "10.5"), just_now)
    house.run()
    house.put("CLSK.csv", TEXT.replace("10.4", "10.6"), just_now)
    house.run()
    assert house.closes()["CLSK"] == [10.2, 10.6]


def test_settings_and_the_full_history_read_every_file(house: House) -> None:
    assert house.run(DateOrder.DAY_FIRST)[0] == ["CLSK.csv", "MARA.csv"]
    assert house.run(DateOrder.DAY_FIRST)[0] == []
    assert house.run(DateOrder.DAY_FIRST, full_history=True)[0] == ["CLSK.csv", "MARA.csv"]


def test_picked_symbols_are_read_and_the_others_stay_remembered(house: House) -> None:
    batch = house.read(only_listed=True)
    assert set(batch.rows["source_file"].to_pylist()) == {"CLSK.csv", "MARA.csv"}
    request = PriceRequest(("CLSK",), only_listed=True, files=remembered(house.connection, DAILY_PRICES, "files"))
    partial = FilePrices(house.folder, now=lambda: NOW).fetch(request)
    by = Load(FETCHED + dt.timedelta(hours=1), "partial")
    load(house.connection, DAILY_PRICES, judge(partial, DAILY_PRICES, {}, NOW.date()), by)
    assert house.run()[0] == []


def test_a_file_whose_other_bytes_were_loaded_in_part_is_read_again(house: House) -> None:
    house.put("CLSK.csv", TEXT.replace("10.4", "10.5"), OLD + 60)
    house.bring(house.read(start=dt.date(2025, 11, 21)))
    assert house.closes()["CLSK"] == [10.2, 10.5]
    house.put("CLSK.csv")
    assert house.run()[0] == ["CLSK.csv"]
    assert house.closes()["CLSK"] == [10.2, 10.4]


def test_a_file_with_a_rejected_row_is_read_until_it_is_mended(house: House) -> None:
    house.put("MARA.csv", TEXT + "2025-11-24,soon\n", OLD + 60)
    for _ in range(2):
        assert house.run()[0] == ["MARA.csv"]
    house.put("MARA.csv", TEXT + "2025-11-24,10.7\n", OLD + 120)
    house.run()
    assert house.run()[0] == []


def test_an_unread_file_keeps_its_symbol(house: House) -> None:
    house.put("clsk_us_d.csv", TEXT.replace("10.", "30."))
    batch = house.read()
    assert not batch.rows.num_rows
    assert [(reject.source_file, reject.reason[:22]) for reject in batch.rejects] == [
        ("clsk_us_d.csv", "a second file for CLSK")
    ]


def test_a_file_that_went_and_came_back_is_read_again(house: House) -> None:
    (house.folder / "CLSK.csv").unlink()
    assert house.run()[0] == []
    house.put("CLSK.csv")
    assert house.run()[0] == ["CLSK.csv"]


def test_remarks_are_said_of_unread_files_too(house: House) -> None:
    house.put("CLSK.csv", "date,close,mood\n2025-11-20,10.2,good\n2025-11-21,10.4,bad\n", OLD + 60)
    house.run()
    batch = house.read()
    assert not batch.rows.num_rows
    assert "CLSK.csv: columns that are not used: mood" in batch.remarks


def test_a_load_that_fails_remembers_nothing(house: House) -> None:
    house.put("CLSK.csv", TEXT.replace("10.4", "10.5"), OLD + 60)
    batch = house.read()
    broken = Batch(batch.source, batch.rows.drop_columns(["close"]), files=batch.files)
    with pytest.raises(duckdb.Error):
        load(house.connection, DAILY_PRICES, broken, Load(FETCHED + dt.timedelta(hours=1), "broken"))
    assert house.run()[0] == ["CLSK.csv"]
