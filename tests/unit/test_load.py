"""Loading: one transaction, no row lost, no row twice, history kept."""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from dagster_project.contracts.base import Column, Contract, LoadMode
from dagster_project.contracts.batch import Batch, Reject, kept_out, rejects_table
from dagster_project.settings import PROJECT_DIR
from dagster_project.stored_rows import RowStore, StoredRows
from dagster_project.warehouse import connection
from dagster_project.warehouse.load import (
    Load,
    LoadReport,
    LostRowsError,
    OtherSourceStandsError,
    ShrunkBatchError,
    _apply,
    create_tables,
    load,
)

COLUMNS = (
    Column("symbol", "varchar", "Ticker.", required=True),
    Column("day", "bigint", "Day.", required=True),
    Column("close", "double", "It's the close."),
)
UPSERT = Contract("bars", "Bars.", COLUMNS, key=("symbol", "day"), mode=LoadMode.UPSERT, guard_by=("symbol",))
SNAPSHOT = Contract("facts", "Facts.", COLUMNS, key=("symbol", "day"), mode=LoadMode.SNAPSHOT)
DAILY = Contract(
    "daily",
    "Bars.",
    (COLUMNS[0], Column("day", "date", "Day.", required=True), COLUMNS[2]),
    key=("symbol", "day"),
    mode=LoadMode.UPSERT,
    guard_by=("symbol",),
    window_by="day",
)
FIRST, SECOND, THIRD = (dt.datetime(2026, 1, day) for day in (1, 2, 3))  # noqa: DTZ001


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connection.write(tmp_path / "build" / "warehouse.duckdb") as con:
        yield con


def _rows(*rows: tuple[str, int, float | None]) -> pa.Table:
    names = ("symbol", "day", "close", "source_file", "source_row")
    whole = [(*row, "a.csv", at + 2) for at, row in enumerate(rows)]
    schema = pa.schema(
        [
            ("symbol", pa.string()),
            ("day", pa.int64()),
            ("close", pa.float64()),
            ("source_file", pa.string()),
            ("source_row", pa.int64()),
        ]
    )
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in whole], schema=schema)


def _daily(*rows: tuple[str, int, float]) -> pa.Table:
    table = _rows(*rows)
    days = pa.array([dt.date(2026, 1, day) for day in table["day"].to_pylist()], pa.date32())
    return table.set_column(table.schema.get_field_index("day"), "day", days)


def _load(
    con: duckdb.DuckDBPyConnection, contract: Contract, rows: pa.Table, at: dt.datetime = FIRST, **options: Any
) -> LoadReport:
    source = options.pop("source", "files")
    how = {
        name: options.pop(name) for name in ("allow_shrink", "allow_rewrite", "retire_other_sources") if name in options
    }
    batch = Batch(source, rows, **options)
    return load(con, contract, batch, Load(at, f"run of {at:%d}", **how))


def _standing(con: duckdb.DuckDBPyConnection, contract: Contract) -> list[tuple[Any, ...]]:
    query = f"select symbol, day, close from raw.{contract.table} where valid_to is null order by all"
    return con.execute(query).fetchall()


@pytest.mark.parametrize("contract", [UPSERT, SNAPSHOT])
def test_the_same_batch_twice_adds_nothing(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    rows = _rows(("A", 1, 1.0), ("A", 2, None))
    first = _load(con, contract, rows)
    second = _load(con, contract, rows, SECOND)
    assert (first.added, second.added, second.changed, second.withdrawn, second.unchanged) == (2, 0, 0, 0, 2)
    assert con.execute(f"select count(*), max(run_id) from raw.{contract.table}").fetchall() == [(2, "run of 01")]


def _stored(path: Path, *parts: pa.Table) -> StoredRows | None:
    store = RowStore(path)
    for part in parts:
        store.append(part)
    return store.close()


@pytest.mark.parametrize("in_memory", [0, 1, 3])
def test_rows_on_the_disk_are_loaded_as_those_in_memory(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, in_memory: int
) -> None:
    _load(con, UPSERT, _rows(("A", 1, 1.0), ("B", 1, 5.0)))
    rows = _rows(("A", 1, 1.5), ("B", 1, 5.0), ("C", 1, None), ("C", 2, 3.0))
    stored = _stored(tmp_path / "rows.arrows", rows.slice(in_memory, 1), rows.slice(in_memory + 1))
    report = _load(con, UPSERT, rows.slice(0, in_memory), SECOND, stored=stored)
    assert (report.incoming, report.added, report.changed, report.unchanged) == (4, 2, 1, 1)
    assert _standing(con, UPSERT) == [("A", 1, 1.5), ("B", 1, 5.0), ("C", 1, None), ("C", 2, 3.0)]


@pytest.mark.parametrize("in_memory", [0, 1, 130_000])
def test_many_rows_on_the_disk_are_all_loaded(con: duckdb.DuckDBPyConnection, tmp_path: Path, in_memory: int) -> None:
    """More than one row group of DuckDB's, below none, one or as many in memory."""
    rows = _rows(*((f"S{at // 1000}", at % 1000, 1.0) for at in range(260_000)))
    stored = _stored(tmp_path / "rows.arrows", rows.slice(in_memory, 1), rows.slice(in_memory + 1))
    report = _load(con, UPSERT, rows.slice(0, in_memory), stored=stored)
    assert (report.incoming, report.added, report.current) == (260_000, 260_000, 260_000)
    query = "select count(distinct (symbol, day)) from raw.bars where valid_to is null"
    assert con.execute(query).fetchall() == [(260_000,)]


def test_rows_that_the_engine_loses_are_noticed(con: duckdb.DuckDBPyConnection) -> None:
    """DuckDB 2.0 loses rows added after an empty insert; once it does not, `_take_in` need not be one statement."""
    create_tables(con, UPSERT)
    rows = _rows(*((f"S{at // 1000}", at % 1000, 1.0) for at in range(260_000)))
    con.register("none", rows.slice(0, 0))
    con.register("many", rows)
    con.execute("set threads = 2")
    con.execute("begin transaction")
    con.execute("create temp table incoming as from none")
    con.execute("insert into incoming from many")
    with pytest.raises(LostRowsError, match=r"260000 rows were to be written to raw\.bars, 0 were"):
        _apply(con, UPSERT, "files", Load(FIRST, "run"), replacing=())


def test_a_file_of_rows_that_is_cut_changes_nothing(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    _load(con, UPSERT, _rows(("A", 1, 1.0)))
    parts = [_rows(*((f"S{part}", day, 1.0) for day in range(1000))) for part in range(4)]
    stored = _stored(tmp_path / "rows.arrows", *parts)
    assert stored is not None
    stored.path.write_bytes(stored.path.read_bytes()[:-2000])
    with pytest.raises((OSError, duckdb.Error)):
        _load(con, UPSERT, parts[0].slice(0, 0), SECOND, stored=stored)
    assert _standing(con, UPSERT) == [("A", 1, 1.0)]
    assert _load(con, UPSERT, parts[0], THIRD).added == 1000, "the connection is as good as before"


def test_every_row_says_where_it_came_from(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, UPSERT, _rows(("A", 1, 1.0)))
    row = con.execute("select source, source_file, source_row, fetched_at, run_id, valid_from, valid_to from raw.bars")
    assert row.fetchall() == [("files", "a.csv", 2, FIRST, "run of 01", FIRST, None)]


def test_a_correction_keeps_the_old_version(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, UPSERT, _rows(("A", 1, 1.0), ("A", 2, 2.0)))
    report = _load(con, UPSERT, _rows(("A", 1, 1.5), ("A", 2, 2.0)), SECOND)
    assert (report.added, report.changed, report.unchanged, report.current) == (0, 1, 1, 2)
    versions = con.execute(
        "select close, valid_from, valid_to from raw.bars where day = 1 order by valid_from"
    ).fetchall()
    assert versions == [(1.0, FIRST, SECOND), (1.5, SECOND, None)]


def test_a_value_that_becomes_empty_is_a_correction_too(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, UPSERT, _rows(("A", 1, 1.0)))
    assert _load(con, UPSERT, _rows(("A", 1, None)), SECOND).changed == 1


def test_an_absent_key_stays_in_an_upsert_and_is_withdrawn_from_a_snapshot(con: duckdb.DuckDBPyConnection) -> None:
    rows = [("A", day, 1.0) for day in range(10)]
    for contract, withdrawn in ((UPSERT, 0), (SNAPSHOT, 1)):
        _load(con, contract, _rows(*rows))
        assert _load(con, contract, _rows(*rows[1:]), SECOND).withdrawn == withdrawn
        assert len(_standing(con, contract)) == 10 - withdrawn
        assert con.execute(f"select count(*) from raw.{contract.table}").fetchall() == [(10,)], "nothing is deleted"


def test_a_typo_in_a_row_does_not_withdraw_what_stood_for_it(con: duckdb.DuckDBPyConnection) -> None:
    rows = [("A", day, 1.0) for day in range(10)]
    _load(con, SNAPSHOT, _rows(*rows))
    typo = Reject("a.csv", 2, "close: 'x' is not a number", '{"symbol": "A", "day": "0", "close": "x"}')
    report = _load(con, SNAPSHOT, _rows(*rows[1:9]), SECOND, rejects=(typo,))
    assert (report.withdrawn_keys, report.withdrawn, report.kept_back) == (("symbol A, day 9",), 1, 0)
    assert [day for _, day, _ in _standing(con, SNAPSHOT)] == list(range(9)), "day 0 is in the file with a typo"


@pytest.mark.parametrize(
    "record",
    [
        '{"symbol": "A", "day": "9O", "close": "1"}',
        '{"symbol": "AA", "day": "9", "close": "1"}',
        '{"symbol": "A", "close": "1"}',
        "not, json {",
    ],
    ids=["day", "symbol", "no day", "unreadable"],
)
def test_a_mistyped_key_withdraws_nothing_until_it_is_mended(con: duckdb.DuckDBPyConnection, record: str) -> None:
    rows = [("A", day, 1.0) for day in range(10)]
    _load(con, SNAPSHOT, _rows(*rows))
    typo = Reject("a.csv", 11, "its key is not what it was", record)
    report = _load(con, SNAPSHOT, _rows(*rows[:8]), SECOND, rejects=(typo,))
    assert (report.withdrawn, report.kept_back, report.current) == (0, 2, 10)
    report = _load(con, SNAPSHOT, _rows(*rows[:8], rows[9]), THIRD)
    assert report.withdrawn_keys == ("symbol A, day 8",), "once mended, what is missing is withdrawn"
    report = _load(con, SNAPSHOT, _rows(*rows), THIRD + dt.timedelta(days=1))
    assert (report.added, report.withdrawn, report.current) == (1, 0, 10), "put back, it stands again"
    assert con.execute("select count(*) from raw.facts").fetchall() == [(11,)], "and its old version is kept"


@pytest.mark.parametrize(("arriving", "refused"), [(0, True), (79, True), (80, False), (120, False)])
def test_a_sharply_smaller_snapshot_is_refused(con: duckdb.DuckDBPyConnection, arriving: int, refused: bool) -> None:
    _load(con, SNAPSHOT, _rows(*(("A", day, 1.0) for day in range(100))))
    batch = _rows(*(("A", day, 2.0) for day in range(arriving)))
    if refused:
        with pytest.raises(ShrunkBatchError):
            _load(con, SNAPSHOT, batch, SECOND)
        assert len(_standing(con, SNAPSHOT)) == 100
        assert con.execute("select count(*) from raw.facts where valid_to is not null").fetchall() == [(0,)]
    else:
        assert _load(con, SNAPSHOT, batch, SECOND).current == arriving


def test_shrinking_can_be_allowed(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, SNAPSHOT, _rows(*(("A", day, 1.0) for day in range(100))))
    assert _load(con, SNAPSHOT, _rows(("A", 1, 1.0)), SECOND, allow_shrink=True).current == 1


def test_one_small_symbol_is_refused_and_the_others_load(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, UPSERT, _rows(*((symbol, day, 1.0) for symbol in "AB" for day in range(10))))
    report = _load(con, UPSERT, _rows(("A", 1, 9.0), *(("B", day, 2.0) for day in range(11))), SECOND)
    assert list(report.refused) == ["A"]
    assert "1 good rows arrived, 10 stand" in report.refused["A"]
    assert {close for symbol, _, close in _standing(con, UPSERT) if symbol == "A"} == {1.0}
    assert {close for symbol, _, close in _standing(con, UPSERT) if symbol == "B"} == {2.0}


def test_versions_that_stand_no_more_are_not_counted_as_rows_that_stand(con: duckdb.DuckDBPyConnection) -> None:
    for at, close in ((FIRST, 1.0), (SECOND, 2.0)):
        _load(con, UPSERT, _rows(*(("A", day, close) for day in range(10))), at)
    report = _load(con, UPSERT, _rows(*(("A", day, 3.0) for day in range(10))), THIRD)
    assert (report.refused, report.changed, report.current) == ({}, 10, 10)


def test_an_absent_symbol_is_not_a_small_one(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, UPSERT, _rows(("A", 1, 1.0), ("B", 1, 1.0)))
    assert _load(con, UPSERT, _rows(("B", 1, 1.0)), SECOND).refused == {}
    assert len(_standing(con, UPSERT)) == 2


def test_a_window_is_compared_with_what_stands_in_it(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, DAILY, _daily(*((symbol, day, 1.0) for symbol in "AB" for day in range(1, 21))))
    window = {"A": dt.date(2026, 1, 11), "B": dt.date(2026, 1, 11)}
    update = [("A", day, 1.0) for day in range(11, 22)] + [("B", day, 9.0) for day in range(11, 14)]
    report = _load(con, DAILY, _daily(*update), SECOND, since=window)
    assert (report.added, report.unchanged, report.current) == (1, 10, 41)
    assert report.refused == {"B": "3 good rows arrived, 10 stand"}
    nothing_new = _load(con, DAILY, _daily(), THIRD, since={"A": dt.date(2026, 1, 22)})
    assert (nothing_new.added, nothing_new.current, nothing_new.refused) == (0, 41, {})


def test_a_whole_history_takes_the_place_of_another(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, DAILY, _daily(*((symbol, day, 20.0) for symbol in "AB" for day in range(1, 11))))
    report = _load(con, DAILY, _daily(*(("A", day, 2.0) for day in range(2, 12))), SECOND, restated={"A": "split"})
    assert (report.added, report.changed, report.withdrawn, report.current) == (1, 9, 1, 20)
    stand = con.execute("select distinct symbol, close from raw.daily where valid_to is null order by all").fetchall()
    assert stand == [("A", 2.0), ("B", 20.0)], "no day of another scale stands"
    assert con.execute("select count(*) from raw.daily").fetchall() == [(30,)], "and none is deleted"


def test_a_whole_history_that_is_much_shorter_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, DAILY, _daily(*((symbol, day, 20.0) for symbol in "AB" for day in range(1, 11))))
    rows = [("A", day, 2.0) for day in range(1, 4)] + [("B", 11, 20.0)]
    report = _load(con, DAILY, _daily(*rows), SECOND, restated={"A": "split"}, since={"B": dt.date(2026, 1, 11)})
    assert report.refused == {"A": "3 good rows arrived, 10 stand"}
    stand = con.execute("select count(*) from raw.daily where valid_to is null and close = 20").fetchall()
    assert (report.withdrawn, stand) == (0, [(21,)])


def _history(factor: float = 1.0, symbol: str = "A", rows: int = 10) -> list[tuple[str, int, float]]:
    return [(symbol, day, (10.0 + day) * factor) for day in range(1, rows + 1)]


KEPT = replace(UPSERT, history="close")


def test_a_history_on_another_scale_is_refused_and_the_others_load(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, KEPT, _rows(*_history(), *_history(symbol="B")))
    report = _load(con, KEPT, _rows(*_history(0.25), *_history(symbol="B"), ("B", 11, 21.0)), SECOND)
    assert list(report.refused) == ["A"]
    assert (
        "close of 10 of 10 rows that stand is another (median 0.25 times what it was; first 1: 2.75, stood 11)"
        in (report.refused["A"])
    )
    assert report.rewritten == {}
    standing = _standing(con, KEPT)
    assert ("A", 1, 11.0) in standing
    assert ("B", 11, 21.0) in standing


def test_a_history_on_another_scale_can_be_allowed(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, KEPT, _rows(*_history()))
    report = _load(con, KEPT, _rows(*_history(0.25)), SECOND, allow_rewrite=True)
    assert (report.refused, report.changed, list(report.rewritten)) == ({}, 10, ["A"])


@pytest.mark.parametrize(
    ("rows", "rescaled", "is_refused"), [(10, 5, False), (10, 6, True), (4, 4, False), (5, 5, True)]
)
def test_a_history_is_refused_where_more_than_half_of_five_rows_or_more_are_on_another_scale(
    con: duckdb.DuckDBPyConnection, rows: int, rescaled: int, is_refused: bool
) -> None:
    _load(con, KEPT, _rows(*_history(rows=rows)))
    report = _load(con, KEPT, _rows(*_history(0.25, rows=rescaled), *_history(rows=rows)[rescaled:]), SECOND)
    assert (list(report.refused), list(report.rewritten)) == ((["A"], []) if is_refused else ([], ["A"]))
    assert report.changed == (0 if is_refused else rescaled)


def test_a_correction_is_told_and_loaded(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, KEPT, _rows(*_history()))
    corrected = [*_history()[:-1], ("A", 10, 40.0)]
    report = _load(con, KEPT, _rows(*corrected), SECOND)
    assert (report.refused, report.changed) == ({}, 1)
    assert "close of 1 of 10 rows" in report.rewritten["A"]
    assert _load(con, KEPT, _rows(*corrected), THIRD).rewritten == {}


LASTING = replace(
    KEPT, columns=(*COLUMNS, Column("volume", "double", "Volume.")), lasting=("volume",), guard_by=("symbol",)
)


def _with_volume(*volumes: float | None, symbol: str = "A") -> pa.Table:
    rows = _rows(*_history(symbol=symbol, rows=len(volumes)))
    return rows.add_column(3, "volume", pa.array(volumes, pa.float64()))


def test_a_file_that_has_lost_a_column_is_refused_and_a_lost_cell_is_told(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, LASTING, pa.concat_tables([_with_volume(*[7.0] * 10), _with_volume(*[None] * 10, symbol="B")]))
    poorer = pa.concat_tables([_with_volume(*[None] * 10), _with_volume(*[8.0] * 10, symbol="B")])
    report = _load(con, LASTING, poorer, SECOND)
    assert list(report.refused) == ["A"], "B has become richer"
    assert report.refused["A"].startswith("volume of 10 of 10 rows that stand is missing now: a swapped")
    stand = "select symbol, sum(volume) from raw.bars where valid_to is null group by all order by all"
    assert con.execute(stand).fetchall() == [("A", 70.0), ("B", 80.0)]

    report = _load(con, LASTING, _with_volume(*[7.0] * 9, None), THIRD)
    assert (report.refused, report.rewritten) == ({}, {"A": "volume of 1 of 10 rows that stand is missing now"})
    report = _load(con, LASTING, _with_volume(*[None] * 10), THIRD, allow_rewrite=True)
    assert (report.refused, list(report.rewritten)) == ({}, ["A"])
    assert con.execute(stand).fetchall() == [("A", None), ("B", 80.0)]


def test_rows_that_have_left_the_middle_of_a_file_are_told_and_stand(con: duckdb.DuckDBPyConnection) -> None:
    """A file speaks for the days from its first to its last; a row that is there again is not told any more."""
    whole = [(symbol, day, 1.0) for symbol in "AB" for day in range(1, 31)]
    _load(con, DAILY, _daily(*whole))
    without = [row for row in whole if row not in {("A", 7, 1.0), ("A", 9, 1.0), ("B", 1, 1.0), ("B", 30, 1.0)}]
    for when in (SECOND, THIRD):
        report = _load(con, DAILY, _daily(*without), when)
        assert (report.withdrawn, report.current, list(report.rewritten)) == (0, 60, ["A"])
        assert report.rewritten["A"].startswith(
            "2 rows that stand between its first and last day are not in it (first 2"
        )
    assert _load(con, DAILY, _daily(*whole), THIRD).rewritten == {}

    report = _load(con, DAILY, _daily(*without), THIRD + dt.timedelta(1), allow_rewrite=True)
    assert (report.withdrawn, report.current, report.rewritten) == (2, 58, {})
    report = _load(con, DAILY, _daily(*whole), THIRD + dt.timedelta(2))
    assert (report.added, report.current) == (2, 60)


@pytest.mark.parametrize(
    "of_batch",
    [
        {"is_partial": True},
        {"since": {"A": dt.date(2026, 1, 5)}},
        {"rejects": (Reject("a.csv", 8, "close -1.0 is not above 0", "{}"),)},
    ],
    ids=["picked by a person", "from a day on", "a line that could not be read"],
)
def test_a_row_that_may_not_have_left_is_not_told(con: duckdb.DuckDBPyConnection, of_batch: dict[str, Any]) -> None:
    whole = [("A", day, 1.0) for day in range(1, 31)]
    _load(con, DAILY, _daily(*whole))
    report = _load(con, DAILY, _daily(*whole[:6], *whole[7:]), SECOND, allow_rewrite=True, **of_batch)
    assert (report.withdrawn, report.current, report.rewritten) == (0, 30, {})


@pytest.mark.parametrize(("rows", "lost", "is_refused"), [(10, 5, False), (10, 6, True), (4, 4, False), (5, 5, True)])
def test_a_file_is_poorer_where_more_than_half_of_five_cells_or_more_are_missing(
    con: duckdb.DuckDBPyConnection, rows: int, lost: int, is_refused: bool
) -> None:
    _load(con, LASTING, _with_volume(*[7.0] * rows))
    report = _load(con, LASTING, _with_volume(*[None] * lost, *[7.0] * (rows - lost)), SECOND)
    assert (list(report.refused), list(report.rewritten)) == ((["A"], []) if is_refused else ([], ["A"]))


def test_a_history_that_its_source_replaces_or_another_source_brings_is_no_swapped_file(
    con: duckdb.DuckDBPyConnection,
) -> None:
    _load(con, KEPT, _rows(*_history()))
    report = _load(con, KEPT, _rows(*_history(0.25)), SECOND, restated={"A": "split"})
    assert (report.refused, report.rewritten, report.changed) == ({}, {}, 10)
    other = _load(con, KEPT, _rows(*_history()), THIRD, source="live", retire_other_sources=True)
    assert (other.refused, other.added) == ({}, 10)


def test_a_part_that_a_person_picked_is_no_shrunk_batch(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, DAILY, _daily(*[("A", day, 1.0) for day in range(1, 31)]))
    report = _load(con, DAILY, _daily(("A", 3, 2.0)), SECOND, is_partial=True)
    assert (report.changed, report.current, report.refused) == (1, 30, {})
    with pytest.raises(ShrunkBatchError, match="no good row"):
        _load(con, DAILY, _daily(), THIRD, is_partial=True)


def test_a_part_does_not_lift_the_guard_of_a_history_that_is_replaced(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, DAILY, _daily(*[(symbol, day, 1.0) for symbol in "AB" for day in range(1, 31)]))
    report = _load(con, DAILY, _daily(("A", 3, 2.0), ("B", 3, 2.0)), SECOND, restated={"A": "split"}, is_partial=True)
    assert (list(report.refused), report.changed, report.withdrawn) == (["A"], 1, 0)


def test_a_part_does_not_take_the_place_of_another_source(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, DAILY, _daily(("A", 1, 1.0), ("B", 1, 1.0)))
    with pytest.raises(OtherSourceStandsError, match="holds rows of files; a part of live cannot"):
        _load(con, DAILY, _daily(("A", 1, 2.0)), SECOND, source="live", retire_other_sources=True, is_partial=True)
    assert con.execute("select count(*) from raw.daily where valid_to is null").fetchall() == [(2,)]


def test_a_part_of_a_snapshot_makes_no_sense(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ValueError, match="takes whole batches only"):
        _load(con, SNAPSHOT, _rows(("A", 1, 1.0)), is_partial=True)


def test_a_column_that_a_contract_gains_is_added_to_the_rows_that_are_there(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, UPSERT, _rows(("A", 1, 1.0)))
    wider = replace(UPSERT, columns=(*COLUMNS, Column("volume", "bigint", "Units.")))
    rows = _rows(("A", 1, 1.0), ("A", 2, 2.0)).append_column("volume", pa.array([None, 7], pa.int64()))
    report = _load(con, wider, rows, SECOND)
    assert (report.unchanged, report.added) == (1, 1)
    assert con.execute("select day, volume, run_id from raw.bars order by 1").fetchall() == [
        (1, None, "run of 01"),
        (2, 7, "run of 02"),
    ]
    comment = "select comment from duckdb_columns() where schema_name = 'raw' and column_name = 'volume'"
    assert con.execute(comment).fetchall() == [("Units.",)]


@pytest.mark.parametrize("in_memory", [0, 1, 2])
def test_rejects_go_to_quarantine_once(con: duckdb.DuckDBPyConnection, tmp_path: Path, in_memory: int) -> None:
    """From memory and from the disk."""
    reject = Reject("a.csv", 7, "close -1.0 is not above 0", '{"close": "-1"}')
    whole_file = Reject("b.csv", None, "unknown header", "Foo,Bar")
    both = (whole_file, reject)
    stored = both[in_memory:]
    rejects = {
        "rejects": both[:in_memory],
        "stored_rejects": _stored(tmp_path / "bad.arrows", rejects_table(stored)) if stored else None,
        "kept_out_on_disk": kept_out(stored),
    }
    first = _load(con, UPSERT, _rows(("A", 1, 1.0)), **rejects)
    second = _load(con, UPSERT, _rows(("A", 1, 1.0)), SECOND, **rejects)
    assert (first.newly_quarantined, second.newly_quarantined, second.quarantined) == (2, 0, 2)
    kept = con.execute(
        "select source_file, source_row, reason, record, run_id from quarantine.bars order by 1"
    ).fetchall()
    assert kept == [
        ("a.csv", 7, reject.reason, reject.record, "run of 01"),
        ("b.csv", None, whole_file.reason, "Foo,Bar", "run of 01"),
    ]


def test_a_refused_batch_still_leaves_its_rejects_in_quarantine(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, UPSERT, _rows(("A", 1, 1.0)))
    with pytest.raises(ShrunkBatchError, match="no good row"):
        _load(con, UPSERT, _rows(), SECOND, rejects=(Reject("a.csv", 2, "bad", "{}"),))
    assert con.execute("select count(*) from quarantine.bars").fetchall() == [(1,)]


def test_sources_never_stand_side_by_side_where_they_exclude_each_other(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, UPSERT, _rows(("A", 1, 1.0), ("B", 1, 1.0)), source="sample", retire_other_sources=True)
    report = _load(con, UPSERT, _rows(("A", 1, 1.0)), SECOND, source="files", retire_other_sources=True)
    assert report.withdrawn == 2
    assert _standing(con, UPSERT) == [("A", 1, 1.0)]
    assert con.execute("select distinct source from raw.bars where valid_to is null").fetchall() == [("files",)]


def test_a_source_that_is_retired_keeps_the_days_of_its_old_versions(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, DAILY, _daily(("A", 1, 1.0)), source="sample")
    _load(con, DAILY, _daily(("A", 1, 2.0)), SECOND, source="sample")
    retired = _load(con, DAILY, _daily(("A", 1, 3.0)), THIRD, source="files", retire_other_sources=True)
    assert retired.withdrawn == 1
    versions = con.execute("select source, close, valid_from, valid_to from raw.daily order by valid_from").fetchall()
    assert versions == [("sample", 1.0, FIRST, SECOND), ("sample", 2.0, SECOND, THIRD), ("files", 3.0, THIRD, None)]
    # and a part of the new source is no more beside the old one
    part = _load(con, DAILY, _daily(("A", 2, 3.0)), THIRD, source="files", retire_other_sources=True, is_partial=True)
    assert (part.added, part.withdrawn, part.current) == (1, 0, 2)


def test_a_failure_in_the_middle_leaves_everything_as_it_was(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, UPSERT, _rows(("A", 1, 1.0)))
    con.execute("alter table raw.bars alter close type integer")  # 1e300 does not fit: the last statement fails
    with pytest.raises(duckdb.Error):
        _load(con, UPSERT, _rows(("A", 1, 1e300), ("A", 2, 2.0)), SECOND, rejects=(Reject("a.csv", 9, "bad", "{}"),))
    assert con.execute("select day, close, valid_to from raw.bars").fetchall() == [(1, 1, None)]
    assert con.execute("select count(*) from quarantine.bars").fetchall() == [(0,)]
    assert _load(con, UPSERT, _rows(("A", 1, 3.0)), THIRD).changed == 1, "and the connection is usable"


def test_tables_carry_their_descriptions(con: duckdb.DuckDBPyConnection) -> None:
    _load(con, UPSERT, _rows(("A", 1, 1.0)))
    comments = dict(
        con.execute("select column_name, comment from duckdb_columns() where schema_name = 'raw'").fetchall()
    )
    assert comments["close"] == "It's the close."
    assert all(comments.values())


_ON_A_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import duckdb
from test_load import FIRST, SNAPSHOT, _rows
from dagster_project.contracts.batch import Batch
from dagster_project.warehouse import connection
from dagster_project.warehouse.load import Load, create_tables, load

file = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with connection.write(file) as con:
    create_tables(con, SNAPSHOT)
    con.execute("checkpoint")
    size = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, size))
    rows = _rows(*((f"S{at}", at, at / 7) for at in range(20_000)))
    try:
        load(con, SNAPSHOT, Batch("files", rows), Load(FIRST, "run"))
    except duckdb.Error as error:
        print(type(error).__name__, error)
"""


def test_what_the_disk_refuses_is_what_is_said(tmp_path: Path) -> None:
    """A commit that fails has ended the transaction: that there is none to take back is not the news."""
    database = tmp_path / "w.duckdb"
    command = [sys.executable, "-c", _ON_A_FULL_DISK, str(database)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(PROJECT_DIR)])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert "File too large" in done.stdout, done.stdout + done.stderr
    assert "no transaction is active" not in done.stdout
    with connection.read(database) as con:
        assert con.execute("select count(*) from raw.facts").fetchall() == [(0,)]
