"""Finds what the publication that stands has in common with the build file, so that only the rest is written.

Whether rows are the same says a hash of all of them, read on both sides: nothing damaged is taken over, and nothing has
to be remembered of how a table was built.

Belongs here: the comparison. Does not belong here: writing a publication (`publish`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from dagster_project.warehouse import connection
from dagster_project.warehouse.load import sql_literal

DATABASE = "minehouse.duckdb"
PARQUET = "parquet"
YEAR = "year_of_date"
"""What the folders of a table that is Parquet alone are named by, `year_of_date=2025`."""

WORTH_COPYING = 0.8
"""The share of a file that is taken over from which on a copy is worth it: what is dropped keeps its place in it."""

_CONTENT = "sum(hash(held))"
"""Of the rows of a relation called `held`: a number that changes when any value does, or a row comes or goes."""


@dataclass(frozen=True)
class Standing:
    """What stands already; nothing where there is no publication, or a damaged one.

    `unchanged` are the tables whose rows are all the same; `grown` are those which have the rows that stand and more
    behind them, with the rowid from which on these are. `files` are the Parquet files of unchanged tables, and `years`
    the folders of a table published as Parquet alone whose rows are the same. `is_worth_copying` says that what is the
    same is nearly all that the new DuckDB file will hold, and nearly all that the one that stands is made of.
    """

    unchanged: frozenset[str] = frozenset()
    grown: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    years: Mapping[str, Mapping[int, Path]] = field(default_factory=dict)
    is_worth_copying: bool = False


def compare(build_database: Path, folder: Path, held_back: Collection[str], parquet_alone_rows: int | None) -> Standing:
    """Compare the publication in `folder` with the build file, table by table, those aside that are held back."""
    if not (folder / DATABASE).exists():
        return Standing()
    with connection.read(build_database) as con:
        try:
            con.execute(f"attach {sql_literal(str((folder / DATABASE).resolve()))} as stood (read_only)")
            return _compare(con, folder, held_back, parquet_alone_rows)
        except duckdb.Error as error:
            if not connection.tells_of_damage(str(error)):
                raise
            return Standing()


def _compare(
    con: duckdb.DuckDBPyConnection, folder: Path, held_back: Collection[str], parquet_alone_rows: int | None
) -> Standing:
    build = con.execute("select current_database()").fetchall()[0][0]
    there = _columns_of(con, "stood")
    stood_rows = {table: rows_of(con, f"stood.marts.{table}") for table in _tables_of(con, "stood")}
    tables = _tables_of(con, build) & stood_rows.keys()
    unchanged: set[str] = set()
    grown: dict[str, int] = {}
    files: dict[str, Path] = {}
    years: dict[str, Mapping[int, Path]] = {}
    cells = same_cells = 0
    for table, columns in _columns_of(con, build).items():
        if table in held_back:
            continue
        builds, stands = f"{build}.marts.{table}", f"stood.marts.{table}"
        rows = rows_of(con, builds)
        if parquet_alone_rows is not None and rows > parquet_alone_rows:
            years[table], is_all = _same_years(con, builds, columns, folder / PARQUET / table)
            if is_all:
                unchanged.add(table)
            continue
        cells += rows * len(columns)
        # the number of rows is known without reading them
        if table not in tables or there[table] != columns or rows < stood_rows[table]:
            continue
        has_grown = rows > stood_rows[table]
        # what a table had before keeps its place in it, and what is added comes behind
        new_from = _first_new_rowid(con, builds, stood_rows[table]) if has_grown else None
        content = _content(con, stands)
        if _content(con, f"(from {builds} where rowid < {new_from})" if has_grown else builds) != content:
            continue
        same_cells += stood_rows[table] * len(columns)
        if new_from is not None:
            grown[table] = new_from
            continue
        unchanged.add(table)
        file = folder / PARQUET / f"{table}.parquet"
        with contextlib.suppress(duckdb.Error):  # gone, or damaged
            if _content(con, f"read_parquet({sql_literal(str(file))})") == content:
                files[table] = file
    stood_cells = sum(rows * len(there[table]) for table, rows in stood_rows.items())
    is_worth_copying = (
        same_cells >= WORTH_COPYING * cells
        and same_cells * _share_in_use(con, "stood") >= WORTH_COPYING * stood_cells > 0
    )
    return Standing(frozenset(unchanged), grown, files, years, is_worth_copying)


def _same_years(
    con: duckdb.DuckDBPyConnection, builds: str, columns: list[tuple[str, str]], folder: Path
) -> tuple[Mapping[int, Path], bool]:
    """The years of which the folders hold what the build file holds, and whether that is all of it."""
    date = first_date(columns)
    if date is None or not folder.exists():
        return {}, False
    in_build: dict[int | None, int] = dict(
        con.execute(f'select year("{date}"), {_CONTENT} from {builds} as held group by all').fetchall()
    )
    same: dict[int, Path] = {}
    for year, content in in_build.items():
        part = folder / f"{YEAR}={year}"
        relation = f"read_parquet({sql_literal(str(part / '*.parquet'))}, hive_partitioning = false)"
        with contextlib.suppress(duckdb.Error):  # no such year before, or damaged
            described = [(name, kind) for name, kind, *_ in con.execute(f"describe from {relation}").fetchall()]
            if year is not None and described == columns and _content(con, relation) == content:
                same[year] = part
    return same, len(same) == len(in_build) == sum(1 for _ in folder.iterdir())


def first_date(columns: list[tuple[str, str]]) -> str | None:
    """The first column of days, by whose year a table is cut."""
    return next((name for name, kind in columns if kind == "DATE"), None)


def rows_of(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    """How many rows a table or view has."""
    return int(con.execute(f"select count(*) from {relation}").fetchall()[0][0])


def _first_new_rowid(con: duckdb.DuckDBPyConnection, relation: str, rows: int) -> int:
    """The rowid that follows those of a table's first rows; where rows were deleted before, some are left out."""
    query = f"select coalesce(max(place), -1) + 1 from (select rowid as place from {relation} limit {rows})"
    return int(con.execute(query).fetchall()[0][0])


def _share_in_use(con: duckdb.DuckDBPyConnection, database: str) -> float:
    """How much of a database's file holds something; the rest was dropped and waits to be used again."""
    query = "select used_blocks, total_blocks from pragma_database_size() where database_name = ?"
    used, total = con.execute(query, [database]).fetchall()[0]
    return used / total if total else 0.0


def _columns_of(con: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[tuple[str, str]]]:
    """Names and types of the columns of a database's marts, in their order."""
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in con.execute(
        """select table_name, column_name, data_type from duckdb_columns()
           where database_name = ? and schema_name = 'marts' order by table_name, column_index""",
        [database],
    ).fetchall():
        found.setdefault(table, []).append((column, kind))
    return found


def _tables_of(con: duckdb.DuckDBPyConnection, database: str) -> set[str]:
    """The marts of a database that are tables, and no views of Parquet."""
    query = "select table_name from duckdb_tables() where database_name = ? and schema_name = 'marts'"
    return {name for (name,) in con.execute(query, [database]).fetchall()}


def _content(con: duckdb.DuckDBPyConnection, relation: str) -> int | None:
    content: int | None = con.execute(f"select {_CONTENT} from {relation} as held").fetchall()[0][0]
    return content
