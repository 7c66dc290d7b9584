"""Reads the command line of `python -m dagster_project`, which the Makefile calls.

Belongs here: commands and exit codes. Does not belong here: what a command does (the modules beside this one).
"""

from __future__ import annotations

import argparse
import datetime as dt
import shlex
import sys
from pathlib import Path

from dagster_project.runs.lock import held
from dagster_project.settings import Settings, SettingsError, dbt_environment, load_settings
from dagster_project.shell.faults import told
from dagster_project.shell.prepare import prepare, write_docs
from dagster_project.shell.run import run, show
from dagster_project.shell.supervise import Ended, in_child
from dagster_project.shell.ui import serve
from dagster_project.transform import sources_yml


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code: 0 all well, 1 something failed, 2 a wrong setting."""
    parser = argparse.ArgumentParser(prog="python -m dagster_project", description="Minehouse from the shell")
    parser.add_argument(
        "command",
        choices=(
            "prepare",
            "run",
            "ui",
            "snapshot",
            "docs",
            "env",
            "sources",
            "inventory",
            "rollback",
            "rebuild",
            "backup",
            "restore",
        ),
        help="prepare: folders and dbt manifest; run: the whole pipeline; ui: Dagster; snapshot: print the last one; "
        "docs: a page about every table; env: where Dagster and dbt find the data, for a shell; "
        "sources: write dbt's description of the raw tables anew; inventory: list all public names anew; "
        "rollback: let readers see an earlier publication; rebuild: compute everything anew from what was loaded; "
        "backup, restore: the whole warehouse to and from one file",
    )
    parser.add_argument("--port", type=int, default=3000, help="where `ui` listens")
    parser.add_argument("--id", default=None, help="the publication for `rollback`; without it the one before")
    parser.add_argument("--file", type=Path, default=None, help="what `backup` writes and `restore` reads")
    given = parser.parse_args(arguments)
    command = given.command
    try:
        settings = load_settings()
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if command == "env":
        for name, value in {"DAGSTER_HOME": str(settings.dagster_home), **dbt_environment(settings)}.items():
            print(f"export {name}={shlex.quote(value)}")
        return 0
    if command == "sources":
        (settings.dbt_project_dir / sources_yml.PATH).write_text(sources_yml.sources_yml())
        return 0
    if command == "snapshot":
        return told(settings, lambda: show(settings))
    if command == "rollback":
        return told(settings, lambda: _rollback(settings, given.id))
    if command in ("backup", "restore"):
        return told(settings, lambda: _keep(command, settings, given.file))
    return told(settings, lambda: _work(command, settings, given.port))


def _rollback(settings: Settings, publication_id: str | None) -> int:
    """Go back to an earlier publication; returns 1 where there is none."""
    from dagster_project.warehouse.backup import finish_restores
    from dagster_project.warehouse.publish import UnknownPublicationError, rollback
    from dagster_project.warehouse.resource import Warehouse

    with held(settings.run_lock, "make rollback", wait_seconds=60 * settings.run_wait_minutes, say=print):
        finish_restores(Warehouse(settings.build_database, settings.published_dir), settings.data_dir)
        try:
            now = rollback(settings.published_dir, publication_id or None)
        except UnknownPublicationError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    print(f"readers now see publication {now}; the next run publishes anew")
    return 0


def _keep(command: str, settings: Settings, file: Path | None) -> int:
    """Write the warehouse to one file, or put it back from one; returns 1 where the file is none of ours."""
    from dagster_project.warehouse.backup import NoBackupError, backup, finish_restores, restore
    from dagster_project.warehouse.resource import Warehouse

    warehouse = Warehouse(settings.build_database, settings.published_dir)
    with held(settings.run_lock, f"make {command}", wait_seconds=60 * settings.run_wait_minutes, say=print):
        try:
            finish_restores(warehouse, settings.data_dir)
            if command == "backup":
                file = file or settings.backups_dir / f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S.%f}.tar"
                backup(warehouse, file)
                print(f"backup written to {file}")
            elif file is None:
                raise NoBackupError("say which file: make restore FILE=...")
            else:
                aside = restore(warehouse, file, settings.data_dir)
                print(f"restored from {file}" + (f"; what was there before is in {aside}" if aside else ""))
        except NoBackupError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        except Ended as ended:
            ended.what_stands = "what stands is whole: " + (
                "there is no half of a backup"
                if command == "backup"
                else "what was there, or all that the backup holds"
            )
            raise
    return 0


def _work(command: str, settings: Settings, port: int) -> int:
    """The commands that write."""
    if command == "run":
        return run(settings)
    if command == "rebuild":
        if not settings.build_database.exists():
            print("error: nothing was loaded yet that could be computed anew: run `make run` first", file=sys.stderr)
            return 1
        return run(settings, "rebuild")
    if command == "ui":
        return serve(settings, port)
    with held(settings.run_lock, f"make {command}", wait_seconds=60 * settings.run_wait_minutes, say=print) as lock:
        # dbt waits for threads of its own, whatever a signal says
        code = in_child(lambda: told(settings, lambda: _let_dbt_read(command, settings)), lock.renewed())
    return code if code >= 0 else 1


def _let_dbt_read(command: str, settings: Settings) -> int:
    """The commands for which dbt reads the project, or the build file."""
    if command == "docs":
        return write_docs(settings)
    if command == "inventory":
        from dagster_project.shell.inventory import write_inventory  # imports all of Dagster

        write_inventory(settings)
        return 0
    prepare(settings, anew=True)
    return 0
