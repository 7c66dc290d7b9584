"""Of a file that has only grown the new lines alone are read, and what stands is what reading the whole file gives."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import duckdb
import pytest

from dagster_project.contracts.batch import Batch, FileRead
from dagster_project.contracts.market import DAILY_PRICES
from dagster_project.gate.gate import judge
from dagster_project.sources.prices.base import PriceRequest
from dagster_project.sources.prices.files import FilePrices
from dagster_project.warehouse.files_read import remembered
from dagster_project.warehouse.load import Load, LoadError, load

NOW = dt.datetime(2026, 11, 26, 15, tzinfo=dt.UTC)
WRITTEN = dt.datetime(2026, 1, 5, tzinfo=dt.UTC).timestamp()
DAYS = [day for at in range(300) if (day := dt.date(2025, 1, 1) + dt.timedelta(days=at)).weekday() < 5]
OLD, NEW = 200, 203
"""Bars of the file when it was loaded, and afterwards."""

Write = Callable[[int], str]
"""The text of a file of so many bars."""


def _close(at: int) -> float:
    return round(10 + at * 0.01 + (at % 7) * 0.13, 2)


def _lines(header: str, row: Callable[[int, dt.date], str], end: str = "\n") -> Write:
    return lambda bars: end.join([header, *(row(at, DAYS[at]) for at in range(bars))]) + end


WAYS: dict[str, Write] = {
    "ISO days": _lines("Date,Close,Volume", lambda at, day: f"{day},{_close(at)},{at * 100}"),
    "days of the United States": _lines("Date,Close", lambda at, day: f"{day:%m/%d/%Y},{_close(at)}"),
    "days first, decimal commas": _lines(
        "Datum;Schluss", lambda at, day: f"{day:%d.%m.%Y};{_close(at)}".replace(".", ",", 9).replace(",", ".", 2)
    ),
    "lines of Windows, dollars": _lines("Date,Close", lambda at, day: f"{day},${_close(at)}", "\r\n"),
    "titles above": _lines("CleanSpark\nfrom a vendor\n\nDate,Close,Mood", lambda at, day: f"{day},{_close(at)},good"),
    "cells in quotes": _lines('"Date","Close","Volume"', lambda at, day: f'"{day}","{_close(at)}","{at:,}00"'),
    "noise of a float": _lines(
        "Date,Open,High,Low,Close",
        lambda at, day: f"{day},{_close(at)},{_close(at) - 1e-9:.12f},{_close(at) - 1},{_close(at)}",
    ),
    "many symbols": _lines(
        "symbol,date,close",
        lambda at, day: "\n".join(f"{symbol},{day},{_close(at) + extra}" for extra, symbol in enumerate(("A", "BB"))),
    ),
}


class House:
    """A folder of one file, and a warehouse that it is loaded into."""

    def __init__(self, place: Path) -> None:
        self.file = place / "prices" / "CLSK.csv"
        self.database = place / "warehouse.duckdb"
        self.file.parent.mkdir(parents=True, exist_ok=True)

    def load(self, text: str | bytes, *, is_whole: bool = False) -> Batch:
        """Write the file and load it, with `is_whole` as one that was never read; what was read."""
        self.file.write_bytes(text.encode() if isinstance(text, str) else text)
        os.utime(self.file, (WRITTEN + len(text),) * 2)
        with duckdb.connect(str(self.database)) as connection:
            known = {} if is_whole else remembered(connection, DAILY_PRICES, "files")
            fetched = FilePrices(self.file.parent, now=lambda: NOW).fetch(PriceRequest(("CLSK",), files=known))
            batch = judge(fetched, DAILY_PRICES, {}, NOW.date())
            by = Load(NOW.replace(tzinfo=None) + dt.timedelta(minutes=len(text)), "a run")
            with contextlib.suppress(LoadError):  # refused: what stood stands
                load(connection, DAILY_PRICES, batch, by)
        return batch

    def stands(self) -> list[tuple[object, ...]]:
        """Every row that stands, and everything in quarantine, with its line in the file."""
        names = ", ".join([*DAILY_PRICES.column_names, "source_file", "source_row"])
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return [
                *connection.execute(
                    f"select {names} from raw.market__daily_prices where valid_to is null order by all"
                ).fetchall(),
                *connection.execute(
                    "select source_file, source_row, reason, record from quarantine.market__daily_prices order by all"
                ).fetchall(),
            ]

    def remembers(self) -> dict[str, FileRead]:
        """What the next run need not read."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return remembered(connection, DAILY_PRICES, "files")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str | bytes], Path]:
    """Where a file of this text was loaded: done once for each text."""

    @cache
    def place(text: str | bytes) -> Path:
        house = House(tmp_path_factory.mktemp("loaded"))
        house.load(text)
        return house.file.parents[1]

    return place


@pytest.fixture
def same_stands(loaded: Callable[[str | bytes], Path], tmp_path: Path) -> Callable[[str | bytes, str | bytes], Batch]:
    """Loads the one text, then the other, and compares with reading the other whole; what was read of it."""

    def compare(old: str | bytes, new: str | bytes) -> Batch:
        grown, whole = (House(shutil.copytree(loaded(old), tmp_path / name)) for name in ("grown", "whole"))
        read = grown.load(new)
        whole.load(new, is_whole=True)
        assert grown.stands() == whole.stands()
        assert grown.remembers() == whole.remembers()
        return read

    return compare


Compare = Callable[[str | bytes, str | bytes], Batch]


@pytest.mark.parametrize("way", WAYS)
def test_the_new_lines_alone_are_read_and_all_stands(same_stands: Compare, way: str) -> None:
    read = same_stands(WAYS[way](OLD), WAYS[way](NEW))
    assert sorted(set(read.rows["trade_date"].to_pylist())) == DAYS[OLD:NEW], "later days alone"
    assert any("have only grown" in remark for remark in read.remarks)


def test_a_file_grows_again_and_again(loaded: Callable[[str | bytes], Path], tmp_path: Path) -> None:
    house = House(shutil.copytree(loaded(ISO(OLD)), tmp_path / "grown"))
    for before, bars in itertools.pairwise((OLD, NEW, NEW + 1, NEW + 8)):
        assert house.load(ISO(bars)).rows["trade_date"].to_pylist() == DAYS[before:bars]
    assert not house.load(ISO(NEW + 8)).rows.num_rows
    assert [row[-1] for row in house.stands()] == list(range(2, NEW + 10)), "their lines in the file"


ISO = WAYS["ISO days"]
UNUSUAL: dict[str, tuple[str | bytes, str | bytes]] = {
    "a line without its end goes on": (ISO(OLD).rstrip("\n"), ISO(OLD).rstrip("\n") + "7\n"),
    "an old line was changed": (ISO(OLD), ISO(NEW).replace(f"{DAYS[100]},11.26", f"{DAYS[100]},11.27")),
    "an old line was taken out": (ISO(OLD), "".join(ISO(NEW).splitlines(keepends=True)[:2])),
    "a new line of an old day": (ISO(OLD), ISO(OLD) + f"{DAYS[9]},99.5,5\n"),
    "a new line that repeats one": (ISO(OLD), ISO(OLD) + ISO(OLD).splitlines(keepends=True)[-1]),
    "a day twice among the new lines": (ISO(OLD), ISO(NEW) + f"{DAYS[NEW - 1]},99.5,5\n"),
    "a new line that is none": (ISO(OLD), ISO(NEW) + "the end\n"),
    "a price that is none": (ISO(OLD), ISO(NEW) + f"{DAYS[NEW]},soon,5\n"),
    "a day that is none": (ISO(OLD), ISO(NEW) + "2025-13-45,10.5,5\n"),
    "a day to come": (ISO(OLD), ISO(NEW) + "2031-01-06,10.5,5\n"),
    "lines without anything": (ISO(OLD), ISO(OLD) + "\n\n,,\n"),
    "NUL bytes": (ISO(OLD), ISO(NEW).encode() + b"\x00\x00\n"),
    "another encoding below": (ISO(OLD), ISO(OLD).encode() + "2025-11-03,10.5,5 €\n".encode("cp1252")),
    "a short file": (ISO(20), ISO(23)),
    "a split that divides what was": tuple(  # type: ignore[dict-item]
        _lines("date,close,divCash,splitFactor", lambda at, day: f"{day},{_close(at)},0,{2 if at == OLD + 1 else 1}")(
            bars
        )
        for bars in (OLD, NEW)
    ),
    "another symbol": (WAYS["many symbols"](OLD), WAYS["many symbols"](OLD) + f"CCC,{DAYS[NEW]},10.5\n"),
    "thousands, as one cell in the middle says, and decimals": tuple(  # type: ignore[dict-item]
        _lines("Date;Close", lambda at, day: f"{day};" + ("1.250,5" if at == 100 else f"1.{at + 100}"))(OLD) + more
        for more in ("", f"{DAYS[OLD]};1.5\n")
    ),
}


@pytest.mark.parametrize("case", UNUSUAL)
def test_whatever_is_unusual_gives_what_the_whole_file_gives(same_stands: Compare, case: str) -> None:
    same_stands(*UNUSUAL[case])


def test_what_is_said_of_new_lines_is_said_as_long_as_they_stand(tmp_path: Path) -> None:
    noise = f"{DAYS[OLD]},10.5,10.4999999999,9.5,10.5\n"
    header = "Date,Open,High,Low,Close"
    text = _lines(header, lambda at, day: f"{day},{_close(at)},{_close(at) + 1},{_close(at) - 1},{_close(at)}")(OLD)
    house = House(tmp_path)
    assert not any("noise" in remark for remark in house.load(text).remarks)
    for _ in range(2):
        assert any("noise" in remark for remark in house.load(text + noise).remarks)


def test_a_bar_of_a_day_that_goes_on_is_left_out_until_it_is_over(tmp_path: Path) -> None:
    days = [dt.date(2025, 11, 28) - dt.timedelta(days=at) for at in range(280)]
    text = "Date,Close\n" + "".join(f"{day},10.5\n" for day in reversed(days) if day.weekday() < 5)
    house = House(tmp_path)
    house.load(text)
    for going_on in (f"{NOW:%Y-%m-%d},10.6\n", f"{NOW:%Y-%m-%d},10.75\n"):
        read = house.load(text + "2026-11-25,10.5\n" + going_on)
        assert set(read.rows["trade_date"].to_pylist()) == {dt.date(2026, 11, 25)}
        assert any("not over" in remark for remark in read.remarks)
    assert max(row[1] for row in house.stands()) == dt.date(2026, 11, 25)  # type: ignore[type-var]
