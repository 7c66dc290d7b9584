"""Remembers which tables of the build file did not pass their audit, so that no run publishes them.

A table is held back from the moment a blocking check of it fails, or it could not be built, until a run builds it and
its checks pass. What rests on it is held back with it.

Belongs here: the table `audit.held_back`. Does not belong here: what a check asks, and publishing (`publish`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set

import duckdb

from dagster_project.warehouse.connection import transaction


def record(connection: duckdb.DuckDBPyConnection, good: Collection[str], bad: Mapping[str, str]) -> None:
    """Keep what a run found: tables that were built and passed, and with the reason those that did not."""
    connection.execute("create schema if not exists audit")
    connection.execute("create table if not exists audit.held_back (table_name varchar primary key, why varchar)")
    connection.execute("delete from audit.held_back where table_name in (select unnest(?::varchar[]))", [list(good)])
    for table, why in bad.items():
        connection.execute("insert or replace into audit.held_back values (?, ?)", [table, why])


def forget_computed(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop every table and view that dbt makes, so that it computes all of them anew from what was loaded.

    What was loaded, its old versions, the quarantine and the results of checks stay. The marts are held back until
    they are built again: readers keep what is published. All of it or nothing, in one transaction.
    """
    computed = connection.execute(
        """select schema_name, table_name, 'table' from duckdb_tables()
           where schema_name in ('staging', 'intermediate', 'marts') and table_name != 'data_quality_results'
           union all
           select schema_name, view_name, 'view' from duckdb_views()
           where schema_name in ('staging', 'intermediate', 'marts')"""
    ).fetchall()
    with transaction(connection):
        record(
            connection,
            good=[],
            bad={name: "a rebuild did not come to it" for schema, name, _ in computed if schema == "marts"},
        )
        for schema, name, kind in computed:
            connection.execute(f'drop {kind} {schema}."{name}"')


def held_back(
    connection: duckdb.DuckDBPyConnection, marts: Collection[str], rests_on: Mapping[str, Set[str]]
) -> dict[str, str]:
    """Those of the marts that may not be published, with the reason; `rests_on` has by table all that is below it.

    The reason is that of the lowest table that did not pass: what is above could often not be built for that alone.
    """
    there = connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'audit' and table_name = 'held_back'"
    ).fetchall()
    if not there:
        return {}
    bad: dict[str, str] = dict(connection.execute("select table_name, why from audit.held_back").fetchall())
    found = {}
    for table in sorted(marts):
        below = rests_on[table] & bad.keys()
        lowest = sorted(one for one in below if not rests_on[one] & bad.keys())
        if lowest:
            found[table] = "rests on " + ", ".join(f"{one}: {bad[one]}" for one in lowest)
        elif table in bad:
            found[table] = bad[table]
    return found
