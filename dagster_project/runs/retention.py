"""Forgets old runs of Dagster, which would otherwise keep some six megabytes of each for ever.

Belongs here: which runs Dagster keeps. Does not belong here: publications (`warehouse.publish`) and the results of
checks (`warehouse.quality`), which have a length of their own.
"""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_AT_ONCE = 5
"""Looking what may be forgotten takes longer than forgetting, so a warm run does it one time of five."""

Sweep = Callable[[dg.DagsterInstance], object]
"""Removes what Dagster's deletion of runs leaves behind."""


def forget_old_runs(instance: dg.DagsterInstance, keep: int, sweep: Sweep) -> list[str]:
    """Delete the runs that ended before the last `keep` that did, five or more at once; returns their ids.

    A run that made what stands of any asset stays, and so do runs that wait or are at work. Cut off at any moment, the
    next call does the rest. Only for a holder of the run lock.
    """
    ended = [record.dagster_run.run_id for record in instance.get_run_records(dg.RunsFilter(statuses=_ENDED))]
    if len(ended) < keep + _AT_ONCE:
        return []
    entries = [record.asset_entry for record in instance.get_asset_records()]
    made_what_stands = {entry.last_materialization.run_id for entry in entries if entry.last_materialization}
    old = [run_id for run_id in ended[keep:] if run_id not in made_what_stands]
    for run_id in old:
        instance.delete_run(run_id)
    sweep(instance)
    return old
