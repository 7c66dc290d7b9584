"""Measure the technicals on DuckDB and on Spark as the rows grow: `python -m benchmarks.engines`.

Both engines run the same dbt models on the same generated bars, each in a process of its own with two threads. CPU
seconds are those of all its processes, Java among them. What an engine costs before the first row is in the smallest
size; what a million more rows cost is the difference between the sizes. Needs the environment of Spark (`make
test-spark` installs it). Writes `results/engines.md`.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import panel

RESULTS = Path(__file__).parent / "results"
ROWS = (100_000, 400_000, 1_600_000)
BARS_PER_SYMBOL = 3_000
SAMPLE_SECONDS = 0.5
ENGINES = ("duckdb", "spark")


@dataclass
class Cost:
    """What a process and its children cost: seconds, the bytes they held together, and those it wrote aside."""

    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_bytes: int = 0
    spilled_bytes: int = 0


def measure(command: list[str], environment: dict[str, str], aside: Path) -> Cost:
    """Run a command to its end. Raises `RuntimeError` where it fails."""
    import psutil  # which the environment of Spark lacks, as what follows

    from benchmarks.market import held_by

    cost, spent = Cost(), dict[int, float]()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        watched = psutil.Process(process.pid)
        # left to the system until the end: a process that has been waited for has no children to ask
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            for one in [watched, *watched.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    times = one.cpu_times()
                    spent[one.pid] = times.user + times.system
            cost.peak_bytes = max(cost.peak_bytes, held_by(watched))
            cost.spilled_bytes = max(cost.spilled_bytes, _size(aside))
            time.sleep(SAMPLE_SECONDS)
        process.wait()
        cost.wall_seconds = time.perf_counter() - began
        cost.cpu_seconds = sum(spent.values())
        output.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{output.read()}")
    return cost


def _size(folder: Path) -> int:
    """The bytes of all files; what is gone before it is asked for counts for nothing, the folder itself too."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += (Path(parent) / name).stat().st_size
    return total


def compute(engine: str, folder: Path, bars: Path, memory: str, models: list[str]) -> None:
    """Build the models of the bars once, in this process."""
    from dagster_project.lake.session import Lake, open_session
    from dagster_project.settings import Settings, export_for_dbt
    from dagster_project.transform.dbt_calls import invoke

    os.environ["MINEHOUSE_MEMORY_LIMIT"] = memory
    settings = Settings(data_dir=folder, temp_dir=folder / "aside")
    export_for_dbt(settings)
    settings.build_database.parent.mkdir(parents=True)
    arguments = ["run", "--select", *models]
    if engine == "duckdb":
        shutil.copyfile(bars, settings.build_database)
        outcome = invoke(settings.dbt_project_dir, settings.dbt_target_dir, arguments)
    else:
        options = {
            "spark.driver.memory": memory.replace("GB", "g"),
            "spark.local.dir": str(folder / "aside"),
            "spark.sql.shuffle.partitions": "8",
        }
        session = open_session(Lake(settings.lake_dir, "local[2]", options))
        session.sql("create database intermediate")
        session.read.parquet(str(bars.with_suffix(".parquet"))).write.saveAsTable("intermediate.int_daily_bars")
        outcome = invoke(settings.dbt_project_dir, settings.dbt_target_dir, arguments, target="spark")
    if outcome.failure:
        raise SystemExit(outcome.failure)


def run(
    rows: list[int], scratch: Path, memory: str, python: str, engines: tuple[str, ...] = ENGINES
) -> list[tuple[int, str, Cost]]:
    """Every size on every engine, one after the other."""
    from benchmarks.oracle import MODELS  # with what the environment of Spark lacks

    found = []
    for size in rows:
        bars = panel.build(scratch / f"bars_{size}.duckdb", max(size // BARS_PER_SYMBOL, 1), size)
        _as_parquet(bars)
        for engine in engines:
            folder = scratch / f"{engine}_{size}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            command = [python, "-m", "benchmarks.engines", "--compute", engine]
            command += ["--folder", str(folder), "--bars", str(bars), "--memory", memory, "--models", *MODELS]
            cost = measure(command, dict(os.environ), folder / "aside")
            found.append((size, engine, cost))
            print(
                f"{engine:7} {size:>10,} rows  cpu {cost.cpu_seconds:6.1f}  wall {cost.wall_seconds:6.1f}  "
                f"spilled {cost.spilled_bytes / 2**30:5.2f} GiB",
                flush=True,
            )
            shutil.rmtree(folder)
    return found


def _as_parquet(bars: Path) -> None:
    import duckdb

    with duckdb.connect(str(bars), read_only=True) as connection:
        connection.sql("from intermediate.int_daily_bars").write_parquet(str(bars.with_suffix(".parquet")))


def as_markdown(
    found: list[tuple[int, str, Cost]], memory: str, load: float, engines: tuple[str, ...] = ENGINES
) -> str:
    """The table, and what a million more rows cost."""
    lines = [
        f"# Technicals on {' and on '.join({'duckdb': 'DuckDB', 'spark': 'Spark'}[engine] for engine in engines)}",
        "",
        f"`python -m benchmarks.engines --engines {' '.join(engines)}`: {platform.system()}, {os.cpu_count()} cores,",
        f"{memory} for each engine, load average {load:.1f} before the run. Start-up included, CPU of all processes;",
        "Spark in one process (`local[2]`). Spilled is what lay in the folder for what does not fit into memory.",
        "",
        "| rows | engine | CPU s | wall s | peak GiB | spilled GiB |",
        "|---:|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {rows:,} | {engine} | {cost.cpu_seconds:.1f} | {cost.wall_seconds:.1f} | {cost.peak_bytes / 2**30:.2f} "
        f"| {cost.spilled_bytes / 2**30:.2f} |"
        for rows, engine, cost in found
    ]
    lines += [
        "",
        "| engine | from, rows | to, rows | CPU s per million more | wall s per million more |",
        "|---|---:|---:|---:|---:|",
    ]
    for engine in engines:
        sizes = [(rows, cost) for rows, name, cost in found if name == engine]
        for (few, less), (many, more) in itertools.pairwise(sizes):
            millions = (many - few) / 1e6
            lines.append(
                f"| {engine} | {few:,} | {many:,} | {(more.cpu_seconds - less.cpu_seconds) / millions:.1f} "
                f"| {(more.wall_seconds - less.wall_seconds) / millions:.1f} |"
            )
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure and write the table, or compute one of its cells."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=list(ROWS))
    parser.add_argument("--memory", default="2GB", help="What DuckDB may hold, and Java's heap.")
    parser.add_argument("--engines", nargs="*", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--python", default=".venv-spark/bin/python", help="The interpreter that has pyspark.")
    parser.add_argument("--compute", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--models", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--bars", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.compute:
        compute(given.compute, given.folder, given.bars, given.memory, given.models)
        return
    load = os.getloadavg()[0]
    engines = tuple(given.engines)
    with tempfile.TemporaryDirectory(prefix="minehouse-engines-") as scratch:
        found = run(given.rows, Path(scratch), given.memory, given.python, engines)
    name = "engines.md" if engines == ENGINES else f"{'-'.join(engines)}-as-it-grows.md"
    (RESULTS / name).write_text(as_markdown(found, given.memory, load, engines))


if __name__ == "__main__":
    main()
