"""Checks the published files as readers open them.

Does not belong here: checks of single marts (dbt data tests).
"""

import struct

import dagster as dg

from dagster_project.assets.serving import PUBLISHED_KEY
from dagster_project.warehouse.resource import Warehouse

OLDEST_READABLE_STORAGE = 67
"""Storage number of DuckDB 1.4: bytes 12 to 20 of a file; a higher number shuts older readers out."""


@dg.asset_check(asset=PUBLISHED_KEY, description="The published file and Parquet hold what the build file holds.")
def published_equals_build(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Row counts of every mart agree in the build file, the published file and Parquet."""
    with warehouse.read() as build, warehouse.read_published() as published:
        query = "select distinct table_name from duckdb_columns() where schema_name = 'marts' order by table_name"
        tables = [name for (name,) in build.execute(query).fetchall()]
        copies = [name for (name,) in published.execute(query).fetchall() if name != "publication"]
        held_back = {
            name
            for (name,) in published.execute(
                "select table_name from marts.publication where held_back_since is not null"
            ).fetchall()
        }
        different = sorted((set(tables) ^ set(copies)) - held_back)
        for table in (set(tables) & set(copies)) - held_back:
            parquet = warehouse.published_dir / "parquet" / f"{table}.parquet"
            if not parquet.exists():  # published as Parquet alone, in a folder
                parquet = parquet.with_suffix("") / "**" / "*.parquet"
            count = f"select count(*) from marts.{table}"
            rows = {
                build.execute(count).fetchall()[0][0],
                published.execute(count).fetchall()[0][0],
                published.execute("select count(*) from read_parquet(?)", [str(parquet)]).fetchall()[0][0],
            }
            if len(rows) > 1:
                different.append(table)
    return dg.AssetCheckResult(
        passed=not different,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "failing_rows": len(different),
            "tables": len(tables),
            "observed": ", ".join(different) or f"{len(tables)} tables agree",
        },
    )


@dg.asset_check(asset=PUBLISHED_KEY, description="Every DuckDB from 1.4 on can open the published file.")
def published_opens_in_old_duckdb(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """The storage number in the file's header is that of DuckDB 1.4 or older."""
    with warehouse.published_database.open("rb") as file:
        (storage,) = struct.unpack("<Q", file.read(20)[12:20])
    return dg.AssetCheckResult(
        passed=storage <= OLDEST_READABLE_STORAGE,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "storage_number": storage,
            "observed": f"storage number {storage}, at most {OLDEST_READABLE_STORAGE} is readable",
        },
    )
