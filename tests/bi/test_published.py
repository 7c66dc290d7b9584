"""A query sees the file that stands now, and a missing file is said plainly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from bi.published import NotPublishedError, PublishedFile


def _publish(database: Path, value: int) -> None:
    beside = database.with_suffix(".new")
    with duckdb.connect(str(beside)) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.answers as select $value as answer", {"value": value})
    beside.replace(database)


def test_a_query_sees_a_file_that_was_swapped_in(tmp_path: Path) -> None:
    database = tmp_path / "minehouse.duckdb"
    published = PublishedFile(database)
    for value in (1, 2):
        _publish(database, value)
        assert published.query("select answer from answers where answer = ?", [value]).to_pylist() == [
            {"answer": value}
        ]


def test_a_file_is_opened_once_and_given_back_when_another_takes_its_place(tmp_path: Path) -> None:
    database = tmp_path / "minehouse.duckdb"
    published = PublishedFile(database)

    def transaction() -> int:
        return int(published.query("select txid_current() as txid")["txid"][0].as_py())

    _publish(database, 1)
    first = transaction()
    assert transaction() > first  # a DuckDB that is opened anew counts from the start
    held = database.stat().st_ino
    _publish(database, 2)
    assert transaction() == first
    opened = {link.stat().st_ino for link in Path("/proc/self/fd").iterdir() if link.exists()}
    assert database.stat().st_ino in opened
    assert held not in opened


def test_many_threads_see_whole_answers_while_the_file_is_swapped(tmp_path: Path) -> None:
    database = tmp_path / "minehouse.duckdb"
    _publish(database, 0)
    published = PublishedFile(database)

    def ask(_: int) -> int:
        return int(published.query("select answer from answers")["answer"][0].as_py())

    with ThreadPoolExecutor(8) as readers:
        asked = [readers.submit(ask, turn) for turn in range(100)]
        for value in range(1, 6):
            _publish(database, value)
            asked.append(readers.submit(ask, value))
    assert {question.result() for question in asked} <= set(range(6))
    assert published.query("select answer from answers").to_pylist() == [{"answer": 5}]


def test_a_missing_file_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(NotPublishedError, match="make run"):
        PublishedFile(tmp_path / "minehouse.duckdb").query("select 1")


def test_nothing_can_be_written(tmp_path: Path) -> None:
    database = tmp_path / "minehouse.duckdb"
    _publish(database, 1)
    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        PublishedFile(database).query("delete from answers")
