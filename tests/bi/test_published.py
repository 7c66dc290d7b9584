"""A query sees the file that stands now, and a missing file is said plainly."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from bi.published import NotPublishedError, query


def _publish(database: Path, value: int) -> None:
    beside = database.with_suffix(".new")
    with duckdb.connect(str(beside)) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.answers as select $value as answer", {"value": value})
    beside.replace(database)


def test_a_query_sees_a_file_that_was_swapped_in(tmp_path: Path) -> None:
    database = tmp_path / "minehouse.duckdb"
    for value in (1, 2):
        _publish(database, value)
        assert query(database, "select answer from answers where answer = ?", [value]).to_pylist() == [
            {"answer": value}
        ]


def test_a_missing_file_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(NotPublishedError, match="make run"):
        query(tmp_path / "minehouse.duckdb", "select 1")


def test_nothing_can_be_written(tmp_path: Path) -> None:
    database = tmp_path / "minehouse.duckdb"
    _publish(database, 1)
    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        query(database, "delete from answers")
