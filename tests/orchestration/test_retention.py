"""Dagster's home does not grow without end, and forgets nothing that somebody still needs."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.runs.retention import forget_old_runs
from dagster_project.settings import PROJECT_DIR
from dagster_project.shell.fast_start import sweep_after_deletion

KEEP = 3


@dg.asset
def daily() -> dg.MaterializeResult:
    """What every run makes."""
    return dg.MaterializeResult()


@dg.asset
def once() -> dg.MaterializeResult:
    """What one run made, long ago."""
    return dg.MaterializeResult()


@dg.asset_check(asset=daily)
def is_well() -> dg.AssetCheckResult:
    """A check of every run."""
    return dg.AssetCheckResult(passed=True)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home of Dagster's with our settings; its path has a space and a quote."""
    folder = tmp_path / "a home of Dagster's"
    folder.mkdir()
    shutil.copyfile(PROJECT_DIR / "dagster.yaml", folder / "dagster.yaml")
    return folder


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home)) as opened:
        yield opened


def _run(instance: dg.DagsterInstance, *assets: dg.AssetsDefinition | dg.AssetChecksDefinition) -> str:
    return dg.materialize(assets, instance=instance).run_id


def _count(file: Path, table: str) -> int:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return int(connection.execute(f"select count(*) from {table}").fetchone()[0])


def test_old_runs_go_and_what_is_needed_stays(home: Path, instance: dg.DagsterInstance) -> None:
    needed = _run(instance, once)
    runs = [_run(instance, daily, is_well) for _ in range(KEEP + 3)]
    assert forget_old_runs(instance, KEEP, partial(sweep_after_deletion, home=home)) == [], "five at once"
    runs.append(_run(instance, daily, is_well))
    (printed := home / "storage" / runs[0] / "compute_logs").mkdir(parents=True)
    history = home / "history" / "runs"
    (cut_off := history / "11111111-2222-3333-4444-555555555555.db").touch()

    forgotten = forget_old_runs(instance, KEEP, partial(sweep_after_deletion, home=home))

    assert set(forgotten) == set(runs[:-KEEP])
    left = {needed, *runs[-KEEP:]}
    assert {record.dagster_run.run_id for record in instance.get_run_records()} == left
    assert {file.stem for file in history.glob("*-*.db")} == left
    assert not printed.exists()
    assert not cut_off.exists(), "of a deletion that was killed"
    assert _count(history / "index.db", "asset_check_executions") == KEEP
    assert _count(home / "history" / "runs.db", "run_tags") <= 3 * len(left)
    for asset, run_id in ((once, needed), (daily, runs[-1])):
        made = instance.get_latest_materialization_event(asset.key)
        assert made is not None
        assert made.run_id == run_id
    assert list(instance.all_logs(needed)), "its log is there"


def test_a_run_that_is_not_over_stays(home: Path, instance: dg.DagsterInstance) -> None:
    waits = instance.create_run_for_job(
        dg.define_asset_job("j").resolve(asset_graph=dg.Definitions([daily], jobs=[]).resolve_asset_graph()),
        status=dg.DagsterRunStatus.STARTED,
    ).run_id
    for _ in range(6):
        _run(instance, daily)
    assert len(forget_old_runs(instance, 1, partial(sweep_after_deletion, home=home))) == 5
    assert instance.get_run_by_id(waits) is not None
