"""Publishing: whole or not at all, under the eyes of readers."""

from pathlib import Path

import duckdb
import pytest

from dagster_project.warehouse import connection
from dagster_project.warehouse.publish import NothingToPublishError, publish


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
        assert con.execute("select comment from duckdb_tables()").fetchall() == [
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
    assert left[:2] == ["minehouse.duckdb", "parquet"], left
    assert len(left) == 3, "the link's folder and nothing left over"


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
