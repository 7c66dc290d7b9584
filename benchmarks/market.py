"""Measure whole runs of the pipeline on a market of CSV files: `python -m benchmarks.market [--prices FOLDER]`.

Three runs are measured, each from the shell command to its end: a cold one, one in which nothing has changed, and one
after a new session in every file. Beside them stands what one would write instead of a pipeline (`peers.from_files`),
measured in the same sitting. CPU seconds are those of all processes of a run; peak memory is what all of them hold
together, pages that they share counted once. Writes `results/market.json` and `results/market.md`, which keep the last
sitting of each number of symbols.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from benchmarks import panel

RESULTS = Path(__file__).parent / "results"
SCRATCH = Path(__file__).resolve().parents[1] / "data" / "benchmarks" / "market"
SYMBOLS = 500
ROWS = 1_450_000
SAMPLE_SECONDS = 0.5
LINES = {
    "cold": "first run, from CSV files to what readers open",
    "unchanged": "run again, nothing has changed",
    "daily": "a new session in every file",
    "peer": "DuckDB reads the files, Polars computes, no gate, no versions, no tests",
}


@dataclass(frozen=True)
class Cost:
    """What a command cost, its children included."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


def measure(command: list[str], environment: dict[str, str]) -> tuple[Cost, str]:
    """Run a command to its end; its cost, and what it said. Raises `RuntimeError` where it fails."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        watched = psutil.Process(process.pid)
        peak = 0
        # left to the system until its cost is asked for: a process that has been waited for tells none
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            peak = max(peak, held_by(watched))
            time.sleep(SAMPLE_SECONDS)
        output.seek(0)
        said = output.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{said}")
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - began, peak), said


def held_by(process: psutil.Process) -> int:
    """Bytes that a process and its children hold together, pages that they share counted once."""
    held = 0
    try:
        processes = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for one in processes:
        try:
            held += one.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return held


def run_pipeline(prices: Path, data_dir: Path) -> tuple[Cost, str]:
    """One `make run` on a folder of price files."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MINEHOUSE_")}
    environment |= {
        "MINEHOUSE_DATA_DIR": str(data_dir),
        "MINEHOUSE_PRICE_SOURCE": "files",
        "MINEHOUSE_PRICE_FILES": str(prices),
    }
    return measure([sys.executable, "-m", "dagster_project", "run"], environment)


def run_peer(prices: Path, database: Path, memory_limit: str) -> Cost:
    """The same figures without a pipeline."""
    code = (
        "import sys; from pathlib import Path; from benchmarks.peers import from_files; "
        "from_files(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])"
    )
    command = [sys.executable, "-c", code, str(prices), str(database), memory_limit]
    return measure(command, os.environ | {"POLARS_MAX_THREADS": "2"})[0]


def run(prices: Path, folder: Path, memory_limit: str) -> dict[str, object]:
    """All measurements, one after the other, on a copy of the files."""
    shutil.rmtree(folder, ignore_errors=True)
    files = folder / "files"
    shutil.copytree(prices, files)
    held_back = panel.hold_back_last_session(files)
    load = os.getloadavg()[0]
    costs: dict[str, Cost] = {}

    def note(name: str, cost: Cost, said: str = "") -> None:
        costs[name] = cost
        written = [line.strip() for line in said.splitlines() if "fct_daily_technicals: " in line]
        seconds = f"cpu {cost.cpu_seconds:7.1f}  wall {cost.wall_seconds:7.1f}"
        print(f"{name:10s} {seconds}  {cost.peak_bytes / 2**30:5.2f} GiB", *written, flush=True)

    note("peer", run_peer(files, folder / "peer.duckdb", memory_limit))
    note("cold", *run_pipeline(files, folder / "data"))
    note("unchanged", *run_pipeline(files, folder / "data"))
    panel.append(held_back)
    note("daily", *run_pipeline(files, folder / "data"))
    rows = sum(path.read_bytes().count(b"\n") - 1 for path in files.glob("*.csv"))
    return {
        "machine": f"{platform.system()}, {os.cpu_count()} cores, load average {load:.1f} before the run",
        "symbols": len(held_back),
        "rows": rows,
        "costs": {
            name: asdict(cost) | {"cpu_ratio": round(cost.cpu_seconds / costs["peer"].cpu_seconds, 2)}
            for name, cost in costs.items()
        },
    }


def as_markdown(sittings: list[dict]) -> str:
    """The sittings as tables that a reader sees in the repository."""
    lines = ["# The whole pipeline on a market of files"]
    for results in sittings:
        lines += [
            "",
            f"{results['symbols']:,} symbols, {results['rows']:,} bars as CSV, {results['machine']}.",
            "",
            "| work | CPU s | wall s | peak GiB, all processes | CPU / peer |",
            "|---|---:|---:|---:|---:|",
        ]
        for name, text in LINES.items():
            cost = results["costs"][name]
            lines.append(
                f"| {text} | {cost['cpu_seconds']:.1f} | {cost['wall_seconds']:.1f} "
                f"| {cost['peak_bytes'] / 2**30:.1f} | {cost['cpu_ratio']:.2f} |"
            )
    return "\n".join(lines) + "\n"


def kept_with(results: dict, file: Path) -> list[dict]:
    """The sittings that the file keeps, this one in the place of the last of as many symbols."""
    before = json.loads(file.read_text()) if file.exists() else []
    others = [sitting for sitting in before if sitting["symbols"] != results["symbols"]]
    return sorted([*others, results], key=lambda sitting: sitting["symbols"])


def main() -> None:
    """Run, print, and keep the results beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prices", type=Path, help="a folder of price files of one's own; else the panel is used")
    parser.add_argument("--symbols", type=int, default=SYMBOLS)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--folder", type=Path, default=SCRATCH, help="scratch folder")
    parser.add_argument("--memory-limit", default="4GB", help="DuckDB's limit in the peer")
    options = parser.parse_args()
    made = options.folder / f"panel-{options.symbols}-{options.rows}"
    prices = options.prices or panel.write_files(made, options.symbols, options.rows)
    results = run(prices, options.folder / "work", options.memory_limit)
    RESULTS.mkdir(exist_ok=True)
    sittings = kept_with(results, RESULTS / "market.json")
    (RESULTS / "market.json").write_text(json.dumps(sittings, indent=2) + "\n")
    (RESULTS / "market.md").write_text(as_markdown(sittings))
    print(as_markdown([results]))


if __name__ == "__main__":
    main()
