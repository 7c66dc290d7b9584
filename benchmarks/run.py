"""Measure the technicals at market scale against named peers: `python -m benchmarks.run`.

Each measurement is its own process on its own copy of the same file, reading from a DuckDB table and writing
one. CPU seconds, wall seconds and peak memory come from the operating system. dbt's start-up is measured on
an empty panel and shown apart; ratios are of dbt's whole run less that start-up. The rebuild and the peers are measured
in turn, `ROUNDS` times, and the cheapest of each counts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import duckdb

from benchmarks import oracle, panel
from benchmarks.peers import PEERS

RESULTS = Path(__file__).parent / "results"
SCRATCH = Path(__file__).resolve().parents[1] / "data" / "benchmarks"
THREADS = 2
BY_TAIL = ("--vars", "technicals_fingerprint: bench")
CORRECTIONS = 200
ROUNDS = 2
PROFILE = """
minehouse:
  target: local
  outputs:
    local:
      type: duckdb
      path: "{{{{ env_var('DBT_BUILD_DATABASE') }}}}"
      threads: 1
      config_options: {{threads: {threads}, memory_limit: {memory_limit}}}
"""


@dataclass(frozen=True)
class Measured:
    """What one process cost."""

    cpu_seconds: float
    wall_seconds: float
    peak_rss_bytes: int

    def less(self, other: Measured) -> Measured:
        """Without the cost of starting up; memory stays as it was."""
        return Measured(
            max(self.cpu_seconds - other.cpu_seconds, 0.0),
            max(self.wall_seconds - other.wall_seconds, 0.0),
            self.peak_rss_bytes,
        )


def measure(command: list[str], environment: dict[str, str] | None = None) -> Measured:
    """Run a command to its end and ask the system what it cost."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} failed:\n{output.decode()}")
    # Linux reports kilobytes, macOS bytes
    unit = 1 if sys.platform == "darwin" else 1024
    return Measured(usage.ru_utime + usage.ru_stime, time.perf_counter() - started, usage.ru_maxrss * unit)


class Bench:
    """One run of all measurements in one scratch folder."""

    def __init__(self, folder: Path, memory_limit: str) -> None:
        """Prepare the scratch folder and a dbt profile with the memory limit."""
        self.folder = folder
        self.memory_limit = memory_limit
        self.profiles = folder / "profiles"
        self.profiles.mkdir(parents=True, exist_ok=True)
        profile = PROFILE.format(threads=THREADS, memory_limit=memory_limit)
        (self.profiles / "profiles.yml").write_text(profile)

    def data_dir(self, name: str, source: Path) -> Path:
        """A fresh data folder whose build file is a copy of a panel."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "build").mkdir(parents=True)
        shutil.copyfile(source, folder / "build" / "warehouse.duckdb")
        return folder

    def dbt(self, data_dir: Path, *arguments: str) -> Measured:
        """Run the technicals' models on the bars in a data folder.

        dbt knows each folder by the same path: with another one it would read the project anew.
        """
        path = self.folder / "measured"
        path.unlink(missing_ok=True)
        path.symlink_to(data_dir, target_is_directory=True)
        command = [
            *(sys.executable, "-c", "from dbt.cli.main import cli; cli()", "run"),
            *("--project-dir", str(oracle.DBT_PROJECT), "--profiles-dir", str(self.profiles)),
            *("--target-path", str(self.folder / "target"), "--log-path", str(self.folder / "logs")),
            *("--select", *oracle.MODELS, *arguments),
        ]
        return measure(command, os.environ | {"DBT_BUILD_DATABASE": str(database_of(path))})

    def peer(self, name: str, data_dir: Path) -> Measured:
        """Run one peer in its own process."""
        database = data_dir / "build" / "warehouse.duckdb"
        code = (
            "import sys; from pathlib import Path; from benchmarks.peers import PEERS; "
            "PEERS[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])"
        )
        environment = os.environ | {"POLARS_MAX_THREADS": str(THREADS)}
        return measure([sys.executable, "-c", code, name, str(database), self.memory_limit], environment)

    def panel(self, share: int = 1) -> Path:
        """The panel, or a share of it, made once."""
        return panel.build(self.folder / f"panel_1_{share}.duckdb", panel.SYMBOLS // share, panel.ROWS // share)


def database_of(data_dir: Path) -> Path:
    """The build file of a data folder."""
    return data_dir / "build" / "warehouse.duckdb"


def execute(data_dir: Path, *statements: str) -> None:
    """Change the bars of a data folder."""
    with duckdb.connect(str(database_of(data_dir))) as connection:
        for statement in statements:
            connection.execute(statement)


def largest_difference(ours: Path, rebuilt: Path, memory_limit: str) -> dict[str, float | int]:
    """Compare two marts in a process of its own: a child's peak memory starts at what its parent holds."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_largest_difference, ours, rebuilt, memory_limit).result()


def _largest_difference(ours: Path, rebuilt: Path, memory_limit: str) -> dict[str, float | int]:
    """Row by row: rows, rows in one mart alone, and the largest relative difference."""
    with duckdb.connect(config={"memory_limit": memory_limit, "threads": THREADS}) as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute(f"attach '{database_of(ours)}' as ours (read_only)")
        connection.execute(f"attach '{database_of(rebuilt)}' as rebuilt (read_only)")
        columns = connection.execute(f"describe rebuilt.{oracle.MART}").fetchall()
        numbers = [name for name, kind, *_ in columns if kind == "DOUBLE"]
        texts = [name for name, kind, *_ in columns if kind != "DOUBLE" and name not in ("symbol", "trade_date")]

        def size(name: str) -> str:
            if name.startswith("macd") or name == "bollinger_lower":
                return f"greatest(abs(r.{name}), {oracle.SMALLEST_SHARE} * r.close)"
            if "pct" in name:
                return f"greatest(abs(r.{name}), {oracle.SMALLEST_SHARE} * 100)"
            return f"abs(r.{name})"

        differences = [
            f"max(case when o.{n} = r.{n} or (o.{n} is null and r.{n} is null) then 0 "
            f"when o.{n} is null or r.{n} is null then 'infinity'::double "
            f"else abs(o.{n} - r.{n}) / {size(n)} end)"
            for n in numbers
        ]
        other = " or ".join(f"o.{name} is distinct from r.{name}" for name in texts)
        largest, unequal, rows, alone = connection.execute(
            f"select greatest({', '.join(differences)}), count(*) filter (where {other}), count(*), "
            "count(*) filter (where o.symbol is null or r.symbol is null) "
            f"from ours.{oracle.MART} o full join rebuilt.{oracle.MART} r using (symbol, trade_date)"
        ).fetchall()[0]
    return {"rows": rows, "rows_in_one_alone": alone, "unequal_texts": unequal, "largest_relative": largest}


def ratios(ours: Measured, peers: dict[str, Measured]) -> dict[str, float]:
    """Our cost over each peer's."""
    return {
        key: value
        for name, theirs in peers.items()
        for key, value in (
            (f"cpu_ratio_vs_{name}", round(ours.cpu_seconds / theirs.cpu_seconds, 3)),
            (f"wall_ratio_vs_{name}", round(ours.wall_seconds / theirs.wall_seconds, 3)),
        )
    }


def entry(ours: Measured, whole: Measured, peers: dict[str, Measured], rows: int) -> dict[str, object]:
    """One measurement as it stands in the results."""
    return {
        "rows": rows,
        **{key: round(value, 2) for key, value in asdict(ours).items()},
        "with_dbt_start": {key: round(value, 2) for key, value in asdict(whole).items()},
        **ratios(ours, peers),
    }


def as_markdown(results: dict) -> str:
    """The results as tables a reader sees in the repository."""

    def line(name: str, part: dict) -> str:
        ratio = f"{part['cpu_ratio_vs_polars']:.2f} | {part['wall_ratio_vs_polars']:.2f}"
        ratio += f" | {part['cpu_ratio_vs_talib']:.2f} | {part['wall_ratio_vs_talib']:.2f}"
        return (
            f"| {name} | {part['cpu_seconds']:.1f} | {part['wall_seconds']:.1f} "
            f"| {part['peak_rss_bytes'] / 2**30:.1f} | {ratio} |"
        )

    lines = [
        "# Technicals at market scale",
        "",
        f"{results['panel']['symbols']:,} symbols, {results['panel']['rows']:,} bars, {results['machine']}.",
        f"dbt's own start-up ({results['dbt_start']['cpu_seconds']:.1f} CPU s, "
        f"{results['dbt_start']['wall_seconds']:.1f} s) is not in the rows below.",
        "",
        "| work | CPU s | wall s | peak GiB | CPU / Polars | wall / Polars | CPU / TA-Lib | wall / TA-Lib |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *(
            line(name, results[key])
            for name, key in (
                ("full rebuild through dbt", "full_rebuild"),
                ("daily update: a new session for every symbol", "daily_update"),
                (f"{CORRECTIONS} late corrections", "late_corrections"),
            )
        ),
        *(line(f"{name}, full recompute", part) for name, part in results["peers"].items()),
        "",
        "| share of the panel | rows | CPU s | CPU s per million rows |",
        "|---|---:|---:|---:|",
        *(
            f"| {part['share']} | {part['rows']:,} | {part['cpu_seconds']:.1f} "
            f"| {part['cpu_seconds'] / part['rows'] * 1e6:.2f} |"
            for part in results["linearity"]
        ),
        "",
        "Largest relative difference from a full rebuild: "
        f"{results['daily_update']['against_full_rebuild']['largest_relative']:.1e} after the daily update, "
        f"{results['late_corrections']['against_full_rebuild']['largest_relative']:.1e} after the corrections.",
        "",
        "## Against the oracles, on hard series",
        "",
        results["oracle"],
        "",
    ]
    return "\n".join(lines)


def run(bench: Bench) -> dict:
    """All measurements, one after the other."""
    whole_panel = bench.panel()
    load = os.getloadavg()[0]

    def say(text: str, measured: Measured) -> None:
        gib = measured.peak_rss_bytes / 2**30
        seconds = f"cpu {measured.cpu_seconds:7.1f}  wall {measured.wall_seconds:7.1f}"
        print(f"{text:32s} {seconds}  {gib:5.1f} GiB", flush=True)

    with duckdb.connect(str(whole_panel), read_only=True) as connection:
        symbols, rows = connection.execute(f"select count(distinct symbol), count(*) from {panel_table()}").fetchall()[
            0
        ]

    small = bench.data_dir("small", bench.panel(64))
    execute(small, f"delete from {panel_table()}")
    bench.dbt(small, *BY_TAIL)  # the first run reads the project; every later one finds it parsed
    start = bench.dbt(small, *BY_TAIL)
    say("dbt start-up", start)

    # in turn and more than once, the cheapest counting: the machine's speed varies with its neighbours
    rounds: dict[str, list[Measured]] = {name: [] for name in ("full rebuild", *PEERS)}
    for _ in range(ROUNDS):
        full = bench.data_dir("full", whole_panel)
        rounds["full rebuild"].append(bench.dbt(full, *BY_TAIL, "--full-refresh"))
        for name in PEERS:
            folder = bench.data_dir(name, whole_panel)
            rounds[name].append(bench.peer(name, folder))
            shutil.rmtree(folder)
        for name, costs in rounds.items():
            say(name, costs[-1])
    peers = {name: min(costs, key=lambda cost: cost.cpu_seconds) for name, costs in rounds.items()}
    rebuilt = peers.pop("full rebuild")

    last = f"(select max(trade_date) from {panel_table()})"
    work = bench.data_dir("work", whole_panel)
    execute(
        work,
        f"create table last_session as select * from {panel_table()} where trade_date = {last}",
        f"delete from {panel_table()} where trade_date = {last}",
    )
    bench.dbt(work, *BY_TAIL, "--full-refresh")
    execute(work, f"insert into {panel_table()} from last_session", "drop table last_session")
    daily = bench.dbt(work, *BY_TAIL)
    say("daily update", daily)
    daily_difference = largest_difference(work, full, bench.memory_limit)
    print(daily_difference, flush=True)

    correct = (
        f"update {panel_table()} as bars set close = bars.close * 1.01, high = greatest(bars.high, bars.close * 1.01) "
        f"from (select symbol, trade_date from {panel_table()} "
        f"order by hash(symbol, trade_date) limit {CORRECTIONS}) as late "
        "where bars.symbol = late.symbol and bars.trade_date = late.trade_date"
    )
    execute(work, correct)
    corrected = bench.dbt(work, *BY_TAIL)
    say("late corrections", corrected)
    execute(full, correct)
    bench.dbt(full, *BY_TAIL, "--full-refresh")
    corrected_difference = largest_difference(work, full, bench.memory_limit)
    print(corrected_difference, flush=True)
    shutil.rmtree(work)
    shutil.rmtree(full)

    linearity = []
    for share in (8, 4, 2, 1):
        part = bench.data_dir("part", bench.panel(share))
        cost = bench.dbt(part, *BY_TAIL, "--full-refresh").less(start)
        say(f"1/{share} of the panel", cost)
        # the whole once more: a machine that other people share may have been faster or slower above
        name = f"1/{share}" if share > 1 else "1"
        linearity.append({"share": name, "rows": rows // share, **asdict(cost)})
    shutil.rmtree(part)

    hard = bench.folder / "oracle"
    oracle.write_bars(database_of(hard), oracle.made_series())
    bench.dbt(hard)
    table = oracle.as_table(oracle.compare(oracle.read_mart(database_of(hard))))

    return {
        "machine": f"{platform.system()}, {os.cpu_count()} cores, DuckDB {duckdb.__version__}, "
        f"memory limit {bench.memory_limit}, load average {load:.1f} before the run",
        "panel": {"symbols": symbols, "rows": rows},
        "dbt_start": asdict(start),
        "full_rebuild": entry(rebuilt.less(start), rebuilt, peers, rows),
        "daily_update": entry(daily.less(start), daily, peers, rows) | {"against_full_rebuild": daily_difference},
        "late_corrections": entry(corrected.less(start), corrected, peers, rows)
        | {"corrections": CORRECTIONS, "against_full_rebuild": corrected_difference},
        "peers": {name: asdict(cost) | ratios(cost, peers) for name, cost in peers.items()},
        "linearity": linearity,
        "oracle": table,
    }


def panel_table() -> str:
    """Where the bars of the panel are."""
    return "intermediate.int_daily_bars"


def main() -> None:
    """Run, print, and keep the results beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=SCRATCH, help="scratch folder, some 15 GB")
    parser.add_argument("--memory-limit", default="3GB", help="DuckDB's limit in every process")
    options = parser.parse_args()
    results = run(Bench(options.folder, options.memory_limit))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(results, indent=2) + "\n")
    (RESULTS / "latest.md").write_text(as_markdown(results))
    print(as_markdown(results))


if __name__ == "__main__":
    main()
