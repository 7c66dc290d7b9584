"""How long readers of the published file wait, eight at once: `python -m benchmarks.readers [data folder]`.

Each reader is a process of its own that asks without a pause, so eight of them share the machine's cores all the time.
`open` keeps one read-only connection, as BI tools do; `followed` looks before every query whether the file was swapped,
as the dashboard and the API do, and so sees a refresh at once; `anew` opens the file for every query, as a script that
is started for one does. Measured is what the reader waits, the rows in its hands.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path

import duckdb

from bi.published import PublishedFile, connect
from dagster_project.settings import load_settings

READERS = 8
QUERIES_PER_READER = 60
RESULTS = Path(__file__).parent / "results"
QUESTIONS = {
    "snapshot": "select * from marts.miner_snapshot",
    "one miner, a year of technicals": """
        select * from marts.fct_daily_technicals
        where symbol = 'CLSK' and trade_date > (select max(trade_date) - 365 from marts.fct_daily_technicals)
        order by trade_date""",
    "one miner, levels of the last session": """
        select * from marts.fct_price_levels
        where symbol = 'CLSK' and trade_date = (select max(trade_date) from marts.fct_price_levels)
        order by level_type, level_rank""",
    "one miner, valuation": """
        select * from marts.fct_miner_valuation_daily where symbol = 'CLSK' order by trade_date desc limit 30""",
    "one miner, deals of everybody else beside it": """
        select * from marts.fct_hpc_deals order by symbol = 'CLSK' desc, announced_date desc""",
}


def _read(database: Path, sql: str, how: str, start_at: float) -> list[float]:
    """One reader: milliseconds of each query, all readers starting at the same time."""
    published = PublishedFile(database)
    with connect(database) if how == "open" else nullcontext() as kept:
        time.sleep(max(0.0, start_at - time.time()))
        waits = []
        for _ in range(QUERIES_PER_READER):
            began = time.perf_counter()
            if how == "followed":
                rows = published.query(sql)
            else:
                with nullcontext(kept) if kept else connect(database) as connection:
                    rows = connection.sql(sql).to_arrow_table()
            waits.append(1000 * (time.perf_counter() - began))
            assert rows.num_rows, f"no rows: {sql}"
        return waits


def measure(database: Path) -> list[dict[str, object]]:
    """Every question asked in every way by all readers at once: median and 95th percentile in milliseconds."""
    measured = []
    with ProcessPoolExecutor(READERS, mp_context=get_context("spawn")) as pool:
        list(pool.map(abs, range(10 * READERS)))  # all processes are up before the first is timed
        for question, sql in QUESTIONS.items():
            for how in ("open", "followed", "anew"):
                start_at = time.time() + 1
                readers = [pool.submit(_read, database, sql, how, start_at) for _ in range(READERS)]
                waits = [wait for reader in readers for wait in reader.result()]
                p95 = statistics.quantiles(waits, n=100)[94]
                measured.append(
                    {
                        "question": question,
                        "connection": how,
                        "queries": len(waits),
                        "p50_ms": round(statistics.median(waits), 1),
                        "p95_ms": round(p95, 1),
                    }
                )
    return measured


def as_markdown(results: dict) -> str:
    """The results as a table."""
    lines = [
        f"# {READERS} readers at once on the published file",
        "",
        f"{results['machine']}. Readers are processes that ask without a pause.",
        "",
        "| question | connection | queries | p50 ms | p95 ms |",
        "|---|---|---:|---:|---:|",
        *(
            f"| {row['question']} | {row['connection']} | {row['queries']} | {row['p50_ms']} | {row['p95_ms']} |"
            for row in results["waits"]
        ),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run, print, and keep the results beside this file."""
    if len(sys.argv) > 1:
        os.environ["MINEHOUSE_DATA_DIR"] = str(Path(sys.argv[1]).resolve())
    database = load_settings().published_database
    if not database.exists():
        raise SystemExit(f"{database} is not there yet: run `make run` first")
    machine = f"{platform.system()}, {os.cpu_count()} cores, DuckDB {duckdb.__version__}"
    machine += f", load average {os.getloadavg()[0]:.1f} before"
    results = {"machine": machine, "readers": READERS, "waits": measure(database)}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "readers.json").write_text(json.dumps(results, indent=2) + "\n")
    (RESULTS / "readers.md").write_text(as_markdown(results))
    print(as_markdown(results))


if __name__ == "__main__":
    main()
