"""Runs the whole pipeline from a shell: refresh, publish, show what came out.

Belongs here: the order of these steps, and what a person is told of what failed. Does not belong here: anything that
the Dagster UI could not do as well.
"""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.calls import Call
from dagster_project.settings import Settings
from dagster_project.shell.prepare import prepare
from dagster_project.shell.worker import child, run_first
from dagster_project.transform import dbt_calls

if TYPE_CHECKING:
    import dagster as dg


def run(settings: Settings) -> int:
    """Refresh everything and print the snapshot; returns 0 where all went well and 1 where anything failed."""
    started = time.monotonic()
    source = f"{settings.price_source}{f' ({settings.price_files})' if settings.price_files else ''}"
    print(f"Minehouse: prices from {source}, output to {settings.data_dir}", flush=True)
    # not on top of this file: the children import it too
    import duckdb

    from dagster_project.gate import expectations
    from dagster_project.warehouse.connection import WarehouseLockedError

    with child() as dbt, child() as gate:
        home = prepare(settings, dbt)
        # dbt then and not sooner: it is wanted last, and there are two processors
        gate.start(expectations.warm_up).add_done_callback(
            lambda _: dbt.start(dbt_calls.warm_up, settings.dbt_project_dir, settings.dbt_target_dir)
        )
        try:
            runs = _refresh(settings, home, call_gate=gate, call_dbt=dbt)
        except (WarehouseLockedError, duckdb.Error) as error:
            print(f"error: the build file cannot be opened: {error}", file=sys.stderr)
            return 1
    errors = _problems(runs)
    shown = show(settings)
    seconds = time.monotonic() - started
    if errors or not runs[0].success:
        print(f"\nfinished in {seconds:.1f} s WITH ERRORS, listed above; details in {_log_path(settings)}")
        return 1
    print(f"\nfinished in {seconds:.1f} s")
    return shown


def _refresh(settings: Settings, home: Path, *, call_gate: Call, call_dbt: Call) -> list[dg.ExecuteInProcessResult]:
    """Run the daily refresh; where it fails, publish what stands."""
    from dagster_project.definitions import build_defs
    from dagster_project.shell.fast_start import open_instance
    from dagster_project.shell.progress import progress_logger
    from dagster_project.warehouse import connection

    with (
        _log_path(settings).open("w") as log,
        open_instance(home) as instance,
        contextlib.ExitStack() as kept_open,
    ):
        # while the build file is open, each raw table opens it in no time; dbt's process needs it closed
        kept_open.enter_context(connection.write(settings.build_database))
        defs = build_defs(
            settings,
            loggers={"console": progress_logger(sys.stdout)},
            call_dbt=run_first(kept_open.close, call_dbt),
            call_gate=call_gate,
        )
        with contextlib.redirect_stdout(log):
            runs = [_execute(defs, "daily_refresh", instance)]
            kept_open.close()
            if not runs[0].success:
                runs.append(_execute(defs, "publish", instance))
    return runs


def _log_path(settings: Settings) -> Path:
    return settings.data_dir / "build" / "run.log"


def _execute(defs: dg.Definitions, job: str, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    # without a logger in the run config Dagster would take its own, whatever the definitions say
    return defs.resolve_job_def(job).execute_in_process(
        instance=instance, raise_on_error=False, run_config={"loggers": {"console": {}}}
    )


def _problems(runs: list[dg.ExecuteInProcessResult]) -> int:
    """Print every failed step and check; returns how many of them are errors."""
    import dagster as dg

    errors = 0
    for run in runs:
        for event in run.all_events:
            if event.is_step_failure and event.step_failure_data.error is not None:
                cause = event.step_failure_data.error
                while cause.cause is not None:
                    cause = cause.cause
                print(f"ERROR  step {event.step_key}: {cause.message.strip()}")
                errors += 1
        for check in run.get_asset_check_evaluations():
            if check.passed:
                continue
            seen = check.metadata.get("observed") or check.metadata.get("refusal")
            said = f": {seen.value}" if seen is not None else ""
            print(f"{check.severity.value:<6} {check.asset_key.to_user_string()} {check.check_name}{said}")
            errors += check.severity == dg.AssetCheckSeverity.ERROR
    return errors


def show(settings: Settings) -> int:
    """Print the published snapshot; returns 1 where there is none."""
    import duckdb

    from dagster_project.shell.snapshot import show_snapshot

    try:
        show_snapshot(settings.published_database)
    except (FileNotFoundError, duckdb.CatalogException):
        print(f"no snapshot is published yet under {settings.published_dir}", file=sys.stderr)
        return 1
    return 0
