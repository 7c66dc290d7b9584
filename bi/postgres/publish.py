"""Publishes the marts to PostgreSQL in one transaction.

A table keeps its identity: its rows are deleted and inserted anew, which PostgreSQL hides from readers until the
commit and for which no reader waits, and so views, grants and indexes that others made on it live on. (Truncating
would show empty tables to open snapshots; swapping schemas would have to drop other people's views.) Only where the
columns of a mart have changed is the table altered, and refused where a view needs a column that is gone.

Foreign keys are checked at the commit. The macros of a day are functions (`functions`).

Belongs here: types, locks, comments, keys, grants. Does not belong here: what a mart holds.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import duckdb
import pyarrow as pa
from adbc_driver_manager import Error as AdbcError
from adbc_driver_manager.dbapi import Connection, Cursor
from adbc_driver_postgresql import dbapi
from pydantic import SecretStr

from bi.postgres.functions import Function, read_functions
from bi.postgres.keys import KEYS, REFERENCES
from bi.published import connect

_LINK = "_known"
"""What the names of our foreign keys end with."""
READER = "minehouse_reader"
"""The role that may read all published tables; it cannot log in, an operator grants it to logins."""
ATTEMPTS = 5
LOCK_TIMEOUT = "2s"
_LOCKED = {"55P03", "40P01"}  # lock_not_available, deadlock_detected
_FORBIDDEN = "42501"
_DEPENDENTS = "2BP01"
_TYPES = {
    "BOOLEAN": "boolean",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "VARCHAR": "text",
    "DATE": "date",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
}


class ServingError(RuntimeError):
    """The copy was not published; what PostgreSQL held before still stands."""


class UnreachableError(ServingError):
    """No server answers, or it does not know the database or the user, or the password is wrong."""


class NotAllowedError(ServingError):
    """The user lacks a right."""


class ConflictError(ServingError):
    """Somebody else's table or view stands in the way."""


class BusyError(ServingError):
    """A lock of another session was not released in time."""


class UnknownTypeError(ServingError):
    """A mart has a column whose type has no counterpart here yet."""


@dataclass(frozen=True)
class Column:
    """A column as PostgreSQL shall hold it."""

    name: str
    type: str
    comment: str | None = None


@dataclass(frozen=True)
class Table:
    """A table as PostgreSQL shall hold it; `key` is empty where there is none."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    comment: str | None = None

    @property
    def sql(self) -> str:
        """The name to use in a statement."""
        return f"marts.{_name(self.name)}"


Link = tuple[str, str, str]
"""A foreign key: table, column, and the table whose key it is."""

LEDGER = Table(
    "published_tables",
    (
        Column("table_name", "text", "Name of a table of this schema that Minehouse publishes and replaces."),
        Column("row_count", "bigint", "Rows it was published with."),
        Column("published_at", "timestamp with time zone", "When it was published."),
    ),
    ("table_name",),
    "One row per published table: how fresh this copy is, and which tables of the schema belong to Minehouse.",
)


def publish(database: Path, url: SecretStr) -> dict[str, int]:
    """Replace the copy of all marts in schema `marts` of the PostgreSQL database; returns rows per table.

    Raises `NotPublishedError` where there is no published file, and a `ServingError` for everything that PostgreSQL
    refuses. Either all tables are new afterwards, or none.
    """
    with connect(database) as marts:
        tables = _read_tables(marts)
        if not tables:
            raise ServingError(f"{database} holds no mart: run `make run` first")
        links, functions = _read_links(marts, tables), read_functions(marts)
        for _ in range(ATTEMPTS):
            with _connection(url) as connection, _readable_errors(), connection.cursor() as cursor:
                try:
                    rows = _publish(cursor, marts, tables, links, functions)
                    connection.commit()
                except AdbcError as error:
                    if error.sqlstate not in _LOCKED:
                        raise
                else:
                    return rows
    raise BusyError(f"another session held a lock on schema marts longer than {ATTEMPTS} times {LOCK_TIMEOUT}")


def postgres_type(duckdb_type: str) -> str | None:
    """The counterpart of a DuckDB type, for example `numeric(12,2)` of `DECIMAL(12,2)`; None where there is none."""
    if duckdb_type.endswith("[]"):
        element = postgres_type(duckdb_type.removesuffix("[]"))
        return f"{element}[]" if element and not element.endswith("[]") else None
    if decimal := re.fullmatch(r"DECIMAL(\(\d+,\d+\))", duckdb_type):
        return f"numeric{decimal[1]}"
    return _TYPES.get(duckdb_type)


def _read_tables(marts: duckdb.DuckDBPyConnection) -> list[Table]:
    columns: dict[str, list[Column]] = {}
    for table, column, kind, comment in marts.execute(
        """select table_name, column_name, data_type, comment from duckdb_columns()
           where database_name = current_database() and schema_name = 'marts' order by table_name, column_index"""
    ).fetchall():
        counterpart = postgres_type(kind)
        if counterpart is None:
            raise UnknownTypeError(f"marts.{table}.{column} is a {kind}, which has no counterpart in PostgreSQL yet")
        columns.setdefault(table, []).append(Column(column, counterpart, comment))
    comments = marts.execute(
        """select table_name, comment from duckdb_tables()
           where database_name = current_database() and schema_name = 'marts'
           union all
           select view_name, comment from duckdb_views()
           where database_name = current_database() and schema_name = 'marts' order by 1"""
    ).fetchall()
    return [Table(name, tuple(columns[name]), KEYS.get(name, ()), comment) for name, comment in comments]


def _read_links(marts: duckdb.DuckDBPyConnection, tables: list[Table]) -> set[Link]:
    """The foreign keys that hold in this file: none that a row would break, for it must not stop the copy."""
    by_name = {table.name: table for table in tables}
    asked = [
        (table.name, column.name, target)
        for table in tables
        for column in table.columns
        if (target := REFERENCES.get(column.name)) in by_name and target != table.name
        if by_name[target].key == (column.name,)
    ]
    return {
        (table, column, target)
        for table, column, target in asked
        if not marts.execute(
            f"""select 1 from marts.{_name(table)} where {_name(column)} is not null
                and {_name(column)} not in (select {_name(column)} from marts.{_name(target)}) limit 1"""
        ).fetchall()
    }


def _publish(
    cursor: Cursor,
    marts: duckdb.DuckDBPyConnection,
    tables: list[Table],
    links: set[Link],
    functions: list[Function],
) -> dict[str, int]:
    cursor.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
    cursor.execute("set local standard_conforming_strings = on")
    # two publishers queue here instead of meeting half-way
    cursor.execute("select pg_advisory_xact_lock(hashtext('minehouse marts'))")
    _make_schema(cursor)
    existing = {table for (table,) in _rows(cursor, "select tablename from pg_tables where schemaname = 'marts'")}
    ours = {LEDGER.name} if LEDGER.name in existing else set()
    if ours:
        ours |= {table for (table,) in _rows(cursor, f"select table_name from {LEDGER.sql}")}
    if foreign := sorted((existing - ours) & {table.name for table in tables}):
        raise ConflictError(f"table marts.{foreign[0]} was not made by Minehouse: rename it, or use another database")
    linked = _links(cursor)
    is_changed = linked.keys() != links or any(
        table.name not in existing or _changes(cursor, table) or _key(cursor, table)[1] != table.key for table in tables
    )
    if is_changed:  # a table whose foreign keys wait for the commit cannot be altered
        for (owner, _, _), name in linked.items():
            cursor.execute(f"alter table marts.{_name(owner)} drop constraint {_name(name)}")
    for gone in sorted((ours & existing) - {table.name for table in tables} - {LEDGER.name}):
        cursor.execute(f"drop table marts.{_name(gone)}")
    rows = {}
    for table in tables:
        data = marts.sql(f"from marts.{_name(table.name)}").to_arrow_reader(50_000)
        rows[table.name] = _replace(cursor, table, data, is_new=table.name not in existing)
    ledger = pa.table(
        {
            "table_name": list(rows),
            "row_count": pa.array(rows.values(), pa.int64()),
            "published_at": pa.array([datetime.now(UTC)] * len(rows), pa.timestamp("us", "UTC")),
        }
    )
    _replace(cursor, LEDGER, ledger.to_reader(), is_new=LEDGER.name not in existing)
    if is_changed:
        for owner, column, target in sorted(links):
            cursor.execute(
                f"""alter table marts.{_name(owner)} add constraint {_name(f"{owner}_{column}{_LINK}")}
                    foreign key ({_name(column)}) references marts.{_name(target)} ({_name(column)})
                    deferrable initially deferred"""
            )
    for function in functions:
        _define(cursor, function)
    _describe(cursor, [*tables, LEDGER])
    cursor.execute(f"grant select on {', '.join(table.sql for table in [*tables, LEDGER])} to {READER}")
    return rows


def _make_schema(cursor: Cursor) -> None:
    """The schema and the reading role, each made only where it is missing: both may be an administrator's to make."""
    if not _rows(cursor, f"select 1 from pg_roles where rolname = '{READER}'"):
        cursor.execute(f"create role {READER} nologin")
    if not _rows(cursor, "select 1 from pg_namespace where nspname = 'marts'"):
        cursor.execute("create schema marts")
    if not _rows(cursor, f"select 1 where has_schema_privilege('{READER}', 'marts', 'usage')"):
        cursor.execute(f"grant usage on schema marts to {READER}")


def _replace(cursor: Cursor, table: Table, data: pa.RecordBatchReader, *, is_new: bool) -> int:
    cursor.execute(f"create table {table.sql} ()" if is_new else f"delete from {table.sql}")
    _reconcile(cursor, table)
    count = cursor.adbc_ingest(table.name, data, mode="append", db_schema_name="marts")
    cursor.execute(f"analyze {table.sql}")
    return count


def _reconcile(cursor: Cursor, table: Table) -> None:
    """Give an empty table its columns and its key; nothing is touched, and nobody waits, where they are right."""
    if changes := _changes(cursor, table):
        cursor.execute(f"alter table {table.sql} {', '.join(changes)}")
    name, key = _key(cursor, table)
    if name and key != table.key:
        cursor.execute(f"alter table {table.sql} drop constraint {_name(name)}")
        name = None
    if table.key and not name:
        cursor.execute(f"alter table {table.sql} add primary key ({', '.join(map(_name, table.key))})")


def _changes(cursor: Cursor, table: Table) -> list[str]:
    """What has to be altered of an existing table's columns."""
    found: dict[str, str] = dict(
        _rows(
            cursor,
            f"""select attname, format_type(atttypid, atttypmod) from pg_attribute
                where attrelid = '{table.sql}'::regclass and attnum > 0 and not attisdropped""",
        )
    )
    wanted = {column.name: column.type for column in table.columns}
    changes = [f"drop column {_name(name)}" for name, kind in found.items() if wanted.get(name) != kind]
    return changes + [f"add column {_name(name)} {kind}" for name, kind in wanted.items() if found.get(name) != kind]


def _key(cursor: Cursor, table: Table) -> tuple[str | None, tuple[str, ...]]:
    """The name and the columns of an existing table's primary key; no name where there is none."""
    found = _rows(
        cursor,
        f"""select conname, array(
                select attname::text from unnest(conkey) with ordinality as part(number, position)
                join pg_attribute on attrelid = conrelid and attnum = number order by position)
            from pg_constraint where conrelid = '{table.sql}'::regclass and contype = 'p'""",
    )
    return (found[0][0], tuple(found[0][1])) if found else (None, ())


def _links(cursor: Cursor) -> dict[Link, str]:
    """Our foreign keys as they stand, with their names."""
    found = _rows(
        cursor,
        f"""select owner.relname, attname, target.relname, conname from pg_constraint
            join pg_class as owner on owner.oid = conrelid and owner.relnamespace = 'marts'::regnamespace
            join pg_class as target on target.oid = confrelid
            join pg_attribute on attrelid = conrelid and attnum = conkey[1]
            where contype = 'f' and conname like '%{_LINK}'""",
    )
    return {(table, column, target): name for table, column, target, name in found}


def _define(cursor: Cursor, function: Function) -> None:
    """Create the function, or replace it where it has changed; views on it stand in the way of other columns only."""
    columns = [(name, postgres_type(kind) or "numeric") for name, kind in function.columns]
    parameters = ", ".join(f"{_name(name)} date" for name in function.parameters)
    cast = ", ".join(f"{_name(name)}::{kind} as {_name(name)}" for name, kind in columns)
    body = f"select {cast} from ({function.query}) as answer"
    signature = f"marts.{_name(function.name)}({', '.join('date' for _ in function.parameters)})"
    found = _rows(
        cursor,
        f"""select prosrc, pg_get_function_result(oid) from pg_proc
            where oid = to_regprocedure({_literal(signature)})""",
    )
    result = ", ".join(f"{_name(name)} {kind}" for name, kind in columns)
    if found and found[0][0] == body:
        return
    if found and re.sub('"', "", found[0][1]) != f"TABLE({re.sub(chr(34), '', result)})":
        cursor.execute(f"drop function {signature}")
    cursor.execute(
        f"""create or replace function marts.{_name(function.name)}({parameters}) returns table ({result})
            language sql stable as {_literal(body)}"""
    )
    cursor.execute(f"comment on function {signature} is {_literal(function.comment)}")


def _describe(cursor: Cursor, tables: list[Table]) -> None:
    """Set the comments that differ; there are hundreds, and they seldom change."""
    found = {
        (table, column): comment
        for table, column, comment in _rows(
            cursor,
            """select relname, coalesce(attname, ''), description from pg_description
               join pg_class on pg_class.oid = objoid and relnamespace = 'marts'::regnamespace
               left join pg_attribute on attrelid = objoid and attnum = objsubid and attnum > 0
               where classoid = 'pg_class'::regclass""",
        )
    }
    for table in tables:
        if found.get((table.name, "")) != table.comment:
            cursor.execute(f"comment on table {table.sql} is {_literal(table.comment)}")
        for column in table.columns:
            if found.get((table.name, column.name)) != column.comment:
                cursor.execute(f"comment on column {table.sql}.{_name(column.name)} is {_literal(column.comment)}")


def _rows(cursor: Cursor, sql: str) -> list[Any]:
    cursor.execute(sql)
    return cursor.fetchall()


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _literal(text: str | None) -> str:
    return "null" if text is None else "'" + text.replace("'", "''") + "'"


@contextlib.contextmanager
def _connection(url: SecretStr) -> Iterator[Connection]:
    parts = urlsplit(url.get_secret_value())
    query = {"connect_timeout": "10", "application_name": "minehouse"} | dict(parse_qsl(parts.query))
    try:
        connection = dbapi.connect(parts._replace(query=urlencode(query)).geturl())
    except AdbcError as error:
        # the cause stays out of the traceback: only what is known to be harmless is repeated
        raise UnreachableError(_why_unreachable(str(error), url)) from None
    with connection:
        yield connection


def _why_unreachable(message: str, url: SecretStr) -> str:
    """What libpq says of a failed connection, in one line, and whatever it says, without the password."""
    parts = urlsplit(url.get_secret_value())
    server = f"PostgreSQL at {parts.hostname or dict(parse_qsl(parts.query)).get('host') or 'the local socket'}"
    if said := re.search(r"FATAL:\s*(.+)", message):
        reason = f"{server} refuses: {said[1]}"
    elif "no password supplied" in message:
        reason = f"{server} asks for a password, and MINEHOUSE_POSTGRES_URL has none"
    else:
        reason = f"no {server}: {message.split('failed: ')[-1].strip().splitlines()[0]}"
    secrets = {parts.password, dict(parse_qsl(parts.query)).get("password")} - {None, ""}
    for secret in secrets:
        for form in (str(secret), unquote(str(secret))):
            reason = reason.replace(form, "***")
    return reason


@contextlib.contextmanager
def _readable_errors() -> Iterator[None]:
    try:
        yield
    except AdbcError as error:
        said = {_text(name): _text(value) for name, value in error.details}
        parts = [said.get("PG_DIAG_MESSAGE_PRIMARY", str(error)), said.get("PG_DIAG_MESSAGE_DETAIL", "")]
        line = " ".join("; ".join(filter(None, parts)).split())
        if error.sqlstate == _FORBIDDEN:
            raise NotAllowedError(f"PostgreSQL does not allow it: {line} (rights needed: docs/bi-tools.md)") from error
        if error.sqlstate == _DEPENDENTS:
            raise ConflictError(f"{line}; change or drop it, then publish again") from error
        raise ServingError(f"PostgreSQL: {line}") from error


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
