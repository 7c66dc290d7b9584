"""Forgets old runs of Dagster, which would otherwise keep some six megabytes of each for ever.

Belongs here: which runs Dagster keeps. Does not belong here: publications (`warehouse.publish`) and the results of
checks (`warehouse.quality`), which have a length of their own.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import dagster as dg

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_AT_ONCE = 5
"""Looking what may be forgotten takes longer than forgetting, so a warm run does it one time of five."""

_LEFT = """
    attach '{runs}' as history;
    delete from history.run_tags where run_id not in (select run_id from history.runs);
    delete from asset_check_executions
    where run_id not in (select run_id from history.runs)
      and id not in (select max(id) from asset_check_executions group by asset_key, check_name);
"""
"""What `delete_run` leaves behind; the last result of a check stays, for the UI shows it."""


def forget_old_runs(instance: dg.DagsterInstance, home: Path, keep: int) -> list[str]:
    """Delete the runs that ended before the last `keep` that did, five or more at once; returns their ids.

    A run that made what stands of any asset stays, and so do runs that wait or are at work. Cut off at any moment, the
    next call does the rest. Only for a holder of the run lock; `home` is the folder of the instance.
    """
    ended = [record.dagster_run.run_id for record in instance.get_run_records(dg.RunsFilter(statuses=_ENDED))]
    if len(ended) < keep + _AT_ONCE:
        return []
    entries = [record.asset_entry for record in instance.get_asset_records()]
    made_what_stands = {entry.last_materialization.run_id for entry in entries if entry.last_materialization}
    old = [run_id for run_id in ended[keep:] if run_id not in made_what_stands]
    for run_id in old:
        instance.delete_run(run_id)
    _remove_files_without_run(instance, home)
    with contextlib.suppress(sqlite3.OperationalError):  # locked, or another layout: the next call tries again
        _remove_rows_without_run(home)
    return old


def _remove_files_without_run(instance: dg.DagsterInstance, home: Path) -> None:
    logs = [file for file in (home / "history" / "runs").glob("*-*.db*") if file.is_file()]
    printed = list((home / "storage").glob("*-*"))  # by steps, under Dagster's own settings
    known = {record.dagster_run.run_id for record in instance.get_run_records()}
    for path in (*logs, *printed):
        if path.name.partition(".")[0] in known:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _remove_rows_without_run(home: Path) -> None:
    index, runs = home / "history" / "runs" / "index.db", home / "history" / "runs.db"
    with contextlib.closing(sqlite3.connect(index.as_uri() + "?mode=rw", uri=True, timeout=60)) as connection:
        connection.executescript(_LEFT.format(runs=str(runs).replace("'", "''")))
