"""A run at the shell writes the log that Dagster's own storage reads."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from dagster_project.shell.fast_start import open_instance, refuse_locked_files


@dg.asset(check_specs=[dg.AssetCheckSpec("holds", asset="table"), dg.AssetCheckSpec("breaks", asset="table")])
def table() -> dg.MaterializeResult:
    results = [dg.AssetCheckResult(check_name=name, passed=name == "holds") for name in ("holds", "breaks")]
    return dg.MaterializeResult(metadata={"rows": 3}, check_results=results)


def _run(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    defs = dg.Definitions(assets=[table], executor=dg.in_process_executor)
    return defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)


def _events(instance: dg.DagsterInstance, run: dg.ExecuteInProcessResult) -> list[str]:
    return [entry.user_message for entry in instance.all_logs(run.run_id)]


def _keeps_its_files_open(instance: dg.DagsterInstance) -> bool:
    log: Any = instance.event_log_storage
    engines = []
    for _ in range(2):
        with log.index_connection() as connection:
            engines.append(connection.engine)
    return engines[0] is engines[1]


def _home(folder: Path) -> Path:
    (folder / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    return folder


def test_the_ui_s_storage_reads_what_was_written(tmp_path: Path) -> None:
    with open_instance(_home(tmp_path)) as instance:
        assert _keeps_its_files_open(instance)
        runs = [_run(instance), _run(instance)]
        written = [_events(instance, run) for run in runs]
    with dg.DagsterInstance.from_config(str(tmp_path)) as stock:
        assert not _keeps_its_files_open(stock)
        assert [_events(stock, run) for run in runs] == written
        latest = stock.get_latest_materialization_event(dg.AssetKey("table"))
        assert latest is not None
        assert latest.run_id == runs[1].run_id
        checks = stock.event_log_storage.get_asset_check_summary_records(
            [dg.AssetCheckKey(dg.AssetKey("table"), name) for name in ("holds", "breaks")]
        )
        assert {
            key.name: record.last_check_execution_record.status.value
            for key, record in checks.items()
            if record.last_check_execution_record is not None
        } == {"holds": "SUCCEEDED", "breaks": "FAILED"}


def test_both_may_be_open_at_once(tmp_path: Path) -> None:
    with open_instance(_home(tmp_path)) as ours, dg.DagsterInstance.from_config(str(tmp_path)) as stock:
        run = _run(ours)
        assert stock.get_run_by_id(run.run_id) is not None
        assert len(stock.all_logs(run.run_id)) == len(ours.all_logs(run.run_id)) > 0
        assert _run(stock).success


@pytest.mark.parametrize("file", ["history/runs.db", "history/runs/index.db", "schedules/schedules.db"])
@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_files_that_another_program_keeps_are_refused_and_then_let_go(tmp_path: Path, file: str, journal: str) -> None:
    """A writer that does not end, in either way of SQLite's; these are the files that Dagster makes."""
    with open_instance(_home(tmp_path)) as instance:
        _run(instance)
    refuse_locked_files(tmp_path, wait_seconds=0)
    with contextlib.closing(sqlite3.connect(tmp_path / file, isolation_level=None)) as other:
        other.execute(f"pragma journal_mode = {journal}")
        other.execute("begin immediate")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            refuse_locked_files(tmp_path, wait_seconds=0.1)
        other.execute("rollback")
        refuse_locked_files(tmp_path, wait_seconds=0)


def test_a_reader_that_never_ends_is_refused_where_it_holds_up_writers(tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "history" / "runs.db", isolation_level=None)) as other:
        other.execute("create table runs (x)")
        other.execute("begin")
        other.execute("select * from runs").fetchall()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            refuse_locked_files(tmp_path, wait_seconds=0.1)


def test_no_file_of_dagster_is_no_lock(tmp_path: Path) -> None:
    refuse_locked_files(tmp_path, wait_seconds=0)
    assert not list(tmp_path.iterdir())
