"""What did not pass its checks is not published, and nothing is lost on the way to a backup and back."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from bi.brief.story import read_story
from bi.published import PublishedFile
from bi.questions import held_back
from dagster_project.definitions import build_defs
from dagster_project.settings import PROJECT_DIR
from dagster_project.shell.snapshot import show_snapshot
from dagster_project.warehouse.backup import NoBackupError, backup, restore
from dagster_project.warehouse.publish import current_id, publish
from dagster_project.warehouse.resource import Warehouse

BUILD = Path("build") / "warehouse.duckdb"


@pytest.fixture
def data_dir(sample: Any, tmp_path: Path) -> Path:
    """A data folder of the test's own, as a run on the sample left it; its path has a space."""
    folder = tmp_path / "a warehouse"
    shutil.copytree(sample.settings.data_dir, folder, symlinks=True)
    return folder


def _command(data_dir: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MINEHOUSE_", "DAGSTER_"))}
    return subprocess.run(
        [sys.executable, "-m", "dagster_project", *words],
        cwd=PROJECT_DIR,
        env=kept | {"MINEHOUSE_DATA_DIR": str(data_dir), "MINEHOUSE_DATA_DOCS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )


def _ask(database: Path, sql: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(duckdb.connect(str(database), read_only=True)) as con:
        return con.execute(sql).fetchall()


def test_a_mart_that_fails_its_check_keeps_its_version_and_the_others_move_on(data_dir: Path) -> None:
    with contextlib.closing(duckdb.connect(str(data_dir / BUILD))) as con:
        con.execute(
            "insert into raw.curated__rating_changes from raw.curated__rating_changes where valid_to is null limit 1"
        )
    database = data_dir / "published" / "minehouse.duckdb"
    before = _ask(database, "select * from marts.fct_rating_changes order by all")
    (first,) = _ask(database, "select distinct publication_id from marts.publication")[0]
    ran = _command(data_dir, "rebuild")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    for mart in ("fct_rating_changes", "miner_snapshot"):
        assert f"HELD   marts.{mart} keeps its last good version since " in ran.stdout
    versions = dict(_ask(database, "select table_name, version_id from marts.publication"))
    why = dict(_ask(database, "select table_name, held_back_why from marts.publication"))
    assert versions["fct_rating_changes"] == versions["miner_snapshot"] == first
    assert versions["data_quality_results"] > versions["fct_daily_technicals"] == first, "its rows are the same"
    assert why["fct_daily_technicals"] is None
    assert "check " in why["miner_snapshot"]
    assert "rating_changes" in why["miner_snapshot"]
    assert _ask(database, "select * from marts.fct_rating_changes order by all") == before
    # a reader is told
    assert "miner_snapshot" in held_back(PublishedFile(database))["table_name"].to_pylist()
    day = _ask(database, "select max(trade_date) from marts.fct_daily_technicals")[0][0]
    told = {gap.what: gap.why for gap in read_story(database, "CLSK", day).gaps}
    assert "UTC because: " in told["New rows of miner_snapshot"]
    # and one goes back in no time: a link is swapped, and no file is written or copied
    files = _files(data_dir / "published" / "publications")
    back = _command(data_dir, "rollback", "--id", first)
    assert back.returncode == 0, back.stderr
    assert _files(data_dir / "published" / "publications") == files
    assert _ask(database, "select distinct publication_id from marts.publication") == [(first,)]
    unknown = _command(data_dir, "rollback", "--id", "../../raw")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (1, 1)


def test_a_mart_that_is_built_without_its_checks_is_held_back_until_they_pass(
    sample: Any, make_pipeline: Callable[..., Any]
) -> None:
    made = make_pipeline()
    shutil.copyfile(sample.settings.build_database, made.settings.build_database)
    mart = dg.AssetSelection.assets(dg.AssetKey(["marts", "fct_price_findings"]))
    held = "select table_name, why from audit.held_back"
    with contextlib.closing(duckdb.connect(str(made.settings.build_database))) as con:
        con.execute("insert into audit.held_back values ('fct_price_findings', 'check unique_combination failed')")
    job = dg.define_asset_job("alone", selection=mart.without_checks())
    defs = dg.Definitions.merge(build_defs(made.settings), dg.Definitions(jobs=[job]))
    with contextlib.redirect_stdout(io.StringIO()):
        assert defs.resolve_job_def("alone").execute_in_process(instance=made.instance).success
    assert made.query_build(held) == [("fct_price_findings", "it was built without its checks")]
    assert made.run(mart).success
    assert made.query_build(held) == []


def test_the_job_goes_back_as_the_command_does(data_dir: Path, sample: Any) -> None:
    published = data_dir / "published"
    first = current_id(published)
    publish(data_dir / BUILD, published)
    defs = build_defs(sample.settings, warehouse=Warehouse(data_dir / BUILD, published))
    done = defs.resolve_job_def("rollback").execute_in_process(instance=sample.instance)
    assert done.success
    assert current_id(published) == first


def _files(folder: Path) -> dict[Path, tuple[int, int, int]]:
    """By file, what tells whether it was written since: its node on the disk, its size and its time."""
    stats = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {path: (stat.st_ino, stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}


def _everything(data_dir: Path) -> dict[str, list[tuple[Any, ...]]]:
    """How many rows, and a digest of all, of each table of raw, quarantine, audit and marts, built and published."""
    found = {}
    for file in (data_dir / BUILD, data_dir / "published" / "minehouse.duckdb"):
        names = _ask(
            file,
            "select schema_name || '.' || table_name from duckdb_tables() "
            "where schema_name in ('raw', 'quarantine', 'audit', 'marts')",
        )
        found |= {
            f"{file.name} {name}": _ask(file, f"select count(*), sum(hash(rows)) from {name} as rows")
            for (name,) in names
        }
    return found


def test_a_backup_put_back_has_lost_nothing(data_dir: Path, tmp_path: Path) -> None:
    with contextlib.closing(duckdb.connect(str(data_dir / BUILD))) as con:
        con.execute("update raw.curated__hpc_deals set valid_to = now() where rowid < 3")  # old versions
        con.execute("insert into quarantine.curated__hpc_deals (reason) values ('a reject')")
    before = _everything(data_dir)
    assert any("quarantine" in name and count for name, ((count, _),) in before.items())
    warehouse = Warehouse(data_dir / BUILD, data_dir / "published")
    backup(warehouse, file := tmp_path / "kept here" / "all.tar")
    with pytest.raises(NoBackupError, match="there already"):
        backup(warehouse, file)
    shutil.rmtree(data_dir / "published")
    (data_dir / BUILD).write_bytes(b"damaged")
    aside = restore(warehouse, file, data_dir)
    assert _everything(data_dir) == before
    assert (data_dir / "published" / "minehouse.duckdb").stat().st_mode & 0o222 == 0
    assert aside is not None
    assert (aside / BUILD).read_bytes() == b"damaged"
    # half of a backup changes nothing
    half = tmp_path / "half.tar"
    half.write_bytes(file.read_bytes()[: file.stat().st_size // 3])
    with pytest.raises(NoBackupError, match=r"half\.tar"):
        restore(warehouse, half, data_dir)
    assert _everything(data_dir) == before
    # into an empty folder too
    new = Warehouse(tmp_path / "new" / BUILD, tmp_path / "new" / "published")
    assert restore(new, file, tmp_path / "new") is None
    assert _everything(tmp_path / "new") == before


def test_marts_of_parquet_alone_answer_every_macro_as_tables_do(
    sample: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = publish(sample.settings.build_database, tmp_path, parquet_alone_rows=10_000)
    assert {"fct_daily_technicals", "fct_company_positions"} <= set(published.parquet_alone)
    for question in (
        "miner_snapshot_asof('2025-11-24')",
        "mw_value('CLSK', '2025-11-24', 13e6, 200)",
        "technical_picture('CLSK', '2025-11-24', null)",
    ):
        asked = f"from marts.{question} order by all"
        assert _ask(tmp_path / "minehouse.duckdb", asked) == _ask(sample.settings.published_database, asked)
    macros = "select function_name from duckdb_functions() where schema_name = 'marts' order by 1"
    assert _ask(tmp_path / "minehouse.duckdb", macros) == _ask(sample.settings.published_database, macros)
    for database, says_so in ((tmp_path / "minehouse.duckdb", True), (sample.settings.published_database, False)):
        show_snapshot(database)
        assert ("Published as Parquet alone" in capsys.readouterr().out) is says_so
