"""Publishes the marts: a new DuckDB file and a new Parquet folder, each swapped in at one stroke.

A reader keeps what it has open; a reader that opens next sees the new state; nobody ever sees half of one.

Belongs here: copying marts, their descriptions and their table macros out of the build file. Does not belong here:
what a mart holds (dbt).
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.warehouse import connection
from dagster_project.warehouse.load import sql_literal


class NothingToPublishError(LookupError):
    """The build file has no mart yet."""


@dataclass(frozen=True)
class Publication:
    """What was published: rows per table, names of macros, size of the DuckDB file in bytes."""

    rows: dict[str, int]
    macros: tuple[str, ...]
    database_bytes: int


def publish(build_database: Path, published_dir: Path) -> Publication:
    """Copy every table and macro of schema `marts` to `minehouse.duckdb` and `parquet/<table>.parquet`.

    Raises `NothingToPublishError` where no mart is built; what was published before then stays.
    """
    published_dir.mkdir(parents=True, exist_ok=True)
    new_database = published_dir / "minehouse.duckdb.new"
    new_parquet = published_dir / f"parquet-{time.time_ns()}"
    current_parquet = (published_dir / "parquet").resolve()
    _remove(new_database, *(left for left in published_dir.glob("parquet-*") if left.resolve() != current_parquet))
    new_parquet.mkdir()
    with connection.write(new_database) as con:
        con.execute(f"attach {sql_literal(str(build_database))} as build (read_only)")
        tables = _marts(con)
        if not tables:
            raise NothingToPublishError(f"{build_database} holds no mart: run the pipeline first")
        con.execute("begin transaction")  # one write to disk, not one for each of a thousand descriptions
        con.execute("create schema marts")
        rows = {table: _copy_table(con, table, new_parquet) for table in tables}
        _copy_descriptions(con)
        con.execute("commit")
        macros = _copy_macros(con)
        con.execute("detach build")
    new_database.replace(published_dir / "minehouse.duckdb")
    _point(published_dir / "parquet", at=new_parquet)
    return Publication(rows, macros, (published_dir / "minehouse.duckdb").stat().st_size)


def _marts(con: duckdb.DuckDBPyConnection) -> list[str]:
    query = """
        select table_name from duckdb_tables()
        where database_name = 'build' and schema_name = 'marts' order by table_name
    """
    return [name for (name,) in con.execute(query).fetchall()]


def _copy_table(con: duckdb.DuckDBPyConnection, table: str, parquet: Path) -> int:
    con.execute(f"create table marts.{table} as from build.marts.{table}")
    con.execute(f"copy marts.{table} to {sql_literal(str(parquet / f'{table}.parquet'))} (format parquet)")
    return int(con.execute(f"select count(*) from marts.{table}").fetchall()[0][0])


def _copy_descriptions(con: duckdb.DuckDBPyConnection) -> None:
    """Describe tables and columns as the build file does, all in one request."""
    described = con.execute(
        """select 'table marts.' || table_name, comment from duckdb_tables()
           where database_name = 'build' and schema_name = 'marts' and comment is not null
           union all
           select 'column marts.' || table_name || '."' || column_name || '"', comment from duckdb_columns()
           semi join duckdb_tables() using (database_name, schema_name, table_name)
           where database_name = 'build' and schema_name = 'marts' and comment is not null"""
    ).fetchall()
    con.execute(";".join(f"comment on {what} is {sql_literal(comment)}" for what, comment in described))


def _copy_macros(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Re-create the table macros, those that call others after the ones they call."""
    waiting = con.execute(
        """select function_name, parameters, parameter_types, macro_definition, comment from duckdb_functions()
           where database_name = 'build' and schema_name = 'marts' and function_type = 'table_macro'
           order by function_name"""
    ).fetchall()
    done: list[str] = []
    while waiting:
        failed = []
        problem: duckdb.Error | None = None
        for macro in waiting:
            name, parameters, types, definition, comment = macro
            signature = ", ".join(
                f"{parameter} {kind}" if kind else parameter for parameter, kind in zip(parameters, types, strict=True)
            )
            try:
                con.execute(f"create macro marts.{name}({signature}) as table {definition}")
            except duckdb.Error as error:
                failed.append(macro)
                problem = error
                continue
            if comment:
                con.execute(f"comment on macro table marts.{name} is {sql_literal(comment)}")
            done.append(name)
        if len(failed) == len(waiting) and problem is not None:
            raise problem
        waiting = failed
    return tuple(sorted(done))


def _point(link: Path, at: Path) -> None:
    """Make `link` lead to a finished folder; renaming a link over a link is one step, so no reader sees a gap."""
    previous = link.resolve() if link.is_symlink() else None
    new_link = link.with_name(f"{link.name}.link")
    _remove(new_link)
    new_link.symlink_to(at.name)
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    new_link.replace(link)
    if previous is not None:
        _remove(previous)


def _remove(*paths: Path) -> None:
    for path in paths:
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
