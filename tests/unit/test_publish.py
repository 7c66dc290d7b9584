"""Publishing: whole or not at all, under the eyes of readers."""

import datetime as dt
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from dagster_project.warehouse import connection
from dagster_project.warehouse.publish import (
    NothingToPublishError,
    UnknownPublicationError,
    current_id,
    publication_ids,
    publish,
    rollback,
)
from dagster_project.warehouse.standing import compare


def _build(database: Path, rows: int) -> None:
    with connection.write(database) as con:
        con.execute("create schema if not exists marts; create schema if not exists raw")
        con.execute("create table if not exists raw.secret as select 1 as x")
        con.execute(f"create or replace table marts.fct_things as select range as x from range({rows})")
        con.execute("comment on table marts.fct_things is 'One row per thing; it''s documented.'")
        con.execute("comment on column marts.fct_things.x is 'The thing''s number.'")
        con.execute("create or replace macro marts.b_things(n) as table select * from marts.fct_things where x < n")
        con.execute("create or replace macro marts.a_things(n) as table select count(*) as c from marts.b_things(n)")


def _published(folder: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(folder / "minehouse.duckdb"), read_only=True)


def test_marts_macros_and_descriptions_are_published_and_nothing_else(tmp_path: Path) -> None:
    _build(tmp_path / "w.duckdb", 10)
    publication = publish(tmp_path / "w.duckdb", tmp_path / "published")
    assert publication.rows == {"fct_things": 10}
    assert publication.macros == ("a_things", "b_things")
    with _published(tmp_path / "published") as con:
        assert con.execute("select distinct schema_name from duckdb_tables()").fetchall() == [("marts",)]
        assert con.execute("select * from marts.a_things(3)").fetchall() == [(3,)]
        assert con.execute("select comment from duckdb_columns() where column_name = 'x'").fetchall() == [
            ("The thing's number.",)
        ]
        assert con.execute("select comment from duckdb_tables() where table_name = 'fct_things'").fetchall() == [
            ("One row per thing; it's documented.",)
        ]
        parquet = tmp_path / "published" / "parquet" / "fct_things.parquet"
        assert con.execute("select count(*) from read_parquet(?)", [str(parquet)]).fetchall() == [(10,)]


def test_an_open_reader_keeps_its_state_and_the_next_sees_the_new(tmp_path: Path) -> None:
    _build(tmp_path / "w.duckdb", 10)
    publish(tmp_path / "w.duckdb", tmp_path / "published")
    with _published(tmp_path / "published") as reader:
        _build(tmp_path / "w.duckdb", 20)
        publish(tmp_path / "w.duckdb", tmp_path / "published")
        assert reader.execute("select count(*) from marts.fct_things").fetchall() == [(10,)]
    with _published(tmp_path / "published") as reader:
        assert reader.execute("select count(*) from marts.fct_things").fetchall() == [(20,)]
    left = sorted(path.name for path in (tmp_path / "published").iterdir())
    assert left == ["current", "minehouse.duckdb", "parquet", "publications"]


def test_a_failure_leaves_what_was_published(tmp_path: Path) -> None:
    _build(tmp_path / "w.duckdb", 10)
    publish(tmp_path / "w.duckdb", tmp_path / "published")
    with connection.write(tmp_path / "w.duckdb") as con:
        con.execute("create or replace macro marts.b_things(n) as table select * from raw.secret where x < n")
    with pytest.raises(duckdb.Error):
        publish(tmp_path / "w.duckdb", tmp_path / "published")
    with _published(tmp_path / "published") as reader:
        assert reader.execute("select * from marts.a_things(4)").fetchall() == [(4,)]
    assert (tmp_path / "published" / "parquet" / "fct_things.parquet").exists()


def test_nothing_built_is_an_error(tmp_path: Path) -> None:
    with connection.write(tmp_path / "w.duckdb"):
        pass
    with pytest.raises(NothingToPublishError, match="run the pipeline first"):
        publish(tmp_path / "w.duckdb", tmp_path / "published")


def _count(folder: Path) -> tuple[int, int]:
    """Rows in the DuckDB file and in Parquet."""
    with _published(folder) as con:
        (of_file,) = con.execute("select count(*) from marts.fct_things").fetchall()
        parquet = str(folder / "parquet" / "fct_things.parquet")
        (of_parquet,) = con.execute("select count(*) from read_parquet(?)", [parquet]).fetchall()
    return of_file[0], of_parquet[0]


def test_a_held_back_table_keeps_its_version_and_says_since_when(tmp_path: Path) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    _build(build, 10)
    first = publish(build, folder, run_id="run 1")
    _build(build, 20)
    with connection.write(build) as con:
        con.execute("create table marts.fct_more as select 1 as y")
    why = {"fct_things": "check not_null_x failed"}
    publish(build, folder, run_id="run 2", held_back=why)
    publish(build, folder, run_id="run 3", held_back=why)
    assert _count(folder) == (10, 10)
    asked = "select built_by_run, row_count, held_back_why, version_id = ?, held_back_since < published_at"
    asked += " from marts.publication where table_name = ?"
    with _published(folder) as con:
        stands = con.execute(asked, [first.publication_id, "fct_things"]).fetchall()
        assert stands == [("run 1", 10, "check not_null_x failed", True, True)]
        assert con.execute(asked, ["", "fct_more"]).fetchall() == [("run 2", 1, None, False, None)]
    publish(build, folder, run_id="run 4")
    assert _count(folder) == (20, 20)


def _versions(folder: Path) -> dict[str, tuple[str, str]]:
    with _published(folder) as con:
        rows = con.execute("select table_name, version_id, built_by_run from marts.publication").fetchall()
    return {table: (version, run) for table, version, run in rows}


def _inode(folder: Path, table: str) -> int:
    return (folder / "parquet" / f"{table}.parquet").stat().st_ino


def test_what_has_not_changed_is_not_written_again_and_keeps_its_version(tmp_path: Path) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    _build(build, 1000)
    with connection.write(build) as con:
        con.execute("create table marts.fct_more as select 1 as y")
    first = publish(build, folder, run_id="run 1")
    written = {table: _inode(folder, table) for table in ("fct_things", "fct_more")}
    with connection.write(build) as con:
        con.execute("update marts.fct_more set y = 2")
        con.execute("create or replace macro marts.b_things(n) as table select * from marts.fct_things where x > n")
        con.execute("drop macro table marts.a_things")
        con.execute("comment on table marts.fct_things is 'Another word.'")
    second = publish(build, folder, run_id="run 2")
    assert (_inode(folder, "fct_things"), _count(folder)) == (written["fct_things"], (1000, 1000))
    assert _inode(folder, "fct_more") != written["fct_more"]
    assert _versions(folder) == {
        "fct_things": (first.publication_id, "run 1"),
        "fct_more": (second.publication_id, "run 2"),
    }
    with _published(folder) as con:
        assert con.execute("from marts.fct_more").fetchall() == [(2,)]
        assert con.execute("select count(*) from marts.b_things(989)").fetchall() == [(10,)]
        assert con.execute("select comment from duckdb_tables() where table_name = 'fct_things'").fetchall() == [
            ("Another word.",)
        ]
    assert second.macros == ("b_things",)


def _rows(folder: Path, table: str) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """What the DuckDB file and Parquet hold."""
    with _published(folder) as con:
        file = folder / "parquet" / f"{table}.parquet"
        files = str(file if file.exists() else file.with_suffix("") / "**" / "*.parquet")
        parquet = con.execute("from read_parquet(?, hive_partitioning = false) order by all", [files]).fetchall()
        return con.execute(f"from marts.{table} order by all").fetchall(), parquet


@pytest.mark.parametrize("deleted", ["false", "x < 40000", "x % 7 = 0", "x between 130000 and 140000"])
def test_a_table_that_has_only_grown_gets_its_new_rows(tmp_path: Path, deleted: str) -> None:
    """More than a row group of them, read by two threads; and where rows were deleted before, rowids have gaps."""
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    with connection.write(build) as con:
        con.execute("create schema marts; create table marts.fct_things as select range as x from range(900_000)")
        con.execute(f"delete from marts.fct_things where {deleted}")
    first = publish(build, folder)
    with connection.write(build) as con:
        con.execute("insert into marts.fct_things select 900_000 + range from range(200_000)")
        expected = con.execute("from marts.fct_things order by all").fetchall()
    standing = compare(build, folder / "current", (), None)
    assert standing.grown.keys() == {"fct_things"}
    assert not standing.unchanged
    second = publish(build, folder)
    assert _rows(folder, "fct_things") == (expected, expected)
    assert _versions(folder)["fct_things"] == (second.publication_id, None)
    assert first.publication_id != second.publication_id


@pytest.mark.parametrize(
    "change",
    [
        "update marts.fct_things set x = 7 where x = 8",
        "delete from marts.fct_things where x = 8",
        "delete from marts.fct_things where x = 8; insert into marts.fct_things values (8)",
        "create or replace table marts.fct_things as select x from marts.fct_things order by -x",
    ],
)
def test_a_table_that_has_grown_and_changed_is_written_anew(tmp_path: Path, change: str) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    with connection.write(build) as con:
        con.execute("create schema marts; create table marts.fct_things as select range as x from range(1000)")
    publish(build, folder)
    with connection.write(build) as con:
        con.execute(f"insert into marts.fct_things values (1000); {change}")
        expected = con.execute("from marts.fct_things order by all").fetchall()
    publish(build, folder)
    assert _rows(folder, "fct_things") == (expected, expected)


@pytest.mark.parametrize("change", ["is dropped", "becomes Parquet alone", "loses its rows"])
def test_what_a_large_table_leaves_behind_does_not_stay_in_the_file(tmp_path: Path, change: str) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    with connection.write(build) as con:
        con.execute("create schema marts; create table marts.fct_large as select random() as x from range(1_000_000)")
        con.execute("create table marts.fct_things as select 1 as x")
    publish(build, folder)
    with connection.write(build) as con:
        if change == "is dropped":
            con.execute("drop table marts.fct_large")
        elif change == "loses its rows":
            con.execute("delete from marts.fct_large where x > 0.001")
    limit = 1_000 if change == "becomes Parquet alone" else None
    sizes = [publish(build, folder, parquet_alone_rows=limit).database_bytes for _ in range(3)]
    fresh = publish(build, tmp_path / "fresh", parquet_alone_rows=limit).database_bytes
    assert max(sizes) <= 2 * fresh


def test_a_description_that_is_taken_back_is_not_published(tmp_path: Path) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    _build(build, 1000)
    publish(build, folder)
    with connection.write(build) as con:
        con.execute("comment on table marts.fct_things is null; comment on column marts.fct_things.x is null")
    publish(build, folder)
    with _published(folder) as con:
        told = "select comment from duckdb_columns() where table_name = 'fct_things' and column_name = 'x'"
        assert con.execute(told).fetchall() == [(None,)]
        told = "select comment from duckdb_tables() where table_name = 'fct_things'"
        assert con.execute(told).fetchall() == [(None,)]


CHANGES = {
    "a value": "update marts.fct_things set x = 7 where x = 8",
    "a row thrice, others gone": "update marts.fct_things set x = 1 where x > 7",
    "a type": "alter table marts.fct_things alter x type integer",
    "a name": "alter table marts.fct_things rename x to z",
    "a null": "update marts.fct_things set x = null where x = 8",
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_is_written_anew(tmp_path: Path, change: str) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    with connection.write(build) as con:
        con.execute("create schema marts; create table marts.fct_things as select range as x from range(10)")
    publish(build, folder)
    with connection.write(build) as con:
        con.execute(CHANGES[change])
        expected = con.execute("from marts.fct_things order by all").fetchall()
    second = publish(build, folder)
    assert _versions(folder)["fct_things"] == (second.publication_id, None)
    with _published(folder) as con:
        assert con.execute("from marts.fct_things order by all").fetchall() == expected
        file = str(folder / "parquet" / "fct_things.parquet")
        assert con.execute("from read_parquet(?) order by all", [file]).fetchall() == expected


@pytest.mark.parametrize("harm", ["cut", "gone", "of another table"])
def test_a_parquet_file_that_was_harmed_is_written_anew(tmp_path: Path, harm: str) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    _build(build, 1000)
    publish(build, folder)
    file = (folder / "parquet" / "fct_things.parquet").resolve()
    file.chmod(0o644)
    if harm == "cut":
        os.truncate(file, 200)
    else:
        file.unlink()
    if harm == "of another table":
        duckdb.execute(f"copy (select range as x from range(999)) to '{file}'")
    publish(build, folder)
    assert _count(folder) == (1000, 1000)


def test_an_unchanged_mart_can_become_parquet_alone_and_a_table_again(tmp_path: Path) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    with connection.write(build) as con:
        con.execute("create schema marts; create table marts.fct_things as select date '2025-01-01' as day, 1 as x")
    for limit in (None, 0, 0, None, None):
        done = publish(build, folder, parquet_alone_rows=limit)
        assert done.parquet_alone == (() if limit is None else ("fct_things",))
        with _published(folder) as con:
            assert con.execute("select x from marts.fct_things").fetchall() == [(1,)]


def test_a_table_that_never_passed_stays_out_with_the_macros_that_ask_it(tmp_path: Path) -> None:
    _build(tmp_path / "w.duckdb", 10)
    with connection.write(tmp_path / "w.duckdb") as con:
        con.execute("create table marts.fct_more as select 1 as y")
    done = publish(tmp_path / "w.duckdb", tmp_path / "published", held_back={"fct_things": "rests on a bad one"})
    assert (done.rows, done.macros) == ({"fct_more": 1}, ())
    with _published(tmp_path / "published") as con:
        told = "select row_count, held_back_why from marts.publication where table_name = 'fct_things'"
        assert con.execute(told).fetchall() == [(None, "rests on a bad one")]


def test_a_broken_macro_is_no_macro_of_a_table_that_is_held_back(tmp_path: Path) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    _build(build, 10)
    with connection.write(build) as con:
        con.execute("create table marts.fct_more as select 1 as y")
        con.execute("create macro marts.more(n) as table select * from marts.fct_more where y < n")
        con.execute("create macro marts.more_still(n) as table select * from marts.more(n)")
    done = publish(build, folder, held_back={"fct_more": "check failed"})
    assert done.macros == ("a_things", "b_things")
    assert done.macros_left_out == ("more", "more_still")
    with connection.write(build) as con:
        con.execute("create macro marts.of_secrets(n) as table select * from raw.secret where x < n")
    for held in ({}, {"fct_more": "check failed"}):
        with pytest.raises(duckdb.CatalogException, match="secret"):
            publish(build, folder, held_back=held)
    assert current_id(folder) == done.publication_id


def test_one_goes_back_and_old_publications_go_unless_somebody_has_them_open(tmp_path: Path) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    ids = []
    opened = None
    for rows in range(1, 6):
        _build(build, rows)
        ids.append(publish(build, folder, keep=2).publication_id)
        if rows == 2:
            script = (
                "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print(1, flush=True); input()"
            )
            database = folder / "publications" / ids[1] / "minehouse.duckdb"
            opened = subprocess.Popen(
                [sys.executable, "-c", script, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            assert opened.stdout is not None
            opened.stdout.readline()
    assert opened is not None
    assert publication_ids(folder) == [ids[4], ids[3], ids[1]]
    opened.communicate(b"\n")
    assert rollback(folder) == ids[3] == current_id(folder)
    assert _count(folder) == (4, 4)
    assert rollback(folder, ids[4]) == ids[4]
    assert _count(folder) == (5, 5)
    with pytest.raises(UnknownPublicationError, match=ids[4]):
        rollback(folder, "20200101T000000.000000")
    assert (folder / "minehouse.duckdb").stat().st_mode & 0o222 == 0


def test_what_older_versions_published_gives_way(tmp_path: Path) -> None:
    folder = tmp_path / "published"
    (folder / "parquet-1").mkdir(parents=True)
    (folder / "parquet").symlink_to("parquet-1")
    with connection.write(folder / "minehouse.duckdb") as con:
        con.execute("create schema marts; create table marts.fct_things as select 1 as x")
    _build(tmp_path / "w.duckdb", 10)
    publish(tmp_path / "w.duckdb", folder, held_back={"fct_things": "a check failed"})
    assert _count(folder) == (1, 1), "its version is the one that stood"
    assert not (folder / "parquet-1").exists()


def test_what_a_killed_run_left_is_cleared_and_never_gone_back_to(tmp_path: Path) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    _build(build, 1)
    (folder / "current").mkdir(parents=True)  # somebody's own folder under the link's name
    publish(build, folder)
    half_written = folder / "publications" / "20200101T000000.000000.new"
    half_removed = folder / "publications" / "20200101T000000.000001.old"
    half_written.mkdir()
    half_removed.mkdir()
    assert publication_ids(folder) == [current_id(folder)]
    with pytest.raises(UnknownPublicationError):
        rollback(folder)
    _build(build, 2)
    publish(build, folder)
    assert (half_written.exists(), half_removed.exists(), _count(folder)) == (False, False, (2, 2))


def test_a_failure_leaves_no_half_of_a_publication(tmp_path: Path) -> None:
    with connection.write(tmp_path / "w.duckdb"):
        pass
    with pytest.raises(NothingToPublishError):
        publish(tmp_path / "w.duckdb", tmp_path / "published")
    assert list((tmp_path / "published" / "publications").iterdir()) == []


def _cut(database: Path) -> None:
    """Overwrite the file behind its headers; what was published has no right to be written."""
    database.chmod(0o644)
    with database.open("r+b") as file:
        file.seek(12 * 1024)
        file.write(b"\xff" * 512 * 1024)


def test_a_damaged_publication_stops_no_other_and_a_table_held_back_comes_from_the_last_whole_one(
    tmp_path: Path,
) -> None:
    published = tmp_path / "published"
    for rows in (10, 20):
        _build(tmp_path / "w.duckdb", rows)
        publish(tmp_path / "w.duckdb", published)
    damaged = current_id(published)
    _cut((published / "minehouse.duckdb").resolve())
    assert connection.is_damaged(published / "minehouse.duckdb")
    publication = publish(tmp_path / "w.duckdb", published, held_back={"fct_things": "a check failed"})
    assert publication.damaged == (damaged,)
    assert publication.rows == {"fct_things": 10}
    assert not connection.is_damaged(published / "minehouse.duckdb")


def test_a_publication_that_somebody_locks_is_no_damaged_one(tmp_path: Path) -> None:
    """What is held back is in it: nothing is published without it, or with an older version in its place."""
    published = tmp_path / "published"
    for rows in (10, 20):
        _build(tmp_path / "w.duckdb", rows)
        publish(tmp_path / "w.duckdb", published)
    current = current_id(published)
    file = (published / "minehouse.duckdb").resolve()
    file.chmod(0o644)
    script = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin and holder.stdout
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(duckdb.IOException, match="lock"):
            publish(tmp_path / "w.duckdb", published, held_back={"fct_things": "a check failed"})
        holder.stdin.close()
    assert current_id(published) == current
    assert publish(tmp_path / "w.duckdb", published, held_back={"fct_things": "a check failed"}).rows == {
        "fct_things": 20
    }


@pytest.mark.parametrize("size", [0, 1, 100, 4096, 12 * 1024, 300 * 1024])
def test_a_file_that_was_cut_is_told_from_a_whole_one(tmp_path: Path, size: int) -> None:
    database = tmp_path / "w.duckdb"
    _build(database, 100_000)
    assert not connection.is_damaged(database)
    assert database.stat().st_size > size
    os.truncate(database, size)
    assert connection.is_damaged(database)


def _build_days(database: Path) -> None:
    """A mart of 3 days in 2 years, one without days, and a macro that asks the first."""
    with connection.write(database) as con:
        con.execute("create schema if not exists marts")
        con.execute(
            "create or replace table marts.fct_days as select 'CLSK' as symbol, date '2024-12-31' + x as trade_date, x "
            "from (select range::integer as x from range(3))"
        )
        con.execute("comment on table marts.fct_days is 'One row per day.'")
        con.execute("comment on column marts.fct_days.x is 'A number.'")
        con.execute("create or replace table marts.fct_things as select range as x from range(9)")
        con.execute(
            "create or replace macro marts.days_until(symbol, d) as table "
            "select days.* from marts.fct_days as days where days.x <= d and days.symbol = upper(symbol)"
        )


def test_a_mart_too_big_for_one_file_is_published_as_parquet_alone_and_asked_as_before(tmp_path: Path) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    _build_days(build)
    published = publish(build, folder, parquet_alone_rows=2)
    assert published.parquet_alone == ("fct_days", "fct_things")
    files = {str(file.relative_to(folder / "parquet")) for file in (folder / "parquet").rglob("*.parquet")}
    files = {file for file in files if file.startswith("fct_days/")}
    assert {Path(file).parent.name for file in files} == {"year_of_date=2024", "year_of_date=2025"}
    assert {stat.S_IMODE((folder / "parquet" / file).stat().st_mode) for file in files} == {0o444}
    with _published(folder) as con:
        assert con.execute("select * from marts.fct_days order by x").fetchall()[2] == (
            "CLSK",
            dt.date(2025, 1, 2),
            2,
        )
        assert con.execute("select count(*) from marts.fct_things").fetchall() == [(9,)]
        assert con.execute("select count(*) from marts.days_until('clsk', 1)").fetchall() == [(2,)]
        assert con.execute("select table_name from duckdb_tables()").fetchall() == [("publication",)]
        alone = "select table_name, row_count from marts.publication where is_parquet_alone order by 1"
        assert con.execute(alone).fetchall() == [("fct_days", 3), ("fct_things", 9)]
        told = "select comment from duckdb_views() where view_name = 'fct_days' union all "
        told += "select comment from duckdb_columns() where table_name = 'fct_days' and column_name = 'x'"
        assert {text for (text,) in con.execute(told).fetchall()} == {"One row per day.", "A number."}
    rollback_to = published.publication_id
    publish(build, folder, parquet_alone_rows=8)
    with _published(folder) as con:
        assert con.execute("select table_name from marts.publication where is_parquet_alone").fetchall() == [
            ("fct_things",)
        ]
    rollback(folder, rollback_to)
    with _published(folder) as con:
        assert con.execute("select count(*) from marts.fct_days").fetchall() == [(3,)]


def _inodes(folder: Path, table: str) -> dict[str, set[int]]:
    """The files of a mart of Parquet alone, by year."""
    years = (folder / "parquet" / table).iterdir()
    return {year.name[-4:]: {file.stat().st_ino for file in year.iterdir()} for year in years}


def test_years_of_parquet_alone_that_have_not_changed_are_the_same_files(tmp_path: Path) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    _build_days(build)
    first = publish(build, folder, parquet_alone_rows=2, run_id="run 1")
    written = _inodes(folder, "fct_days")
    second = publish(build, folder, parquet_alone_rows=2, run_id="run 2")
    assert _inodes(folder, "fct_days") == written
    assert _versions(folder)["fct_days"] == (first.publication_id, "run 1")

    with connection.write(build) as con:
        con.execute("insert into marts.fct_days values ('CLSK', '2025-01-03', 3), ('CLSK', '2026-01-02', 4)")
        expected = con.execute("from marts.fct_days order by all").fetchall()
    third = publish(build, folder, parquet_alone_rows=2, run_id="run 3")
    now = _inodes(folder, "fct_days")
    assert now["2024"] == written["2024"] and now["2025"].isdisjoint(written["2025"]) and now.keys() >= {"2026"}
    assert _rows(folder, "fct_days") == (expected, expected)
    assert _versions(folder)["fct_days"] == (third.publication_id, "run 3")

    with connection.write(build) as con:
        con.execute("delete from marts.fct_days where trade_date < '2025-01-01'")
        con.execute("insert into marts.fct_days values ('CLSK', null, 5)")
        expected = con.execute("from marts.fct_days order by all").fetchall()
    fourth = publish(build, folder, parquet_alone_rows=2, run_id="run 4", keep=2)
    assert _rows(folder, "fct_days") == (expected, expected)
    since = _inodes(folder, "fct_days")
    assert "2024" not in since and (since["2025"], since["2026"]) == (now["2025"], now["2026"])
    assert _versions(folder)["fct_days"] == (fourth.publication_id, "run 4")
    assert second.publication_id not in publication_ids(folder), "what it shared with others stays theirs"


@pytest.mark.parametrize(
    "change",
    [
        "delete from marts.fct_days where trade_date < '2025-01-01'",
        "alter table marts.fct_days rename column x to y",
    ],
    ids=["a year goes", "a name"],
)
def test_a_change_of_parquet_alone_that_leaves_its_other_years_as_they_are_is_another_version(
    tmp_path: Path, change: str
) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    _build_days(build)
    publish(build, folder, parquet_alone_rows=1, run_id="run 1")
    with connection.write(build) as con:
        con.execute("drop macro table marts.days_until")
        con.execute(change)
        expected = con.execute("from marts.fct_days order by all").fetchall()
        columns = [name for name, *_ in con.execute("describe marts.fct_days").fetchall()]
    second = publish(build, folder, parquet_alone_rows=1, run_id="run 2")
    assert _rows(folder, "fct_days") == (expected, expected)
    with _published(folder) as con:
        assert [name for name, *_ in con.execute("describe marts.fct_days").fetchall()] == columns
    assert _versions(folder)["fct_days"] == (second.publication_id, "run 2")


def test_a_mart_of_as_many_rows_as_one_file_should_hold_is_a_table(tmp_path: Path) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    _build_days(build)
    for run in ("run 1", "run 2"):
        assert publish(build, folder, parquet_alone_rows=9, run_id=run).parquet_alone == ()
    assert {run for _, run in _versions(folder).values()} == {"run 1"}
    assert publish(build, folder, parquet_alone_rows=8).parquet_alone == ("fct_things",)


@pytest.mark.parametrize("harm", ["cut", "gone", "of another year", "one more", "not linked"])
def test_a_year_of_parquet_alone_that_was_harmed_is_written_anew(
    tmp_path: Path, harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    _build_days(build)
    first = publish(build, folder, parquet_alone_rows=2)
    with connection.read(build) as con:
        expected = con.execute("from marts.fct_days order by all").fetchall()
    year = (folder / "parquet" / "fct_days" / "year_of_date=2024").resolve()
    (file,) = year.iterdir()
    if harm == "cut":
        file.chmod(0o644)
        os.truncate(file, 100)
    elif harm == "gone":
        file.unlink()
    elif harm == "of another year":
        (other,) = (year.with_name("year_of_date=2025")).iterdir()
        file.unlink()
        shutil.copy(other, file)
    elif harm == "one more":
        shutil.copy(file, file.with_name("copy.parquet"))
    else:

        def refuse(*_: object) -> None:
            raise OSError("a disk that knows no second name")

        monkeypatch.setattr(Path, "hardlink_to", refuse)
    second = publish(build, folder, parquet_alone_rows=2)
    assert _rows(folder, "fct_days") == (expected, expected)
    assert (_versions(folder)["fct_days"][0] == first.publication_id) is (harm == "not linked")
    assert second.publication_id == current_id(folder)


def test_a_mart_of_parquet_alone_can_be_held_back_and_pruned(tmp_path: Path) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    _build_days(build)
    publish(build, folder, parquet_alone_rows=2, keep=1)
    with connection.write(build) as con:
        con.execute("delete from marts.fct_days")
    publish(build, folder, parquet_alone_rows=2, keep=1, held_back={"fct_days": "check failed"})
    with _published(folder) as con:
        assert con.execute("select count(*) from marts.fct_days").fetchall() == [(3,)]
    assert publication_ids(folder) == [current_id(folder)]
    assert [path.name for path in (folder / "publications").iterdir()] == [current_id(folder)]


def test_what_a_killed_run_left_of_a_publication_is_swept(tmp_path: Path) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    _build_days(build)
    publish(build, folder)
    half = folder / "publications" / "20990101T000000.000000"
    half.with_name(f"{half.name}.new").mkdir()
    half.symlink_to(f"{half.name}.new")
    assert half.name not in publication_ids(folder)
    publish(build, folder)
    assert sorted(path.name for path in (folder / "publications").iterdir()) == sorted(publication_ids(folder))


def test_parquet_alone_that_a_build_file_has_a_view_of_is_published_like_a_table(tmp_path: Path) -> None:
    build, folder = tmp_path / "w.duckdb", tmp_path / "published"
    _build_days(build)
    with connection.write(build) as con:
        con.execute(f"copy marts.fct_days to '{tmp_path / 'days.parquet'}'")
        con.execute(f"drop table marts.fct_days; create view marts.fct_days as from '{tmp_path / 'days.parquet'}'")
        con.execute("comment on view marts.fct_days is 'One row per day.'")
    assert publish(build, folder).rows["fct_days"] == 3
    with _published(folder) as con:
        assert con.execute("select comment from duckdb_tables() where table_name = 'fct_days'").fetchall() == [
            ("One row per day.",)
        ]
