"""Builds the warehouse with DuckDB and with Spark, and compares every mart row by row: `make test-spark`.

The same raw tables go to both: those of the bundled sample (or of a folder of price files), then the same after a day
with late corrections. Rows meet by their key; texts, dates and whole numbers must be equal, doubles to 1e-9 of their
size. dbt's unit tests and, on the first day, its data tests run on Spark as well. Prints a line for each mart and for
the tests, and ends with `N passed, M failed`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import duckdb
from spark.cluster import cluster

from dagster_project.contracts.batch import Batch
from dagster_project.contracts.tables import RAW_TABLES
from dagster_project.lake.session import Lake
from dagster_project.settings import PROJECT_DIR, Settings, export_for_dbt
from dagster_project.transform.dbt_calls import DbtOutcome, invoke, read_project, run_dbt
from dagster_project.transform.spark_calls import TARGET, run_dbt_on_spark
from dagster_project.warehouse import connection
from dagster_project.warehouse.load import Load, load

RELATIVE = 1e-9
# what rounds to nothing: a difference of two equal averages is 1e-17 on the one engine and 0 on the other
ABSOLUTE = 1e-12


def main() -> int:
    """Returns 1 where any mart differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--master", help="Where Spark computes; without it a cluster of two workers is started here.")
    parser.add_argument("--prices", type=Path, help="A folder of price files instead of the bundled sample.")
    parser.add_argument("--data-dir", type=Path, help="A data folder that a run has filled, to be copied.")
    parser.add_argument("--only", nargs="*", default=[], help="dbt's selection instead of everything.")
    parser.add_argument("--once", action="store_true", help="Leave the day of late corrections out.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="minehouse-spark-") as name:
        folder = Path(name)
        computing = nullcontext(given.master) if given.master else cluster(folder / "cluster")
        with computing as master:
            passed, failed = _compare_all(folder, master, given)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _compare_all(folder: Path, master: str, given: argparse.Namespace) -> tuple[int, int]:
    settings = Settings(data_dir=folder / "data")
    export_for_dbt(settings)
    _fill(settings, given)
    lake = Lake(
        settings.lake_dir,
        master,
        {
            "spark.driver.memory": "1g",
            "spark.executor.memory": "768m",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.shuffle.partitions": "2",
            # plans for a few thousand rows take longer to improve than to run
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.constraintPropagation.enabled": "false",
        },
    )
    only = ["--select", *given.only] if given.only else []
    passed = failed = 0
    for day, change in (("as loaded", None), ("after late corrections", _correct)):
        if change and given.once:
            break
        if change:
            with connection.write(settings.build_database) as con:
                change(con)
        on_spark = settings.build_database.with_name("spark.duckdb")
        shutil.copyfile(settings.build_database, on_spark)
        with connection.write(on_spark) as con:
            con.execute("drop schema if exists marts cascade")  # what Spark does not make must be missing
        with _timed(f"{day}: DuckDB"):
            _must_pass(
                run_dbt(
                    settings.dbt_project_dir,
                    settings.dbt_target_dir,
                    settings.build_database,
                    ["run", *only, "--full-refresh"],
                )
            )
        with _timed(f"{day}: Spark on {master}"):
            command = ["run"] if change else ["build", "--exclude-resource-type", "unit_test"]
            outcome = run_dbt_on_spark(
                settings.dbt_project_dir, settings.dbt_target_dir, on_spark, [*command, *only], lake=lake
            )
        results = list(outcome.results)
        if not change and not only:
            results += invoke(
                settings.dbt_project_dir, settings.dbt_target_dir, ["test", "--select", "test_type:unit"], TARGET
            ).results
        for kind in ("model", "test", "unit_test"):
            ended = Counter(result.status for result in results if result.unique_id.startswith(f"{kind}."))
            bad = ended["error"] + ended["fail"]
            if ended:
                told = ", ".join(f"{count} {status}" for status, count in sorted(ended.items()))
                print(f"{'failed' if bad else 'passed'}  {day:24} dbt's {kind}s on Spark: {told}", flush=True)
                passed, failed = passed + (not bad), failed + bool(bad)
        for result in results:
            if result.status in ("error", "fail"):
                print(f"        {result.unique_id}: {result.message}")
        keys = _keys(settings)
        made = {result.unique_id.split(".")[-1] for result in outcome.results if result.status == "success"}
        for mart in sorted(keys):
            if given.only and mart not in made:
                continue
            rows, problem = compare(settings.build_database, on_spark, mart, keys[mart])
            print(f"{'failed' if problem else 'passed'}  {day:24} {mart:32} {rows:>9,} rows  {problem}", flush=True)
            passed, failed = passed + (not problem), failed + bool(problem)
    return passed, failed


def _fill(settings: Settings, given: argparse.Namespace) -> None:
    settings.build_database.parent.mkdir(parents=True)
    if given.data_dir:
        shutil.copyfile(given.data_dir / "build" / "warehouse.duckdb", settings.build_database)
        return
    environment = os.environ | {"MINEHOUSE_DATA_DIR": str(settings.data_dir)}
    if given.prices:
        environment |= {"MINEHOUSE_PRICE_SOURCE": "files", "MINEHOUSE_PRICE_FILES": str(given.prices.resolve())}
    with _timed("the pipeline on DuckDB"):
        done = subprocess.run(
            [sys.executable, "-m", "dagster_project", "run"],
            env=environment, cwd=PROJECT_DIR, capture_output=True, text=True, check=False,
        )  # fmt: skip
    # the shell's code 1 is a check that failed, which is no matter of the engine
    if not settings.build_database.exists():
        raise SystemExit(done.stdout + done.stderr)


def _correct(con: duckdb.DuckDBPyConnection) -> None:
    """A day later some bars of every symbol are found to have been wrong, most of them long past."""
    contract = next(contract for contract in RAW_TABLES if contract.table == "market__daily_prices")
    source, loaded = con.execute(
        "select max(source), max(valid_from) from raw.market__daily_prices where valid_to is null"
    ).fetchall()[0]
    corrected = con.sql(
        """select * exclude (run_id, valid_from, valid_to, fetched_at, source)
                replace (round(close * 1.003, 4) as close, round(greatest(high, close * 1.003), 4) as high)
            from raw.market__daily_prices
            where valid_to is null and source = ? and hash(symbol, trade_date) % 400 = 0""",
        params=[source],
    ).to_arrow_table()
    batch = Batch(source=source, rows=corrected, rejects=(), is_partial=True)
    load(con, contract, batch, Load(fetched_at=loaded + dt.timedelta(days=1), run_id="late-corrections"))
    print(f"{corrected.num_rows} bars corrected")


def _must_pass(outcome: DbtOutcome) -> None:
    if outcome.failure:
        raise SystemExit(f"DuckDB's own build failed: {outcome.failure}")


def _keys(settings: Settings) -> dict[str, list[str]]:
    """The columns that make a row of each mart, as its data tests say."""
    manifest = read_project(settings.dbt_project_dir, settings.dbt_target_dir)
    marts = {
        node.unique_id: node.name
        for node in manifest.nodes.values()
        if node.resource_type == "model" and node.schema == "marts" and node.config.materialized != "table_macro"
    }
    keys: dict[str, list[str]] = {}
    for node in manifest.nodes.values():
        asked = getattr(node, "test_metadata", None)
        if asked and getattr(node, "attached_node", None) in marts and asked.name in ("unique", "unique_combination"):
            columns = asked.kwargs.get("columns") or [asked.kwargs["column_name"]]
            keys.setdefault(marts[node.attached_node], columns)
    return keys


def compare(duckdb_file: Path, spark_file: Path, mart: str, key: list[str]) -> tuple[int, str]:
    """The rows of DuckDB's table, and what differs in Spark's; an empty text where nothing does."""
    with duckdb.connect() as con:
        con.execute(f"attach '{duckdb_file}' as ours (read_only)")
        con.execute(f"attach '{spark_file}' as theirs (read_only)")
        left, right = f"ours.marts.{mart}", f"theirs.marts.{mart}"
        try:
            con.execute(f"from {right} limit 0")
        except duckdb.CatalogException:
            return 0, "Spark did not make it"
        ours, theirs = con.execute(f"describe {left}").fetchall(), con.execute(f"describe {right}").fetchall()
        if [column[:2] for column in ours] != [column[:2] for column in theirs]:
            return 0, "columns or types differ"
        rows, others = con.execute(f"select (select count(*) from {left}), (select count(*) from {right})").fetchall()[
            0
        ]
        if rows != others:
            return rows, f"Spark has {others} rows"
        on = " and ".join(f"a.{column} is not distinct from b.{column}" for column in key)
        joined = f"from {left} as a join {right} as b on {on}"
        if (met := con.execute(f"select count(*) {joined}").fetchall()[0][0]) != rows:
            return rows, f"{rows - met} keys are not on both sides"
        found = []
        for name, kind, *_ in ours:
            a, b = f'a."{name}"', f'b."{name}"'
            differs = f"{a} is distinct from {b}"
            if kind == "DOUBLE":
                close = f"abs({a} - {b}) <= greatest({ABSOLUTE}, {RELATIVE} * greatest(abs({a}), abs({b})))"
                differs = f"({differs} and ({close}) is not true)"
            count = con.execute(f"select count(*), min(({a}, {b})::varchar) {joined} where {differs}").fetchall()[0]
            if count[0]:
                found.append(f"{name} in {count[0]} rows, as in {count[1]}")
        return rows, "; ".join(found)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
