"""Kills runs at many moments and looks what is left: `make faults-kill`.

One line per kill: whom it hit and when, how far the run had come, processes left after five seconds, and whether what
readers open was still whole. Then a plain run must end by itself, and raw, quarantine and marts must equal those of an
undisturbed run. Takes as long as that many runs, so it is no part of `make test`, which kills a few small ones
(tests/orchestration/test_single_writer.py).

Belongs here: kills of whole runs. Does not belong here: faults of the data (tests).
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

REPO = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-m", "dagster_project", "run"]
VOLATILE = {"run_id", "fetched_at", "valid_from", "valid_to", "checked_at"}
"""Columns that tell when and by whom a row was written."""
OWN_LOGS = {"data_quality_results", "publication"}
"""Marts that are the log of all runs."""
RESULTS = Path(__file__).with_name("results") / "kills.md"
TITLES = (
    "| # | killed | run | at % | after s | had come to | left 5 s later | readers | next run | equal |",
    "|---|---|---|---:|---:|---|---:|---|---|---|",
)
State = dict[str, tuple[int, ...]]
"""By table, how many rows there are, and digests of them in any order."""


@dataclass(frozen=True, order=True)
class Kill:
    """One kill: whom it hits, at which share of the run, and whether that is the first run of a data folder."""

    whom: str
    share: float
    is_first_run: bool


@dataclass(frozen=True)
class Course:
    """How an undisturbed run went: after how many seconds it printed each of its lines, and ended."""

    lines: tuple[float, ...]
    seconds: float

    def moment(self, share: float) -> tuple[int, float]:
        """A share of the run as the lines printed by then, and the seconds since the last of them.

        A run on a busier machine comes to the same place later, so this says where it is better than seconds alone.
        """
        at = share * self.seconds
        printed = sum(line <= at for line in self.lines)
        return printed, at - (self.lines[printed - 1] if printed else 0.0)


def main() -> int:
    """Kill, look, run on, compare; returns 1 where anything was left or differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=40, help="kills of the whole group of processes")
    parser.add_argument("--others", type=int, default=8, help="kills of the main process alone, and of a child alone")
    parser.add_argument(
        "--run-limit", type=float, default=900, help="seconds after which a plain run counts as hanging"
    )
    parser.add_argument(
        "--from", dest="first", type=int, default=1, help="number of the first kill: those before are done"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="minehouse-kills-") as folder:
        data = Path(folder) / "data"
        courses = {True: _course(data, given.run_limit)}
        right = _state(data)
        courses[False] = _course(data, given.run_limit)
        said = (
            f"{len(right)} tables; {courses[True].seconds:.0f} s for a first run, {courses[False].seconds:.0f} s for a "
            "later one"
        )
        print(said, *TITLES, sep="\n", flush=True)
        lines, bad = [], 0
        for number, kill in enumerate(_kills(given.moments, given.others)[given.first - 1 :], given.first):
            found = _try(kill, data, courses[kill.is_first_run], right, given.run_limit)
            if found is None:
                print(f"no kill: the run had ended before {kill.share:.0%} of it, three times", flush=True)
                continue
            cells, is_right = found
            lines.append(f"| {number} | {' | '.join(cells)} |")
            bad += not is_right
            print(lines[-1], flush=True)
            _write(given.results, said, lines, bad)  # so that an hour is not lost by the last minute
    return int(bad > 0)


def _kills(moments: int, others: int) -> list[Kill]:
    """Every moment once, scattered, so that the first half of the table covers the whole run too."""
    planned = [Kill("group", (at + 0.5) / moments, bool(at % 2)) for at in range(moments)]
    planned += [Kill(whom, (at + 0.5) / others, bool(at % 2)) for whom in ("main", "child") for at in range(others)]
    golden = 0.618034
    return [kill for _, kill in sorted((at * golden % 1, kill) for at, kill in enumerate(planned))]


def _try(kill: Kill, data: Path, course: Course, right: State, limit: float) -> tuple[list[str], bool] | None:
    """One line of the table, and whether all of it is as it must be; None where the run had always ended before.

    Where it had, an earlier moment is taken: a kill that comes too late is none.
    """
    for earlier in (1.0, 0.95, 0.85):
        if kill.is_first_run:
            shutil.rmtree(data)
        killed = _kill(data, kill.whom, course.moment(kill.share * earlier), limit)
        if killed is not None:
            break
    else:
        return None
    after, reached, left = killed
    readers = _readers(data)
    code, seconds = _plain_run(data, limit)
    state = _state(data)
    differs = sorted(name for name in right.keys() | state.keys() if state.get(name) != right.get(name))
    cells = [
        kill.whom,
        "first" if kill.is_first_run else "later",
        f"{100 * kill.share * earlier:.0f}",
        f"{after:.1f}",
        reached,
        str(left),
        readers,
        f"exit {code} after {seconds:.0f} s",
        f"DIFFERENT: {differs}" if differs else "yes",
    ]
    return cells, not left and code == 0 and not differs and "BROKEN" not in readers


def _write(results: Path, said: str, lines: list[str], bad: int) -> None:
    now = dt.datetime.now(dt.UTC)
    text = [
        "# Kills of whole runs",
        "",
        f"`make faults-kill`, {now:%Y-%m-%d}, sample prices. Undisturbed: {said}.",
        f"{len(lines)} kills by SIGKILL, {len(lines) - bad} as it must be: nobody left, readers whole, the next plain",
        "run ends with exit 0, and raw, quarantine and marts equal those of the undisturbed run. The moments are laid",
        "out over the undisturbed run, by the lines that it prints and the seconds since; a run that was over before",
        "its kill is not counted, and an earlier moment is taken.",
        "",
        *TITLES,
        *lines,
    ]
    results.write_text("\n".join(text) + "\n", encoding="utf-8")


def _course(data: Path, limit: float) -> Course:
    """A run that nobody disturbs, line by line."""
    began = time.monotonic()
    lines = []
    with subprocess.Popen(
        COMMAND, cwd=REPO, env=_environment(data), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        assert run.stdout is not None
        lines = [time.monotonic() - began for _ in run.stdout]
        code = run.wait(limit)
    assert code == 0, "an undisturbed run ends well"
    return Course(tuple(lines), time.monotonic() - began)


def _plain_run(data: Path, limit: float) -> tuple[int, float]:
    """Exit code and seconds of a run that nobody disturbs."""
    began = time.monotonic()
    with (data.parent / "run.log").open("a") as log:
        code = subprocess.run(
            COMMAND, cwd=REPO, env=_environment(data), timeout=limit, check=False, stdout=log, stderr=log
        ).returncode
    return code, time.monotonic() - began


def _environment(data: Path) -> dict[str, str]:
    return os.environ | {"MINEHOUSE_DATA_DIR": str(data)}


def _kill(data: Path, whom: str, moment: tuple[int, float], limit: float) -> tuple[float, str, int] | None:
    """Start a run and kill it once it has printed so many lines and so many seconds have passed since.

    Returns after how many seconds, the step it had come to, and how many of its processes were left; None where it had
    ended before.
    """
    log = data.parent / "killed.log"
    began = time.monotonic()
    with log.open("w") as out:
        process = subprocess.Popen(
            COMMAND, cwd=REPO, env=_environment(data), stdout=out, stderr=out, start_new_session=True
        )
    printed, since = moment
    while process.poll() is None and log.read_text().count("\n") < printed:
        time.sleep(0.02)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(since)
    if process.poll() is not None:
        return None
    after = time.monotonic() - began
    others = sorted(_family(data) - {process.pid})
    if whom == "group":
        os.killpg(process.pid, signal.SIGKILL)
    elif whom == "main" or not others:
        os.kill(process.pid, signal.SIGKILL)
    else:
        with contextlib.suppress(ProcessLookupError):
            os.kill(others[int(after * 10) % len(others)], signal.SIGKILL)
        process.wait(limit)  # a run may do without a child that has done its work
    process.wait(limit)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _family(data):
        time.sleep(0.1)
    left = _family(data)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    steps = [line.split()[1] for line in log.read_text().splitlines() if line.startswith("  ok ")]
    return after, steps[-1] if steps else "before the first step", len(left)


def _family(data: Path) -> set[int]:
    """All living processes of runs on this data folder, whoever adopted them."""
    mark = f"MINEHOUSE_DATA_DIR={data}".encode()
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.add(int(folder.name))
    return found


def _readers(data: Path) -> str:
    database = data / "published" / "minehouse.duckdb"
    if not database.exists():
        return "nothing published yet"
    try:
        with duckdb.connect(str(database), read_only=True) as con:
            (rows,) = con.execute("select count(*) from marts.miner_snapshot").fetchall()[0]
    except duckdb.Error as error:
        return f"BROKEN: {str(error).splitlines()[0]}"
    return f"{rows} rows"


def _state(data: Path) -> State:
    """Every raw, quarantine and mart table, without what tells the hour."""
    state: State = {}
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
            state[f"{schema}.{table}"] = con.execute(
                f"""select count(*), coalesce(bit_xor(digest), 0), coalesce(sum(digest // 1024), 0)::hugeint
                    from (select hash({shown}) as digest from {schema}.{table} {current})"""
            ).fetchall()[0]
    return state


if __name__ == "__main__":
    sys.exit(main())
