"""Runs that Dagster believes to be under way and that no process works on any more.

A run of the UI locks a file of its own for as long as it lives, also while it waits for its turn; a run at the shell
lives only under the lock of the data folder. Whoever holds that lock can therefore tell the dead from the living.

Belongs here: finding dead runs and marking them failed. Does not belong here: the lock (`lock`).
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

SHELL_TAG = "minehouse/started_by"
"""Tags a run that was started at the shell (`shell`)."""

_UNDER_WAY = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_MAY_BE_STARTING_SECONDS = 60
"""A run of the UI that is younger may not have come to lock its file."""


@contextlib.contextmanager
def alive(folder: Path, run_id: str) -> Iterator[None]:
    """Show others that this process works on a run: a locked file, which also the system unlocks."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / run_id
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def mark_dead_runs(instance: dg.DagsterInstance, folder: Path, *, but: str = "") -> list[dg.DagsterRun]:
    """Mark as failed every run that is under way in Dagster's eyes alone; returns them.

    Only for a holder of the run lock, whose own run is `but`. `folder` is that of `alive`.
    """
    dead = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=_UNDER_WAY)):
        run = record.dagster_run
        if run.run_id == but or _is_alive(folder / run.run_id):
            continue
        from_shell = run.tags.get(SHELL_TAG) == "shell"
        young = time.time() - record.create_timestamp.timestamp() < _MAY_BE_STARTING_SECONDS
        if not from_shell and young and not (folder / run.run_id).exists():
            continue
        instance.report_run_failed(
            run, "The process of this run was killed or lost before its end; the next run does its work again."
        )
        (folder / run.run_id).unlink(missing_ok=True)
        dead.append(run)
    return dead


def sentence(dead: dg.DagsterRun) -> str:
    """What a person is told of a run that was marked."""
    return f"run {dead.run_id[:8]} ({dead.job_name}) was cut off before its end: marked as failed"


def _is_alive(path: Path) -> bool:
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
