"""Runs the whole pipeline from a shell: refresh, publish, show what came out.

Belongs here: the order of these steps, and what a person is told of what failed. Does not belong here: anything that
the Dagster UI could not do as well.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.calls import Call
from dagster_project.output import EXIT_CODE
from dagster_project.runs.lock import held
from dagster_project.settings import Settings
from dagster_project.shell.faults import SAFE, explain, explain_text, told
from dagster_project.shell.prepare import prepare
from dagster_project.shell.supervise import Ended, in_child
from dagster_project.shell.worker import child, run_first
from dagster_project.transform import dbt_calls

if TYPE_CHECKING:
    import dagster as dg


def run(settings: Settings, job: str = "daily_refresh") -> int:
    """Refresh everything once it is our turn, and print the snapshot.

    The job `rebuild` fetches nothing: it computes everything anew from what was loaded.
    Returns 0 where all went well and 1 where anything failed. Raises `NotOurTurnError` where another run does not end,
    and `Ended` at a signal, when no process of the run is left.
    """
    with held(settings.run_lock, "make run", wait_seconds=60 * settings.run_wait_minutes, say=_say) as lock:
        before = _published_when(settings)
        try:
            code = in_child(lambda: told(settings, lambda: _run(settings, job)), meanwhile=lock.renewed())
        except Ended as ended:
            ended.what_stands = _what_stands(settings, before)
            raise
        if code == EXIT_CODE:
            return code
        if code < 0:
            killed = f"the run was killed ({signal.Signals(-code).name}; by hand, or for want of memory)"
            print(f"error: {killed}; {_what_stands(settings, before)}", file=sys.stderr)
            return 1
        return code


def _published_when(settings: Settings) -> tuple[int, int] | None:
    try:
        stat = settings.published_database.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_mtime_ns


def _what_stands(settings: Settings, before: tuple[int, int] | None) -> str:
    if _published_when(settings) != before:
        return "it had published already, and that stands"
    return "nothing of it was published; `make run` does its work again"


def _say(line: str) -> None:
    print(line, flush=True)


def _run(settings: Settings, job: str) -> int:
    started = time.monotonic()
    source = f"{settings.price_source}{f' ({settings.price_files})' if settings.price_files else ''}"
    print(f"Minehouse: prices from {source}, output to {settings.data_dir}", flush=True)
    # not on top of this file: the children import it too
    import duckdb

    from dagster_project.gate import expectations
    from dagster_project.warehouse import connection
    from dagster_project.warehouse.backup import finish_restores
    from dagster_project.warehouse.resource import Warehouse

    finish_restores(Warehouse(settings.build_database, settings.published_dir), settings.data_dir)
    try:
        if settings.build_database.exists():
            with connection.read(settings.build_database):
                pass  # one that cannot be opened is said before anything starts
        settings.temp_dir.mkdir(parents=True, exist_ok=True)
        with child(settings.temp_dir) as dbt, child(settings.temp_dir) as gate:
            home = prepare(settings, dbt)
            dbt.start(os.getpid)  # from this thread, with which it ends
            # dbt then and not sooner: it is wanted last, and there are two processors
            gate.start(expectations.warm_up).add_done_callback(
                lambda _: dbt.start(dbt_calls.warm_up, settings.dbt_project_dir, settings.dbt_target_dir)
            )
            runs = _refresh(settings, home, job, call_gate=gate, call_dbt=dbt)
    except duckdb.Error as error:
        said = explain(error, settings) or f"the build file cannot be opened: {error}; {SAFE}"
        print(f"error: {said}", file=sys.stderr)
        return 1
    errors = _problems(settings, runs) + _held_back(settings)
    lacks = _show(settings)
    seconds = time.monotonic() - started
    if errors or not runs[0].success or lacks:
        why = f"; {lacks}" if lacks else ""
        print(f"\nfinished in {seconds:.1f} s WITH ERRORS, listed above{why}; details in {_log_path(settings)}")
        return 1
    print(f"\nfinished in {seconds:.1f} s")
    return 0


def _refresh(
    settings: Settings, home: Path, job: str, *, call_gate: Call, call_dbt: Call
) -> list[dg.ExecuteInProcessResult]:
    """Run the job; where it fails, publish what stands."""
    from dagster_project.definitions import build_defs
    from dagster_project.runs.dead import mark_dead_runs, sentence
    from dagster_project.runs.retention import forget_old_runs
    from dagster_project.shell.fast_start import open_instance, refuse_locked_files, sweep_after_deletion
    from dagster_project.shell.progress import progress_logger
    from dagster_project.warehouse import connection
    from dagster_project.warehouse.audit import forget_computed
    from dagster_project.warehouse.resource import Warehouse

    refuse_locked_files(settings.dagster_home)
    with (
        _log_path(settings).open("w") as log,
        open_instance(home) as instance,
        contextlib.ExitStack() as kept_open,
    ):
        # while the build file is open, each raw table opens it in no time; dbt's process needs it closed
        build = kept_open.enter_context(connection.write(settings.build_database))
        if job == "rebuild":
            forget_computed(build)
        for dead in mark_dead_runs(instance, settings.runs_alive_dir):
            _say(sentence(dead))
        forget_old_runs(instance, settings.keep_runs, partial(sweep_after_deletion, home=settings.dagster_home))
        defs = build_defs(
            settings,
            warehouse=Warehouse(settings.build_database, settings.published_dir),  # it is our turn already
            loggers={"console": progress_logger(sys.stdout)},
            call_dbt=run_first(kept_open.close, call_dbt),
            call_gate=call_gate,
        )
        with contextlib.redirect_stdout(log):
            runs = [_execute(defs, job, instance)]
            kept_open.close()
            if not runs[0].success:
                runs.append(_execute(defs, "publish", instance))
    return runs


def _log_path(settings: Settings) -> Path:
    return settings.data_dir / "build" / "run.log"


def _execute(defs: dg.Definitions, job: str, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    from dagster_project.runs.dead import SHELL_TAG

    # without a logger in the run config Dagster would take its own, whatever the definitions say
    return defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        raise_on_error=False,
        run_config={"loggers": {"console": {}}},
        tags={SHELL_TAG: "shell"},
    )


def _problems(settings: Settings, runs: list[dg.ExecuteInProcessResult]) -> int:
    """Print every failed step and check; returns how many of them are errors."""
    import dagster as dg

    errors = 0
    of_machine: dict[str, list[str]] = {}
    for run in runs:
        for event in run.all_events:
            if event.is_step_failure and event.step_failure_data.error is not None:
                cause = event.step_failure_data.error
                while cause.cause is not None:
                    cause = cause.cause
                errors += 1
                # what went wrong while something went wrong already is not the reason
                first = cause
                while first.context is not None:
                    first = first.context
                if said := explain_text(cause.message, settings) or explain_text(first.message, settings):
                    of_machine.setdefault(said, []).append(str(event.step_key))
                else:
                    print(f"ERROR  step {event.step_key}: {cause.message.strip()}")
    for said, steps in of_machine.items():
        print(f"ERROR  {said} (met by {', '.join(dict.fromkeys(steps))})")
    for run in runs:
        for check in run.get_asset_check_evaluations():
            if check.passed:
                continue
            seen = check.metadata.get("observed") or check.metadata.get("refusal")
            said = f": {seen.value}" if seen is not None else ""
            print(f"{check.severity.value:<6} {check.asset_key.to_user_string()} {check.check_name}{said}")
            errors += check.severity == dg.AssetCheckSeverity.ERROR
    return errors


def _held_back(settings: Settings) -> int:
    """Print every mart whose last good version is published in place of a newer one; returns how many there are."""
    import duckdb

    from dagster_project.warehouse.publish import held_back_in

    try:
        held = held_back_in(settings.published_database)
    except duckdb.Error:  # damaged, as is said where the snapshot is shown
        return 0
    for table, since, why in held:
        print(f"HELD   marts.{table} keeps its last good version since {since:%Y-%m-%d %H:%M} UTC: {why}")
    return len(held)


def show(settings: Settings) -> int:
    """Print the published snapshot; returns 1 where there is none."""
    lacks = _show(settings)
    if lacks:
        print(f"error: {lacks} ({settings.published_dir})", file=sys.stderr)
    return int(bool(lacks))


def _show(settings: Settings) -> str:
    """Print the published snapshot; returns why there is none, nothing where there is one."""
    import duckdb

    from dagster_project.shell.snapshot import show_snapshot

    try:
        show_snapshot(settings.published_database)
    except (FileNotFoundError, duckdb.CatalogException):
        return "no snapshot is published yet"
    except duckdb.Error as error:
        said = explain(error, settings)
        if said is None:
            raise
        return said
    return ""
