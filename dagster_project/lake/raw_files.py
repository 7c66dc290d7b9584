"""Writes the raw tables as Parquet for Spark: a folder for each month, rewritten where its rows changed.

A raw table has every version of every row, and a load either adds versions or ends some. The month of a row is that of
the contract's date where it has one, else that in which it was loaded, so that a day's load touches few files.

Belongs here: these files. Does not belong here: which rows there are (`warehouse.load`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb

from dagster_project.contracts.base import Contract
from dagster_project.lake.session import Lake
from dagster_project.warehouse.load import create_tables, sql_literal

NO_MONTH = "none"
"""The folder of a table's columns, which has no row: a table without rows is read from it."""


def write_raw_files(connection: duckdb.DuckDBPyConnection, lake: Lake, contracts: Sequence[Contract]) -> dict[str, int]:
    """Bring the files up to what the build file holds; returns how many months of each table were written.

    A month's file is replaced whole, by a rename: whoever reads meanwhile sees it as it was or as it is.
    """
    return {contract.table: _write_table(connection, lake, contract) for contract in contracts}


def _write_table(connection: duckdb.DuckDBPyConnection, lake: Lake, contract: Contract) -> int:
    create_tables(connection, contract)
    table = f"raw.{contract.table}"
    month = f"strftime({contract.window_by or 'valid_from'}, '%Y-%m')"
    seen = dict(
        connection.execute(
            f"select {month}, count(*) || ' ' || bit_xor(hash(r)) from {table} as r group by 1"
        ).fetchall()
    )
    folder = lake.raw_dir(contract.table)
    known_file = folder / "_months.json"  # Spark passes over names that start with an underscore
    known = json.loads(known_file.read_text()) if known_file.exists() else {}
    shape = connection.execute(f"describe {table}").fetchall()
    if known.pop("shape", None) != str(shape):
        known = {}
    changed = [key for key, rows in seen.items() if known.get(key) != rows or not _file(folder, key).exists()]
    for key in changed:
        _write(connection, f"select * from {table} where {month} = {sql_literal(key)}", _file(folder, key))
    if NO_MONTH not in known:
        _write(connection, f"select * from {table} where false", _file(folder, NO_MONTH))
    for gone in {path.name for path in folder.glob("month=*")} - {f"month={key}" for key in (*seen, NO_MONTH)}:
        shutil.rmtree(folder / gone)
    known_file.write_text(json.dumps({**seen, NO_MONTH: "", "shape": str(shape)}))
    return len(changed)


def _file(folder: Path, month: str) -> Path:
    return folder / f"month={month}" / "rows.parquet"


def _write(connection: duckdb.DuckDBPyConnection, query: str, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    written = file.with_name("_rows.tmp")
    connection.execute(f"copy ({query}) to {sql_literal(str(written))} (format parquet)")
    written.replace(file)
