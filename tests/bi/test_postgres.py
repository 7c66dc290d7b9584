"""The copy in PostgreSQL, against a real server: equal, described, read-only, swapped whole, and nobody's view lost."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
import pytest
import sqlalchemy
from postgres_server import running_server
from pydantic import SecretStr

from bi.postgres import publish as publishing
from bi.postgres.__main__ import main
from bi.postgres.functions import OFFERED
from bi.postgres.keys import KEYS
from bi.postgres.publish import BusyError, ConflictError, ServingError, UnknownTypeError, publish

if TYPE_CHECKING:
    from conftest import Pipeline

PASSWORD = "s3cret-pass"  # noqa: S105


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of a PostgreSQL server without its database name; the user `locked` needs a password there."""
    with running_server() as url:
        with psycopg.connect(url.format("postgres"), autocommit=True) as admin:
            admin.execute(f"create role locked login password '{PASSWORD}'")
            rules = Path(_one(admin, "show hba_file"))
            rules.write_text("local all locked scram-sha-256\n" + rules.read_text())
            admin.execute("alter system set fsync = off")
            admin.execute("select pg_reload_conf()")
        yield url


@pytest.fixture
def url(server: str) -> SecretStr:
    """A database with nothing in it."""
    with psycopg.connect(server.format("postgres"), autocommit=True) as admin:
        admin.execute("drop schema if exists marts cascade; drop schema public cascade; create schema public")
    return SecretStr(server.format("postgres"))


def _write(database: Path, version: int = 1, more: str = "") -> Path:
    """A published file as a refresh leaves it; every table says its version, and has rows after it."""
    beside = database.with_suffix(".new")
    with duckdb.connect(str(beside)) as connection:
        connection.execute("set timezone = 'UTC'; create schema marts; use marts")
        connection.execute(f"""
            create table fct_daily_technicals as
            select 'S' || i % 7 as symbol, date '2025-01-01' + (i // 7)::integer as trade_date,
                   10 + sin(i) as close, if(i % 5 = 0, null, i * 1000)::bigint as volume, {version} as version
            from range({version * 300}) as numbers(i);
            create table miner_snapshot as
            select symbol, max(trade_date) as price_date, true as is_simulated, {version} as version
            from fct_daily_technicals group by symbol;
            create table all_types (
                flag boolean, small smallint, number integer, big bigint, ratio float, value double,
                money decimal(18, 2), label varchar, day date, checked_at timestamp, seen_at timestamptz,
                tags varchar[], ranks integer[]
            );
            insert into all_types values
                (true, 1, -2, 9007199254740993, 0.5, 1.0 / 3, 12345678901234.56, 'it''s "é"', '2024-02-29',
                 '2025-01-01 10:00:00.123456', '2025-01-01 10:00:00+02', ['a', null], [1, 2]),
                (false, null, null, null, null, 'inf', null, '', null, null, null, [], null),
                (null, null, null, null, null, null, null, null, null, null, null, null, null);
            comment on table miner_snapshot is 'One row per miner: what''s known.

Second paragraph; with "quotes".';
            comment on column miner_snapshot.version is 'Run number {version}.';
            {more}
        """)
    beside.replace(database)
    return database


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return _write(tmp_path / "minehouse.duckdb")


def _one(connection: psycopg.Connection[Any], sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return row[0]


def _ask(url: SecretStr, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url.get_secret_value()) as connection:
        connection.execute("set timezone = 'UTC'")
        return connection.execute(sql).fetchall()


def _plain(row: tuple[Any, ...]) -> str:
    """A row as text with its Python types, whatever each driver calls its UTC."""
    return repr(tuple(value.astimezone(UTC) if getattr(value, "tzinfo", None) else value for value in row))


def _version(url: SecretStr) -> int:
    return int(_ask(url, "select max(version) from marts.miner_snapshot")[0][0])


def test_every_table_is_equal_with_its_types_comments_and_key(database: Path, url: SecretStr) -> None:
    assert publish(database, url) == {"all_types": 3, "fct_daily_technicals": 300, "miner_snapshot": 7}
    with duckdb.connect(str(database), read_only=True) as marts:
        marts.execute("set timezone = 'UTC'")
        for table in ("all_types", "fct_daily_technicals", "miner_snapshot"):
            ours = [_plain(row) for row in marts.execute(f"from marts.{table}").fetchall()]
            assert sorted(ours) == sorted(_plain(row) for row in _ask(url, f"select * from marts.{table}")), table
    types = dict(
        _ask(
            url,
            """select attname, format_type(atttypid, atttypmod) from pg_attribute
               where attrelid = 'marts.all_types'::regclass and attnum > 0""",
        )
    )
    assert (types["money"], types["seen_at"], types["tags"]) == (
        "numeric(18,2)",
        "timestamp with time zone",
        "text[]",
    )
    table = "'marts.miner_snapshot'::regclass"
    assert _ask(url, f"select obj_description({table}), col_description({table}, 4)") == [
        ('One row per miner: what\'s known.\n\nSecond paragraph; with "quotes".', "Run number 1.")
    ]
    with pytest.raises(psycopg.errors.UniqueViolation):
        _ask(url, "insert into marts.miner_snapshot table marts.miner_snapshot")


def test_the_next_publication_replaces_rows_and_comments_and_says_when(database: Path, url: SecretStr) -> None:
    publish(database, url)
    identity = "select 'marts.miner_snapshot'::regclass::oid"
    before = _ask(url, identity), _ask(url, "select max(published_at) from marts.published_tables")
    publish(_write(database, version=2), url)
    assert _version(url) == 2
    assert _ask(url, identity) == before[0]
    assert _ask(url, "select col_description('marts.miner_snapshot'::regclass, 4)") == [("Run number 2.",)]
    ledger = "select row_count from marts.published_tables where table_name = 'fct_daily_technicals'"
    assert _ask(url, ledger) == [(600,)]
    assert _ask(url, "select max(published_at) from marts.published_tables") > before[1]


def test_readers_may_read_and_nothing_else(database: Path, url: SecretStr) -> None:
    publish(database, url)
    publish(_write(database, 2, "create table sector_deal_flow as select date '2025-01-01' as month"), url)
    with psycopg.connect(url.get_secret_value()) as connection:
        connection.execute("set role minehouse_reader")
        for table in ("miner_snapshot", "sector_deal_flow", "published_tables"):
            assert _one(connection, f"select count(*) from marts.{table}") > 0
        for refused in ("delete from marts.miner_snapshot", "create table marts.mine (i int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(refused)
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        psycopg.connect(url.get_secret_value().replace("postgres@", "minehouse_reader@"))


def test_sqlalchemy_sees_tables_keys_and_comments(database: Path, url: SecretStr) -> None:
    publish(database, url)
    engine = sqlalchemy.create_engine(url.get_secret_value().replace("postgresql:", "postgresql+psycopg:"))
    try:
        schema = sqlalchemy.inspect(engine)
        assert "miner_snapshot" in schema.get_table_names(schema="marts")
        key = schema.get_pk_constraint("fct_daily_technicals", schema="marts")
        assert key["constrained_columns"] == ["symbol", "trade_date"]
        assert (schema.get_table_comment("miner_snapshot", schema="marts")["text"] or "").startswith(
            "One row per miner"
        )
        prices = sqlalchemy.Table("fct_daily_technicals", sqlalchemy.MetaData(), schema="marts", autoload_with=engine)
        with engine.connect() as connection:
            assert connection.scalar(sqlalchemy.select(sqlalchemy.func.sum(prices.c.volume))) == sum(
                i * 1000 for i in range(300) if i % 5
            )
    finally:
        engine.dispose()


def test_psql_lists_and_describes(database: Path, url: SecretStr) -> None:
    psql = shutil.which("psql")
    if psql is None:
        pytest.skip("psql is not installed")
    publish(database, url)

    def ask(command: str) -> str:
        call = [psql, url.get_secret_value(), "-c", command]
        return subprocess.run(call, check=True, capture_output=True, text=True).stdout

    assert "miner_snapshot" in ask(r"\dt marts.*")
    described = ask(r"\d+ marts.miner_snapshot")
    assert "PRIMARY KEY, btree (symbol)" in described
    assert "Run number 1." in described


def test_readers_wait_for_nothing_and_see_one_version(database: Path, url: SecretStr) -> None:
    publish(database, url)
    seen: list[tuple[int, ...]] = []
    waited: list[str] = []
    stop = threading.Event()
    per_table = "select count(*), min(version), max(version) from marts."

    def read() -> None:
        try:
            with psycopg.connect(url.get_secret_value()) as connection:
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                connection.execute("set lock_timeout = '1s'")
                connection.commit()
                while not stop.is_set():
                    with connection.transaction():
                        prices = connection.execute(per_table + "fct_daily_technicals").fetchone()
                        miners = connection.execute(per_table + "miner_snapshot").fetchone()
                    seen.append((*(prices or ()), *(miners or ())))
        except psycopg.Error as error:
            waited.append(str(error))

    with psycopg.connect(url.get_secret_value()) as patient:
        # a transaction that stays open over all publications neither stops them nor loses its version
        patient.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        assert _one(patient, "select max(version) from marts.miner_snapshot") == 1
        reader = threading.Thread(target=read)
        reader.start()
        try:
            for version in range(2, 7):
                publish(_write(database, version), url)
        finally:
            stop.set()
            reader.join()
        assert _one(patient, "select count(*) from marts.fct_daily_technicals") == 300
    assert waited == []
    assert set(seen) <= {(300 * v, v, v, 7, v, v) for v in range(1, 7)}
    assert len(set(seen)) > 1, "the reader never saw a change, so it proves nothing"


def test_a_failure_half_way_leaves_the_old_copy(database: Path, url: SecretStr) -> None:
    publish(database, url)
    twice = "insert into miner_snapshot select * from miner_snapshot"
    with pytest.raises(ServingError, match=r"duplicate key.*miner_snapshot_pkey.*\(symbol\)"):
        publish(_write(database, 2, twice), url)
    assert _version(url) == 1
    assert _ask(url, "select count(*), max(version) from marts.fct_daily_technicals") == [(300, 1)]
    publish(_write(database, 3), url)
    assert _version(url) == 3


def test_a_lock_that_is_not_released_is_said(database: Path, url: SecretStr, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(database, url)
    monkeypatch.setattr(publishing, "LOCK_TIMEOUT", "50ms")
    _write(database, 2)
    with psycopg.connect(url.get_secret_value()) as other:
        other.execute("lock table marts.miner_snapshot in share mode")
        with pytest.raises(BusyError, match="5 times 50ms"):
            publish(database, url)
        assert _version(url) == 1
    publish(database, url)
    assert _version(url) == 2


def test_a_view_lives_on_while_columns_come_and_go(database: Path, url: SecretStr) -> None:
    publish(database, url)
    with psycopg.connect(url.get_secret_value(), autocommit=True) as analyst:
        analyst.execute("create view public.my_view as select symbol, price_date from marts.miner_snapshot")
    changed = """
        alter table miner_snapshot add column rsi_14 double;
        alter table miner_snapshot drop column is_simulated;
        alter table miner_snapshot alter column version type bigint;
    """
    publish(_write(database, 2, changed), url)
    assert _version(url) == 2
    assert _ask(url, "select count(*) from public.my_view") == [(7,)]
    columns = "select string_agg(column_name, ' ' order by column_name) from information_schema.columns"
    assert _ask(url, f"{columns} where table_name = 'miner_snapshot'") == [("price_date rsi_14 symbol version",)]
    with pytest.raises(ConflictError, match=r"view my_view depends on column price_date"):
        publish(_write(database, 3, "alter table miner_snapshot drop column price_date"), url)
    with pytest.raises(ConflictError, match=r"view my_view depends on table marts\.miner_snapshot"):
        publish(_write(database, 4, "drop table miner_snapshot"), url)
    assert _version(url) == 2
    assert _ask(url, "select count(*) from public.my_view") == [(7,)]


def test_a_mart_that_is_gone_goes_and_a_stranger_stays(database: Path, url: SecretStr) -> None:
    publish(_write(database, 1, "create table old_mart as select 1 as i"), url)
    with psycopg.connect(url.get_secret_value(), autocommit=True) as analyst:
        analyst.execute("create table marts.notes as select 1 as i")
    publish(_write(database, 2), url)
    tables = "select tablename from pg_tables where schemaname = 'marts' and tablename in ('old_mart', 'notes')"
    assert _ask(url, tables) == [("notes",)]
    with pytest.raises(ConflictError, match=r"marts\.notes was not made by Minehouse"):
        publish(_write(database, 3, "create table notes as select 2 as i"), url)
    assert _ask(url, "select i from marts.notes") == [(1,)]


def test_a_type_without_counterpart_is_named(database: Path, url: SecretStr) -> None:
    with pytest.raises(UnknownTypeError, match=r"marts\.odd\.pair is a STRUCT"):
        publish(_write(database, 1, "create table odd as select {'a': 1} as pair"), url)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("postgresql://me:{password}@127.0.0.1:1/x", "no PostgreSQL at 127.0.0.1"),
        ("{locked}", "password authentication failed"),
        ("{no_password}", "no password supplied|asks for a password"),
        ("{no_database}", 'database "nowhere" does not exist'),
        ("{no_rights}", "does not allow it: permission denied"),
        ("postgresql://me:{password}/x@host/x", "not an address"),
        ("mysql://me:{password}@host/x", "not an address"),
        ("", "MINEHOUSE_POSTGRES_URL is not set"),
    ],
)
def test_errors_are_one_line_and_keep_the_password(
    given: str,
    said: str,
    server: str,
    url: SecretStr,
    database: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = url.get_secret_value()
    address = given.format(
        password=PASSWORD,
        locked=own.replace("postgres@", f"locked:wrong-{PASSWORD}@"),
        no_password=own.replace("postgres@", "locked@"),
        no_database=server.format("nowhere"),
        no_rights=own.replace("postgres@", f"locked:{PASSWORD}@"),
    )
    published = tmp_path / "published" / "minehouse.duckdb"
    published.parent.mkdir()
    database.replace(published)
    monkeypatch.setenv("MINEHOUSE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MINEHOUSE_POSTGRES_URL", address)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    assert main() in (1, 2)
    out, error = capsys.readouterr()
    assert out == ""
    assert error.count("\n") == 1
    assert PASSWORD not in error
    assert re.search(said, error), error


def test_the_command_tells_what_it_did(
    database: Path,
    url: SecretStr,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MINEHOUSE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MINEHOUSE_POSTGRES_URL", url.get_secret_value())
    assert main() == 1
    assert "run `make run` first" in capsys.readouterr().err
    (tmp_path / "published").mkdir()
    database.replace(tmp_path / "published" / "minehouse.duckdb")
    assert main() == 0
    assert "3 tables, 310 rows in schema marts" in capsys.readouterr().out


def test_keys_are_the_grain_that_dbt_tests(dbt_target: Path) -> None:
    nodes = json.loads((dbt_target / "manifest.json").read_text())["nodes"]
    unique: dict[str, list[tuple[str, ...]]] = {}
    for node in nodes.values():
        if node["resource_type"] == "test" and node["test_metadata"]["name"] in ("unique", "unique_combination"):
            given = node["test_metadata"]["kwargs"]
            columns = tuple(given.get("columns") or (given["column_name"],))
            unique.setdefault(nodes[node["attached_node"]]["name"], []).append(columns)
    for table, key in KEYS.items():
        if table == "publication":
            continue  # publishing writes it under a primary key, dbt does not know it
        assert key in unique.get(table, []), f"{table}: dbt does not test {key}"
    marts = {node["name"] for node in nodes.values() if node["resource_type"] == "model" and node["schema"] == "marts"}
    open_dated = {table for table in marts if table.endswith("_history")} | {"data_quality_results"}
    assert (marts & set(unique)) - open_dated == set(KEYS) - {"publication"}


def _rounded(rows: list[tuple[Any, ...]]) -> list[tuple[str, ...]]:
    """Rows in any order, a number by its ten leading digits: sums are added up in another order."""
    return sorted(
        tuple(f"{float(v):.10g}" if isinstance(v, int | float | Decimal) else str(v) for v in row) for row in rows
    )


def test_macros_of_a_day_are_functions_and_rows_name_their_company(sample: Pipeline, url: SecretStr) -> None:
    database = sample.settings.published_database
    publish(database, url)
    with duckdb.connect(str(database), read_only=True) as marts:
        marts.execute("use marts")
        for day in ("2024-12-31", "2025-09-30", "2025-11-24"):
            for name in OFFERED:
                since = {"deal_flow": "null::date, "}.get(name, "date '2024-10-01', " if "price" in name else "")
                asked = f"marts.{name}({since}date '{day}')"
                expected = marts.execute(f"from {asked}").fetchall()
                assert _rounded(_ask(url, f"select * from {asked}")) == _rounded(expected), (name, day)
        assert expected, "a comparison of nothing"
    with psycopg.connect(url.get_secret_value()) as connection:
        links = _one(connection, "select count(*) from pg_constraint where contype = 'f' and conname like '%_known'")
        assert links > 10
        connection.execute("update marts.miner_snapshot set symbol = 'NOBODY' where symbol = 'CLSK'")
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            connection.commit()
    publish(database, url)
    with psycopg.connect(url.get_secret_value()) as connection:
        connection.execute("alter table marts.fct_hpc_deals drop column notes")
    publish(database, url)
    assert _ask(url, "select count(notes) from marts.fct_hpc_deals")[0][0] > 0, (
        "a changed table is mended and linked again"
    )
    assert _ask(url, "select count(*) from pg_constraint where contype = 'f' and conname like '%_known'")[0][0] == links
