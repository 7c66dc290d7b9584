"""Measures what a data folder keeps after many runs: `python -m benchmarks.growth [--runs 30] [--keep-runs 5]`.

The runs are those of `make run`, one after the other in one process, which spares each of them its imports.

Belongs here: sizes on disk over many runs. Does not belong here: the duration of one run (`run`).
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import io
import sys
import tempfile
from pathlib import Path

import dagster as dg
import duckdb

from dagster_project.definitions import build_defs
from dagster_project.settings import Settings
from dagster_project.shell.prepare import prepare

SHOWN = (1, 5, 10, 20, 30)
RESULTS = Path(__file__).with_name("results") / "growth.md"


def main() -> int:
    """Run, weigh, print the table; returns 1 where a run failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--keep-runs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="minehouse-growth-") as folder:
        settings = Settings(data_dir=Path(folder) / "data", keep_runs=given.keep_runs)
        home = prepare(settings)
        lines = [
            "# What a data folder keeps",
            "",
            f"`python -m benchmarks.growth --runs {given.runs} --keep-runs {given.keep_runs}`, "
            f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, sample prices, MB on disk. Each run publishes anew;",
            f"{settings.keep_publications} publications and the results of checks of {settings.keep_check_days} days "
            "are kept.",
            "",
            "| runs | Dagster's home | runs in it | build file | results of checks, rows | publications | Data Docs "
            "| all else | total |",
            "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        ]
        print(lines[-2], lines[-1], sep="\n", flush=True)
        defs = build_defs(settings)
        for number in range(1, given.runs + 1):
            with (
                dg.DagsterInstance.from_config(str(home)) as instance,
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                done = defs.resolve_job_def("daily_refresh").execute_in_process(instance=instance, raise_on_error=False)
            if not done.success:
                return 1
            if number in {*SHOWN, given.runs}:
                lines.append(_line(settings, number))
                print(lines[-1], flush=True)
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


def _line(settings: Settings, number: int) -> str:
    total = _megabytes(settings.data_dir)
    shown = [
        _megabytes(settings.dagster_home),
        len(list((settings.dagster_home / "history" / "runs").glob("*-*.db"))),
        _megabytes(settings.build_database),
        _rows(settings.build_database),
        _megabytes(settings.published_dir),
        _megabytes(settings.data_docs_dir),
    ]
    rest = total - sum(size for size in shown if isinstance(size, float))
    cells = [number, *shown, rest, total]
    return "| " + " | ".join(f"{cell:,.1f}" if isinstance(cell, float) else f"{cell:,}" for cell in cells) + " |"


def _rows(database: Path) -> int:
    with contextlib.closing(duckdb.connect(str(database), read_only=True)) as con:
        return int(con.execute("select count(*) from marts.data_quality_results").fetchall()[0][0])


def _megabytes(path: Path) -> float:
    """What the file, or all files below the folder, take; links count as nothing."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_blocks * 512 for file in files if not file.is_symlink() and _is_own(file, path)) / 1e6


def _is_own(file: Path, top: Path) -> bool:
    """Whether no folder on the way down to the file is a link."""
    return not any(parent.is_symlink() for parent in file.parents if parent != top and top in parent.parents)


if __name__ == "__main__":
    sys.exit(main())
