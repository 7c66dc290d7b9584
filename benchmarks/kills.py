"""Kills runs at many moments and looks what is left: `make faults-kill`.

One line per kill: whom it hit and when, how far the run had come, processes left after five seconds, and whether what
readers open was still whole. After every few kills one plain run must end by itself, and raw, quarantine and marts must
equal those of an undisturbed run. Takes as long as that many runs, so it is no part of `make test`, which kills a few
small ones (tests/orchestration/test_single_writer.py).

Belongs here: kills of whole runs. Does not belong here: faults of the data (tests).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

REPO = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-m", "dagster_project", "run"]
VOLATILE = {"run_id", "fetched_at", "valid_from", "valid_to", "checked_at"}
"""Columns that tell when and by whom a row was written."""
OWN_LOGS = {"data_quality_results", "publication"}
"""Marts that are the log of all runs."""


def main() -> int:
    """Kill, look, compare; returns 1 where anything was left or differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=40)
    parser.add_argument("--compare-every", type=int, default=5)
    parser.add_argument(
        "--run-limit", type=float, default=900, help="seconds after which a plain run counts as hanging"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="minehouse-kills-") as folder:
        data = Path(folder) / "data"
        began = time.monotonic()
        _plain_run(data, given.run_limit)
        length = time.monotonic() - began
        right = _state(data)
        print(f"an undisturbed first run: {length:.0f} s, {len(right)} tables")
        print("| # | killed | after s | had come to | left 5 s later | readers |")
        print("|---|---|---:|---|---:|---|")
        bad = 0
        shutil.rmtree(data)
        for number in range(given.moments):
            whom = ("group", "main", "child")[number % 3]
            after = length * (number + 0.5) / given.moments
            line, wrong = _kill(data, whom, after)
            print(f"| {number + 1} | {whom} | {after:.1f} | {line} |", flush=True)
            bad += wrong
            if (number + 1) % given.compare_every == 0 or number + 1 == given.moments:
                began = time.monotonic()
                code = _plain_run(data, given.run_limit)
                differs = sorted(name for name, rows in _state(data).items() if rows != right.get(name))
                said = f"next run: exit {code} after {time.monotonic() - began:.0f} s; "
                print(f"{said}{f'DIFFERENT: {differs}' if differs else f'{len(right)} tables equal'}", flush=True)
                bad += bool(differs) + (code != 0)
                if number % 2:
                    shutil.rmtree(data)  # first runs are killed as well as later ones
    return int(bad > 0)


def _plain_run(data: Path, limit: float) -> int:
    with (data.parent / "run.log").open("a") as log:
        return subprocess.run(
            COMMAND, cwd=REPO, env=_environment(data), timeout=limit, check=False, stdout=log, stderr=log
        ).returncode


def _environment(data: Path) -> dict[str, str]:
    return os.environ | {"MINEHOUSE_DATA_DIR": str(data)}


def _kill(data: Path, whom: str, after: float) -> tuple[str, int]:
    log = data.parent / "killed.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            COMMAND, cwd=REPO, env=_environment(data), stdout=out, stderr=out, start_new_session=True
        )
    time.sleep(after)
    family = _family(process.pid)
    with contextlib.suppress(ProcessLookupError):
        if whom == "group":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            os.kill(process.pid if whom == "main" else family[-1], signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and any(map(_lives, family)):
        time.sleep(0.1)
    left = [pid for pid in family if _lives(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    steps = [line.split()[1] for line in log.read_text().splitlines() if line.startswith("  ok ")]
    readers = _readers(data)
    return f"{steps[-1] if steps else 'before the first step'} | {len(left)} | {readers}", bool(
        left or "BROKEN" in readers
    )


def _family(pid: int) -> list[int]:
    """The process and all that came of it, the youngest last; the tracker of semaphores ends with them."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{one}/task/{one}/children").read_text().split()
            found += map(int, children)
    return found


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _readers(data: Path) -> str:
    database = data / "published" / "minehouse.duckdb"
    if not database.exists():
        return "nothing published yet"
    try:
        with duckdb.connect(str(database), read_only=True) as con:
            (rows,) = con.execute("select count(*) from marts.miner_snapshot").fetchall()[0]
    except duckdb.Error as error:
        return f"BROKEN: {error}"
    return f"{rows} rows"


def _state(data: Path) -> dict[str, list[str]]:
    """Every raw, quarantine and mart table as sorted rows, without what tells the hour."""
    state: dict[str, list[str]] = {}
    with duckdb.connect(str(data / "build" / "warehouse.duckdb"), read_only=True) as con:
        tables = con.execute(
            """select schema_name, table_name from duckdb_tables()
               where schema_name in ('raw', 'quarantine', 'marts') order by all"""
        ).fetchall()
        for schema, table in tables:
            if table in OWN_LOGS:
                continue
            names = [row[0] for row in con.execute(f"describe {schema}.{table}").fetchall()]
            shown = ", ".join(f'"{name}"' for name in names if name not in VOLATILE)
            current = "where valid_to is null" if "valid_to" in names and schema == "raw" else ""
            state[f"{schema}.{table}"] = sorted(
                map(repr, con.execute(f"select {shown} from {schema}.{table} {current}").fetchall())
            )
    return state


if __name__ == "__main__":
    sys.exit(main())
