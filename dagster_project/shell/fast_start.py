"""Goes past the interfaces of Dagster and Python, for four gains that they do not offer.

Two make a run at the shell start and end faster, each by more than 1.5 seconds of a warm `make run`; the measurements
are in docs/decisions.md. One takes back the disk that Dagster keeps when it deletes a run, and one sees at once that
another program keeps Dagster's files locked. All can be deleted at any time: what they replace is named with each, and
a run is then right, and slower or larger.

Belongs here: whatever a run gains from a private interface, a private layout of files or the interpreter, with its
figure. Does not belong here: anything that a public interface offers. No other module may import from inside Dagster or
dbt's adapters, or know how they keep their files.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import dagster as dg
    from sqlalchemy import Connection, Engine


@contextmanager
def open_instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance whose home is the folder `home`, with an event log that keeps its SQLite files open.

    Worth 5.3 s. Dagster's own log makes an engine for each of some eight hundred events, opens the file and closes it
    again, which also empties SQLite's write-ahead log. The files are the same, so the UI shows these runs like any
    other. Replaces `dg.DagsterInstance.from_config(str(home))`, to which it can be reduced when Dagster keeps its
    connections.
    """
    import dagster as dg

    engines: dict[str, Engine] = {}
    with dg.DagsterInstance.from_config(str(home)) as instance:
        log: Any = instance.event_log_storage
        if not hasattr(log, "conn_string_for_shard"):  # PostgreSQL keeps its connections
            yield instance
            return

        @contextmanager
        def connect(shard: str) -> Iterator[Connection]:
            with log._db_lock:
                if shard not in engines:
                    engines[shard] = _open(log.conn_string_for_shard(shard))
                    log._initdb(engines[shard])
                with engines[shard].begin() as connection:
                    yield connection

        log._connect = connect
        try:
            yield instance
        finally:
            for engine in engines.values():
                engine.dispose()


def _open(address: str) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.event import listen

    engine = create_engine(address, connect_args={"timeout": 20})
    # with a write-ahead log this is safe from a crash of ours; a power cut may cost the last lines of the log
    listen(engine, "connect", lambda connection, _: connection.execute("pragma synchronous = normal"))
    return engine


_FILES = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")


def refuse_locked_files(home: Path, wait_seconds: float = 15.0) -> None:
    """Raise `sqlite3.OperationalError` where another program keeps one of Dagster's files in `home` locked so long.

    Dagster would find that out by itself, but once for each of the hundreds of events of a run, waiting every time.
    Replaces nothing. Files that are not there are not looked for: Dagster may keep its history elsewhere.
    """
    deadline = time.monotonic() + wait_seconds
    for file in filter(Path.exists, (home / name for name in _FILES)):
        address = file.resolve().as_uri() + "?mode=rw"
        left = max(0.0, deadline - time.monotonic())
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=left, isolation_level=None)) as connection:
            connection.execute("begin exclusive")  # a reader that never ends holds up a writer too
            connection.execute("rollback")


_LEFT = """
    attach '{runs}' as history;
    delete from history.run_tags where run_id not in (select run_id from history.runs);
    delete from asset_check_executions
    where run_id not in (select run_id from history.runs)
      and id not in (select max(id) from asset_check_executions group by asset_key, check_name);
"""


def sweep_after_deletion(instance: dg.DagsterInstance, home: Path) -> None:
    """Remove the logs, tags and results of checks of runs that are no longer there from the files in `home`.

    Worth 6 MB a run: `instance.delete_run` empties the log of a run but keeps its file, and keeps each result of a
    check, of which there are some 600 a run; the one public way to those, `instance.wipe_assets`, forgets with them
    what stands. The last result of a check stays, for the UI shows it. Replaces nothing: without it a year of daily
    runs takes 1.5 GB. Where Dagster keeps its history elsewhere, or in another layout, it does nothing.
    """
    history = home / "history"
    logs = [file for file in (history / "runs").glob("*-*.db*") if file.is_file()]
    printed = list((home / "storage").glob("*-*"))  # by steps, under Dagster's own settings
    known = {record.dagster_run.run_id for record in instance.get_run_records()}
    for path in (*logs, *printed):
        if path.name.partition(".")[0] in known:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    index, runs = history / "runs" / "index.db", history / "runs.db"
    if not (index.exists() and runs.exists()):
        return
    with (
        contextlib.suppress(sqlite3.OperationalError),  # locked, or another layout: the next call tries again
        contextlib.closing(sqlite3.connect(index.as_uri() + "?mode=rw", uri=True, timeout=60)) as connection,
    ):
        connection.executescript(_LEFT.format(runs=str(runs).replace("'", "''")))


def leave_at_once(code: int) -> NoReturn:
    """End this process with an exit code, and let the system take back its memory.

    Worth 1.6 s, together with `leave_when_done` in the children: Python takes apart every object that dbt and Dagster
    hold by itself. Replaces `sys.exit(code)`.
    """
    atexit._run_exitfuncs()
    _leave(code)


def leave_as_killed(said: str) -> NoReturn:
    """End this process with one sentence on standard error and exit code 1, its children with it.

    As safe as a kill, which a run is made for. Nothing else ends a run of Dagster's in the middle: it catches every
    exception of a step.
    """
    print(said, file=sys.stderr)
    _leave(1)


def leave_when_done() -> None:
    """Let this process, a child that was just started, end in the same way; replaces nothing."""
    atexit.register(_leave)  # the first to be registered is the last to be called


def _leave(code: int = 0) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
