"""States of disks, memory and processes, each made for real, and what a person is told of them.

Belongs here: bringing about the state that a line of the matrix names. Does not belong here: the verdict
(`test_faults`), the sentences (`dagster_project.shell.faults`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from dagster_project.runs.lock import held
from dagster_project.settings import Settings
from dagster_project.shell.fast_start import refuse_locked_files
from dagster_project.shell.faults import explain
from dagster_project.warehouse import connection
from dagster_project.warehouse.publish import publish

NOBODY = 65534
ROWS = 200_000


def told_of(state: str, folder: Path) -> str | None:
    """Bring the state about in an empty data folder; what is told of it, None where that would be a traceback."""
    settings = Settings(data_dir=folder, temp_dir=folder / "tmp")
    with connection.write(settings.build_database) as con:
        con.execute(f"create schema marts; create table marts.fct_things as select range as x from range({ROWS})")
    publish(settings.build_database, settings.published_dir)
    try:
        STATES[state](settings)
    except (Exception, MemoryError) as error:
        return explain(error, settings)
    raise AssertionError(f"{state}: nothing was in the way")


def _read(database: Path) -> None:
    with connection.read(database) as con:
        connection.read_whole(con, database.stem)


def _cut(database: Path, size: int) -> None:
    path = database.resolve()
    path.chmod(0o644)
    os.truncate(path, size)
    _read(database)


def _overwrite(database: Path, at: int) -> None:
    path = database.resolve()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5" * 4096)
    _read(database)


def _sqlite(settings: Settings, *statements: str, uri: str = "") -> None:
    settings.dagster_home.mkdir(exist_ok=True)
    file = settings.dagster_home / "runs.db"
    with contextlib.closing(sqlite3.connect(file, timeout=0)) as made:
        made.execute("create table runs (x)")
        made.commit()
    with contextlib.closing(sqlite3.connect(f"{file.as_uri()}{uri}", timeout=0, uri=True)) as con:
        for statement in statements:
            con.execute(statement)


def _locked_by_another_program(settings: Settings) -> None:
    file = settings.dagster_home / "history" / "runs.db"
    file.parent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("begin exclusive")
        refuse_locked_files(settings.dagster_home, wait_seconds=0)


def _no_database_of_dagster(settings: Settings) -> None:
    settings.dagster_home.mkdir()
    file = settings.dagster_home / "runs.db"
    file.write_bytes(b"no database " * 1000)
    with contextlib.closing(sqlite3.connect(file)) as con:
        con.execute("select * from sqlite_master")


@contextlib.contextmanager
def _as_somebody_else(folder: Path) -> Iterator[None]:
    """As a user without rights, or where we have none ourselves in a folder that nobody may write."""
    is_root = os.geteuid() == 0
    folder.chmod(0o755 if is_root else 0o555)
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(0o755)


def _folder_of_somebody_else(settings: Settings) -> None:
    with _as_somebody_else(settings.data_dir):
        (settings.data_dir / "run.lock").open("w")


def _build_file_of_somebody_else(settings: Settings) -> None:
    with tempfile.TemporaryDirectory() as shared:  # pytest's own folders are closed to others
        build = Path(shared) / "warehouse.duckdb"
        shutil.copyfile(settings.build_database, build)
        build.chmod(0o600 if os.geteuid() == 0 else 0o000)
        with _as_somebody_else(build.parent), connection.write(build):
            pass


def _too_many_files(settings: Settings) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())), before[1]))
    try:
        with contextlib.ExitStack() as opened:
            for at in range(100):
                opened.enter_context((settings.data_dir / str(at)).open("w"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def _too_little_memory(settings: Settings) -> None:
    with connection.write(settings.data_dir / "other.duckdb") as con:
        con.execute("set memory_limit = '2MB'; set temp_directory = ''")
        con.execute("create table big as select range as x, hash(range) as y from range(5000000) order by y")


def _full_for_duckdb(_: Settings) -> None:
    duckdb.sql("copy (from range(100000)) to '/dev/full' (format csv)")


def _full_for_python(_: Settings) -> None:
    with Path("/dev/full").open("w") as file:
        file.write("x")


def _a_file_where_a_folder_is_needed(settings: Settings) -> None:
    (settings.data_dir / "lake").write_text("")
    (settings.data_dir / "lake" / "raw").mkdir(parents=True)


def _read_only(settings: Settings) -> None:
    raise OSError(errno.EROFS, "Read-only file system", str(settings.run_lock))  # needs a mount of its own


def _another_run(settings: Settings) -> None:
    def hold(what: str) -> contextlib.AbstractContextManager[object]:
        return held(settings.run_lock, what, wait_seconds=0, say=print)

    with hold("make run"), hold("make rebuild"):
        pass


STATES: dict[str, Callable[[Settings], None]] = {
    "build file of no bytes": lambda settings: _cut(settings.build_database, 0),
    "build file cut in its headers": lambda settings: _cut(settings.build_database, 5000),
    "build file cut in the middle": lambda settings: _cut(
        settings.build_database, settings.build_database.stat().st_size // 2
    ),
    "build file overwritten at its begin": lambda settings: _overwrite(settings.build_database, 0),
    "build file overwritten in the middle": lambda settings: _overwrite(settings.build_database, 12288 + 262144),
    "published file cut": lambda settings: _cut(settings.published_database, 20_000),
    "published file overwritten": lambda settings: _overwrite(settings.published_database, 12288 + 262144),
    "disk full for Python": _full_for_python,
    "disk full for DuckDB": _full_for_duckdb,
    "disk full for Dagster": lambda settings: _sqlite(
        settings, "pragma max_page_count = 2", "insert into runs select zeroblob(100000)"
    ),
    "disk is read-only": _read_only,
    "folder of somebody else": _folder_of_somebody_else,
    "build file of somebody else": _build_file_of_somebody_else,
    "file for a folder": _a_file_where_a_folder_is_needed,
    "too many open files": _too_many_files,
    "too little memory for DuckDB": _too_little_memory,
    "too little memory for Python": lambda _: bytearray(2**60) and None,
    "Dagster's files locked": _locked_by_another_program,
    "Dagster's files damaged": _no_database_of_dagster,
    "Dagster's files read-only": lambda settings: _sqlite(settings, "insert into runs values (1)", uri="?mode=ro"),
    "another run": _another_run,
}
