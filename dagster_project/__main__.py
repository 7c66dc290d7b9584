"""`python -m dagster_project`: what the Makefile calls.

Belongs here: starting the pipeline from a shell and showing its progress and its result. Does not belong here:
anything that the Dagster UI could not do as well.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.settings import PROJECT_DIR, Settings, SettingsError, export_for_children, load_settings

if TYPE_CHECKING:
    import dagster as dg


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code: 0 all well, 1 something failed, 2 a wrong setting."""
    parser = argparse.ArgumentParser(prog="python -m dagster_project", description="Minehouse from the shell")
    parser.add_argument(
        "command",
        choices=("prepare", "run", "snapshot", "docs"),
        help="prepare: folders and dbt manifest; run: the whole pipeline; snapshot: print the last result; "
        "docs: a page about every table",
    )
    command = parser.parse_args(arguments).command
    try:
        settings = load_settings()
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if command == "snapshot":
        return _show(settings)
    if command == "docs":
        return _write_docs(settings)
    prepare(settings)
    return 0 if command == "prepare" else _run(settings)


def prepare(settings: Settings) -> None:
    """Make the data folders, Dagster's home in it, and dbt's manifest where it is older than the project."""
    home = settings.data_dir / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    settings.build_database.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROJECT_DIR / "dagster.yaml", home / "dagster.yaml")
    os.environ.setdefault("DAGSTER_HOME", str(home))
    manifest = settings.dbt_target_dir / "manifest.json"
    sources = [path for path in settings.dbt_project_dir.rglob("*") if path.suffix in {".sql", ".yml", ".md"}]
    if manifest.exists() and manifest.stat().st_mtime > max(path.stat().st_mtime for path in sources):
        return
    if _dbt(settings, "parse", target=settings.dbt_target_dir):
        raise SystemExit("dbt could not parse the project; see above")


def _write_docs(settings: Settings) -> int:
    """Write dbt's documentation as one file that needs no server and no network."""
    if not settings.build_database.exists():
        print("there is no warehouse to document yet: run `make run` first", file=sys.stderr)
        return 1
    # not the pipeline's own target: a manifest with compiled code in it would take longer to read
    target = settings.data_dir / "build" / "docs"
    if code := _dbt(settings, "docs", "generate", "--static", target=target):
        return code
    page = settings.docs_page
    page.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(target / "static_index.html", page)
    print(f"open {page.as_uri()}")
    return 0


def _dbt(settings: Settings, *command: str, target: Path) -> int:
    """Run dbt in a process of its own; returns its exit code."""
    export_for_children(settings)
    project = settings.dbt_project_dir
    folders: list[str | Path] = [
        "--project-dir",
        project,
        "--profiles-dir",
        project,
        "--target-path",
        target,
        "--log-path",
        target,
    ]
    return subprocess.run([Path(sys.executable).parent / "dbt", "--quiet", *command, *folders], check=False).returncode


def _run(settings: Settings) -> int:
    import dagster as dg

    from dagster_project.definitions import build_defs
    from dagster_project.progress import progress_logger

    started = time.monotonic()
    source = f"{settings.price_source}{f' ({settings.price_files})' if settings.price_files else ''}"
    print(f"Minehouse: prices from {source}, output to {settings.data_dir}", flush=True)
    log_path = settings.data_dir / "build" / "run.log"
    with log_path.open("w") as log, dg.DagsterInstance.get() as instance:
        defs = build_defs(settings, loggers={"console": progress_logger(sys.stdout)})
        with contextlib.redirect_stdout(log):
            runs = [_execute(defs, "daily_refresh", instance)]
            failed = not runs[0].success
            if failed:
                runs.append(_execute(defs, "publish", instance))
    errors = _problems(runs)
    shown = _show(settings)
    seconds = time.monotonic() - started
    if failed or errors:
        print(f"\nfinished in {seconds:.1f} s WITH ERRORS, listed above; details in {log_path}")
        return 1
    print(f"\nfinished in {seconds:.1f} s")
    return shown


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


def _show(settings: Settings) -> int:
    from dagster_project.snapshot import show_snapshot

    if not settings.published_database.exists():
        print(f"nothing is published yet under {settings.published_dir}", file=sys.stderr)
        return 1
    show_snapshot(settings.published_database)
    return 0


if __name__ == "__main__":
    sys.exit(main())
