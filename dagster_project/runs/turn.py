"""The warehouse as a run of Dagster gets it: not before it is this run's turn.

Dagster makes a resource before the first step of a run and takes it back after the last, in the one process that all
our jobs run in. A run thereby waits or fails as a whole, and never between two steps.

Belongs here: a run's turn. Does not belong here: the warehouse (`warehouse.resource`).
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import dagster as dg

from dagster_project.runs.dead import alive, mark_dead_runs, sentence
from dagster_project.runs.lock import held
from dagster_project.runs.parent import end_with_parent
from dagster_project.runs.retention import Sweep, forget_old_runs
from dagster_project.warehouse.backup import finish_restores
from dagster_project.warehouse.resource import Warehouse


def warehouse_in_turn(
    warehouse: Warehouse, lock: Path, alive_dir: Path, wait_seconds: float, *, keep_runs: int, sweep: Sweep
) -> dg.ResourceDefinition:
    """A resource that is `warehouse` once this run holds the run lock.

    The run then marks dead runs, and forgets all but the last `keep_runs` that ended; `sweep` removes what is left.
    Raises `NotOurTurnError` in the run where another does not end within `wait_seconds`.
    """

    @dg.resource(description="The build file and the published folder, for one run at a time.")
    def resource(context: dg.InitResourceContext) -> Iterator[Warehouse]:
        run = context.run
        if run is None or context.instance is None:  # outside of a run, in a notebook say
            yield warehouse
            return
        say = context.log.info if context.log else print
        end_with_parent()
        with alive(alive_dir, run.run_id), contextlib.ExitStack() as turn:
            what = f"run {run.run_id[:8]} ({run.job_name})"
            with _interruptible():
                holding = turn.enter_context(held(lock, what, wait_seconds=wait_seconds, say=say))
            turn.enter_context(holding.renewed())
            finish_restores(warehouse, lock.parent)
            for dead in mark_dead_runs(context.instance, alive_dir, but=run.run_id):
                say(sentence(dead))
            forget_old_runs(context.instance, keep_runs, sweep)
            yield warehouse

    return resource


class StoppedWaitingError(RuntimeError):
    """The run was ended while it waited for its turn; it has changed nothing."""


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let a signal end the waiting: Dagster keeps signals back while it makes resources."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: FrameType | None) -> None:
        raise StoppedWaitingError(f"ended by {signal.Signals(number).name} while waiting; nothing has changed")

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
