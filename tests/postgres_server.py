"""A real PostgreSQL for tests: pgserver's where it has a wheel, else the one that the system has installed."""

from __future__ import annotations

import importlib.util
import os
import pwd
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def running_server() -> Iterator[str]:
    """URL of a server without its database name (`url.format("postgres")`); skips where there is none."""
    # a short path, for the socket lies in it
    with tempfile.TemporaryDirectory(prefix="mh") as folder:
        data = Path(folder) / "pg"
        data.mkdir()
        if importlib.util.find_spec("pgserver"):
            import pgserver

            postgres = pgserver.get_server(data, cleanup_mode="stop")
            stop, socket = postgres.cleanup, postgres.get_uri().split("host=")[1]
        else:
            stop, socket = _start_installed_server(Path(folder)), folder
        try:
            yield f"postgresql://postgres@/{{}}?host={socket}"
        finally:
            stop()


def _start_installed_server(folder: Path) -> Callable[[], object]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        pytest.skip(
            "needs a PostgreSQL server: pgserver has no wheel for this Python, and /usr/lib/postgresql is empty"
        )
    bin_dir, data = found[-1], folder / "pg"
    as_user: list[str] = []
    if os.geteuid() == 0:  # a server refuses to run as root
        as_user = ["runuser", "-u", "postgres", "--"]
        for path in (folder, data):
            os.chown(path, pwd.getpwnam("postgres").pw_uid, -1)
    control = [*as_user, bin_dir / "pg_ctl", "-D", data, "-w"]
    subprocess.run([*as_user, bin_dir / "initdb", "-D", data, "-U", "postgres", "-A", "trust"], check=True, cwd="/")
    options = ["-o", f"-k {folder} -h ''", "-l", folder / "log"]
    subprocess.run([*control, *options, "start"], check=True, cwd="/")
    return lambda: subprocess.run([*control, "-m", "fast", "stop"], check=True, cwd="/")
