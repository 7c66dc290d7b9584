"""Remembers which files were loaded whole, so that a file that has not changed need not be read again.

Belongs here: the table `audit.files_read`, written within the transaction of a load. Does not belong here: when a file
counts as unchanged (the source that reads it).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import duckdb
import pyarrow as pa

from dagster_project.contracts.base import Contract
from dagster_project.contracts.batch import FileRead

_TABLE = "audit.files_read"
_COLUMNS = """
    table_name varchar, source varchar, source_file varchar, size_bytes bigint, modified_ns bigint, digest varchar,
    reader varchar, groups varchar[], remarks varchar[], rows_standing bigint, edges varchar, last_date varchar
"""
_DESCRIPTION = (
    "One row per file that was loaded without a reject: what it was, which groups of the raw table came from it, and "
    "how many of their rows stood then."
)


def remember(connection: duckdb.DuckDBPyConnection, contract: Contract, source: str, files: Sequence[FileRead]) -> None:
    """Put these files in the place of all that were remembered of the source; call it within the load's transaction."""
    connection.execute("create schema if not exists audit")
    connection.execute(f"create table if not exists {_TABLE} ({_COLUMNS})")
    for column in ("edges", "last_date"):  # which a table of an earlier version lacks
        connection.execute(f"alter table {_TABLE} add column if not exists {column} varchar")
    connection.execute(f"comment on table {_TABLE} is '{_DESCRIPTION}'")
    connection.execute(f"delete from {_TABLE} where table_name = ? and source = ?", [contract.table, source])
    if not files:
        return
    names = ("label", "size_bytes", "modified_ns", "digest", "reader", "groups", "remarks", "edges", "last_date")
    connection.register("read_files", pa.table({name: [getattr(file, name) for file in files] for name in names}))
    try:
        connection.execute(
            f"""insert into {_TABLE} by name
                select '{contract.table}' as table_name, ? as source, label as source_file, size_bytes, modified_ns,
                    digest, reader, groups, remarks, edges, last_date, counted.rows as rows_standing
                from read_files inner join ({_counted(contract, "read_files", "label")}) as counted using (label)""",
            [source, source],
        )
    finally:
        connection.unregister("read_files")


def remembered(connection: duckdb.DuckDBPyConnection, contract: Contract, source: str) -> dict[str, FileRead]:
    """By name, the files of a source of which every row that they brought still stands."""
    try:
        rows = connection.execute(
            f"""with known as (select * from {_TABLE} where table_name = ? and source = ?)
                select source_file, size_bytes, modified_ns, digest, reader, groups, remarks, edges, last_date
                from known inner join ({_counted(contract, "known", "source_file")}) as counted using (source_file)
                where counted.rows = rows_standing""",
            [contract.table, source, source],
        ).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):  # there is none, or that of an earlier version
        return {}
    return {
        label: FileRead(label, size, modified, digest, reader, tuple(groups), tuple(remarks), *growth)
        for label, size, modified, digest, reader, groups, remarks, *growth in rows
    }


def forget(connection: duckdb.DuckDBPyConnection, contract: Contract, source: str, groups: Sequence[str]) -> None:
    """Remember no file of these groups any more: they were loaded in part, maybe from other bytes."""
    if connection.execute(
        "select 1 from duckdb_tables() where schema_name || '.' || table_name = ?", [_TABLE]
    ).fetchall():
        connection.execute(
            f"delete from {_TABLE} where table_name = ? and source = ? and list_has_any(groups, ?::varchar[])",
            [contract.table, source, list(groups)],
        )


def loaded_whole(files: Sequence[FileRead], rejected: Collection[str], refused: Collection[str]) -> list[FileRead]:
    """The files of which nothing was kept out: neither a row, nor a group that was refused."""
    return [file for file in files if file.label not in rejected and not set(refused).intersection(file.groups)]


def _counted(contract: Contract, files: str, label: str) -> str:
    """The SQL of how many rows stand, of one source, in the groups of each file."""
    group = " || ' ' || ".join(contract.guard_by)
    return f"""
        select {label}, sum(standing.rows) as rows
        from (select {label}, unnest(groups) as grouped from {files}) as of_files
        inner join (
            select {group} as grouped, count(*) as rows from raw.{contract.table}
            where valid_to is null and source = ? group by all
        ) as standing using (grouped)
        group by all
    """
