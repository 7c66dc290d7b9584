"""Dagster's UI, in the data folder's own home.

Belongs here: what has to hold before the UI starts. Does not belong here: anything it shows.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path

from dagster_project.runs.lock import NotOurTurnError, held
from dagster_project.settings import PROJECT_DIR, Settings, environment_for_the_ui
from dagster_project.shell.prepare import prepare
from dagster_project.shell.supervise import Ended, become, in_child

HOST = "127.0.0.1"


def serve(settings: Settings, port: int) -> int:
    """Run Dagster's UI on this port until it is ended; returns 1, having said why, where the port is taken.

    However this process ends, Dagster's processes and its runs end with it, within seconds. Raises `Ended` at a signal.
    """
    if not _is_free(port):
        print(
            f"error: port {port} is taken (by another `make ui`?); name another: make ui PORT={port + 1}",
            file=sys.stderr,
        )
        return 1
    home = prepare(settings)
    _mark_dead_runs(settings, home)
    workspace = str(PROJECT_DIR / "workspace.yaml")
    command = ["-m", "dagster", "dev", "--workspace", workspace, "--host", HOST, "--port", str(port)]

    def dagster() -> int:
        os.chdir(home)
        return become(sys.executable, command, environment_for_the_ui(settings))

    try:
        return in_child(dagster, contextlib.nullcontext(), own_group=True)
    except Ended as ended:
        ended.what_stands = "a run of the UI that was under way is cut off, and what is published stands"
        raise


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _mark_dead_runs(settings: Settings, home: Path) -> None:
    import dagster as dg

    from dagster_project.runs.dead import mark_dead_runs, sentence
    from dagster_project.shell.fast_start import refuse_locked_files
    from dagster_project.warehouse.backup import finish_restores
    from dagster_project.warehouse.resource import Warehouse

    try:
        with held(settings.run_lock, "make ui", wait_seconds=0, say=print):
            finish_restores(Warehouse(settings.build_database, settings.published_dir), settings.data_dir)
            refuse_locked_files(settings.dagster_home)
            with dg.DagsterInstance.from_config(str(home)) as instance:
                for dead in mark_dead_runs(instance, settings.runs_alive_dir):
                    print(sentence(dead))
    except NotOurTurnError:
        return  # a run is under way, and has looked itself
