"""Loads judged batches into `raw` and `quarantine`: one transaction, no row lost, no row twice.

Every raw row is a version: `valid_from` says when it was loaded, `valid_to` when a later load changed or withdrew
it (null: it stands). A load therefore never deletes, and loading the same batch again writes nothing.

Belongs here: the statements of a load and its guards. Does not belong here: deciding which rows are good
(`gate`), reading the warehouse for anyone else.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from dagster_project.contracts.base import Contract, LoadMode
from dagster_project.contracts.batch import Batch, how_many, rejects_table
from dagster_project.stored_rows import StoredRows
from dagster_project.warehouse.connection import transaction
from dagster_project.warehouse.files_read import forget, loaded_whole, remember

KEEP_RATIO = 0.8
"""A batch with fewer than this share of the rows that stand is refused."""

REWRITE_RATIO = 0.5
"""A group is refused where more than this share of the rows that stand would change in the contract's `history`."""
REWRITE_TOLERANCE = 0.01
"""A relative change up to this is a correction and no other scale."""
REWRITE_MIN_ROWS = 5
"""With fewer rows to compare nothing can be said."""

LOAD_COLUMNS = (
    ("source", "varchar", "Which source delivered the row: sample, files, live, curated ..."),
    ("source_file", "varchar", "File, or request, that the row was read from."),
    ("source_row", "bigint", "Line of that file, the header being line 1."),
    ("fetched_at", "timestamp", "When the row was fetched, UTC."),
    ("run_id", "varchar", "Run that loaded the row."),
    ("valid_from", "timestamp", "When this version of the row was loaded, UTC."),
    ("valid_to", "timestamp", "When a later load changed or withdrew it, UTC; null while it stands."),
)
"""What every raw row carries beside its contract's columns: name, DuckDB type, meaning."""

QUARANTINE_COLUMNS = (
    ("source", "varchar", "Source that delivered the row."),
    ("source_file", "varchar", "File, or request, that the row was read from."),
    ("source_row", "bigint", "Line of that file, the header being line 1; null where the whole file is meant."),
    ("reason", "varchar", "Why it was not loaded."),
    ("record", "varchar", "What was seen, as JSON (or the raw text where it could not be read as a row)."),
    ("fetched_at", "timestamp", "When it was first fetched, UTC."),
    ("run_id", "varchar", "Run that first met it."),
)
"""The columns of every quarantine table: name, DuckDB type, meaning."""


class LoadError(Exception):
    """A batch was not loaded; what stood before stands still."""


class OtherSourceStandsError(LoadError):
    """A part of one source's rows would have to take the place of all of another's."""


class ShrunkBatchError(LoadError):
    """A batch is empty or sharply smaller than what stands."""


class LostRowsError(LoadError):
    """The engine did not write every row that it was given."""


@dataclass(frozen=True)
class Load:
    """One load: the time of the fetch (naive UTC) and the Dagster run, and what it may do to other rows.

    With `allow_shrink` a batch may be much smaller than what stands, with `allow_rewrite` it may change most of a
    group's history. With `retire_other_sources` the rows that stand from another source are withdrawn, so that
    simulated and real prices never stand side by side.
    """

    fetched_at: dt.datetime
    run_id: str
    allow_shrink: bool = False
    allow_rewrite: bool = False
    retire_other_sources: bool = False


@dataclass(frozen=True)
class LoadReport:
    """What a load did, in rows.

    `withdrawn_keys` names the rows that a snapshot withdrew because they are in it no more; `kept_back` counts those
    that stand although they are not in it, because a reject of the batch may be one of them with a mistyped key.
    `refused` names the groups that were not loaded, because their batch is too small or disagrees with most of what
    stands; `rewritten` those in which rows that stood have another value of the contract's `history` now, or are not
    among those that came for the days around them. Both give the reason.
    """

    incoming: int
    added: int
    changed: int
    withdrawn: int
    unchanged: int
    quarantined: int
    newly_quarantined: int
    current: int
    refused: dict[str, str]
    rewritten: dict[str, str]
    withdrawn_keys: tuple[str, ...] = ()
    kept_back: int = 0


def create_tables(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Make `raw.<table>` and `quarantine.<table>`, with their descriptions, where they are missing.

    A column that a contract has gained since is added, empty, to the rows that are there.
    """
    connection.execute("create schema if not exists raw")
    connection.execute("create schema if not exists quarantine")
    raw_columns = [(column.name, column.type, column.description) for column in contract.columns] + list(LOAD_COLUMNS)
    for schema, columns, comment in (
        ("raw", raw_columns, contract.description),
        ("quarantine", list(QUARANTINE_COLUMNS), f"What was kept out of raw.{contract.table}, and why."),
    ):
        table = f"{schema}.{contract.table}"
        there = _columns(connection, table)
        if there.issuperset(name for name, _, _ in columns):
            continue
        if not there:
            connection.execute(f"create table {table} ({', '.join(f'{name} {kind}' for name, kind, _ in columns)})")
            connection.execute(f"comment on table {table} is {sql_literal(comment)}")
        for name, kind, description in columns:
            if there and name not in there:
                connection.execute(f"alter table {table} add column {name} {kind}")
            connection.execute(f"comment on column {table}.{name} is {sql_literal(description)}")


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    """The columns of a table, none where it is missing. Every load asks, so one table is looked at and not all."""
    try:
        found = connection.execute(f"pragma table_info({sql_literal(table)})").fetchall()
    except duckdb.CatalogException:
        return set()
    return {name for _, name, *_ in found}


def load(connection: duckdb.DuckDBPyConnection, contract: Contract, batch: Batch, by: Load) -> LoadReport:
    """Bring a batch that the gate has judged into the warehouse, all of it or nothing.

    In a contract with `guard_by`, a group whose batch is sharply smaller is refused by itself and reported; a batch
    that is too small as a whole raises `ShrunkBatchError`, after its rejects were put into quarantine. In a contract
    with `history`, a group that would change most of what stands in it is refused as well. Rows that stand for days
    between the first and the last that came for their group, and did not come, are told; they stand, unless
    `by.allow_rewrite`.

    The guard counts only the days that `batch.since` names, and a batch with such days, or of unchanged files, may be
    empty. Of the groups of `batch.restated`, what stands and is not in the batch is withdrawn, so that rows of two
    scales never stand side by side. Where `batch.is_partial`, the rows are added to what stands, however few they are,
    and the guard looks at the restated groups alone. Raises `OtherSourceStandsError` where they would retire another
    source's rows, and `ValueError` in a contract whose batches hold all rows.
    """
    if batch.is_partial and contract.mode is LoadMode.SNAPSHOT:
        raise ValueError(f"{contract.table} takes whole batches only: what is not in one would be withdrawn")
    create_tables(connection, contract)
    if batch.is_partial and by.retire_other_sources:
        _refuse_beside_others(connection, contract, batch.source)
    connection.register("incoming_windows", _windows_table(batch.since))
    kept = batch.kept_out
    try:
        with transaction(connection):
            _take_in(connection, "incoming_rejects", rejects_table(batch.rejects), batch.stored_rejects)
            newly_quarantined = _quarantine(connection, contract, batch.source, by) if kept else 0
            _take_in(connection, "incoming", batch.rows, batch.stored)
            refused: dict[str, str] = {}
            shrunk: ShrunkBatchError | None = None
            if not by.allow_shrink:
                try:
                    refused = _refuse_shrunk(
                        connection,
                        contract,
                        batch.source,
                        may_be_empty=bool(batch.since or batch.files) and not batch.row_count,
                        only=sorted(batch.restated) if batch.is_partial else None,
                    )
                except ShrunkBatchError as error:
                    shrunk = error
            missing = _find_missing_between(connection, contract, batch)
            rewritten, too_much = _find_rewritten(connection, contract, batch)
            if by.allow_rewrite:
                rewritten |= too_much
            else:
                _leave_out(connection, contract, too_much)
                refused |= too_much
                rewritten |= {
                    group: "; ".join(filter(None, (rewritten.get(group), why)))
                    for group, why in missing.items()
                    if group not in refused
                }
            if shrunk is None:
                gone, kept_back = _find_gone(connection, contract)
                counts = _apply(
                    connection,
                    contract,
                    batch.source,
                    by,
                    replacing=sorted(batch.restated.keys() - refused.keys()),
                    and_missing=by.allow_rewrite,
                )
                if contract.guard_by and batch.is_partial:
                    # what was found unchanged is in `incoming` no more
                    written = connection.execute(f"select distinct {_group(contract)} from incoming").fetchall()
                    forget(connection, contract, batch.source, [*batch.restated, *(group for (group,) in written)])
                elif contract.guard_by:
                    # a file beside whose rows others stand is told of again
                    told = refused.keys() | (set() if by.allow_rewrite else missing.keys())
                    remember(connection, contract, batch.source, loaded_whole(batch.files, kept, told))
    finally:
        connection.unregister("incoming_windows")
        for name in ("incoming", "incoming_rejects", "gone", "missing_between"):
            with contextlib.suppress(duckdb.Error):  # of a warehouse that a fault has closed
                connection.execute(f"drop table if exists temp.{name}")
    if shrunk is not None:
        raise shrunk
    current = _count(connection, f"select count(*) from raw.{contract.table} where valid_to is null")
    return LoadReport(
        incoming=batch.row_count,
        quarantined=how_many(kept),
        newly_quarantined=newly_quarantined,
        current=current,
        refused=refused,
        rewritten=rewritten,
        withdrawn_keys=gone,
        kept_back=kept_back,
        **counts,
    )


def _take_in(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table, stored: StoredRows | None) -> None:
    """Fill a temporary table with rows from memory and from the disk.

    In one statement: DuckDB 2.0 loses rows that a second one adds where the first added none.
    """
    connection.register("rows_in_memory", rows)
    try:
        with stored.reader() if stored else contextlib.nullcontext(rows.slice(0, 0)) as rows_on_disk:
            connection.register("rows_on_disk", rows_on_disk)
            connection.execute(
                f"create or replace temp table {name} as from rows_in_memory union all from rows_on_disk"
            )
    finally:
        connection.unregister("rows_in_memory")
        connection.unregister("rows_on_disk")


def _quarantine(connection: duckdb.DuckDBPyConnection, contract: Contract, source: str, by: Load) -> int:
    table = f"quarantine.{contract.table}"
    before = _count(connection, f"select count(*) from {table}")
    connection.execute(
        f"""
        insert into {table}
        select distinct ?, source_file, source_row, reason, record, ?::timestamp, ?
        from incoming_rejects as incoming
        where not exists (
            select 1 from {table} as known
            where (known.source, known.source_file, known.source_row, known.reason, known.record)
                is not distinct from (?, incoming.source_file, incoming.source_row, incoming.reason, incoming.record)
        )
        """,
        [source, by.fetched_at, by.run_id, source],
    )
    return _count(connection, f"select count(*) from {table}") - before


def _refuse_beside_others(connection: duckdb.DuckDBPyConnection, contract: Contract, source: str) -> None:
    others = connection.execute(
        f"select distinct source from raw.{contract.table} where valid_to is null and source <> ? order by 1",
        [source],
    ).fetchall()
    if others:
        names = ", ".join(name for (name,) in others)
        raise OtherSourceStandsError(
            f"{contract.table} holds rows of {names}; a part of {source} cannot take their place: "
            f"load all of {source} first"
        )


def _refuse_shrunk(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    source: str,
    *,
    may_be_empty: bool,
    only: Sequence[str] | None,
) -> dict[str, str]:
    """Drop the groups that are too small from `incoming`; raise where nothing is left to load.

    `only` names the groups that are looked at, None all of them.
    """
    group = _group(contract)
    in_window = f"(since is null or {contract.window_by} >= since)" if contract.window_by else "true"
    small = connection.execute(
        f"""
        with standing as (
            select {group} as grouped, count(*) as rows
            from raw.{contract.table} left join incoming_windows on {group} = windowed
            where valid_to is null and source = ? and {in_window} group by all
        ), arriving as (
            select {group} as grouped, count(*) as rows from incoming group by all
        )
        select grouped, coalesce(arriving.rows, 0), standing.rows
        from standing left join arriving using (grouped)
        where coalesce(arriving.rows, 0) < ? * standing.rows
            and (?::varchar[] is null or grouped in (select unnest(?::varchar[])))
        order by grouped
        """,
        [source, KEEP_RATIO, only, only],
    ).fetchall()
    what = contract.table
    if not contract.guard_by and small:
        _, arriving, standing = small[0]
        raise ShrunkBatchError(f"{source} brought {arriving} good rows for {what}, {standing} stand: refused")
    if _count(connection, "select count(*) from incoming") == 0 and not may_be_empty:
        raise ShrunkBatchError(f"{source} brought no good row for {what}: refused")
    refused = {
        grouped: f"{arriving} good rows arrived, {standing} stand" for grouped, arriving, standing in small if arriving
    }
    _leave_out(connection, contract, refused)
    return refused


def _leave_out(connection: duckdb.DuckDBPyConnection, contract: Contract, groups: Collection[str]) -> None:
    """Take groups out of `incoming`."""
    if groups:
        connection.execute(
            f"delete from incoming where {_group(contract)} in (select unnest(?::varchar[]))", [list(groups)]
        )


def _find_rewritten(
    connection: duckdb.DuckDBPyConnection, contract: Contract, batch: Batch
) -> tuple[dict[str, str], dict[str, str]]:
    """The groups in which rows that stand would change or lose something: a few of them, and most of them."""
    if contract.history is None:
        return {}, {}
    key = " and ".join(f"standing.{name} = incoming.{name}" for name in contract.key)
    group = " || ' ' || ".join(f"incoming.{name}" for name in contract.guard_by) or "''"
    cells = "".join(
        f", standing.{name} is not null as had_{name}, had_{name} and incoming.{name} is null as loses_{name}"
        for name in contract.lasting
    )
    counts = "".join(
        f", count(*) filter (where had_{name}), count(*) filter (where loses_{name})" for name in contract.lasting
    )
    is_changed = " or ".join(["stood <> comes", *(f"loses_{name}" for name in contract.lasting)])
    found = connection.execute(
        f"""
        with compared as (
            select {group} as grouped, incoming.{contract.key[-1]} as placed,
                standing.{contract.history} as stood, incoming.{contract.history} as comes {cells}
            from incoming inner join raw.{contract.table} as standing on {key}
            where standing.valid_to is null and standing.source = ?
        )
        select grouped, count(*), count(*) filter (where stood <> comes),
            count(*) filter (where abs(comes / stood - 1) > ?),
            min(placed) filter (where stood <> comes), arg_min(stood, placed) filter (where stood <> comes),
            arg_min(comes, placed) filter (where stood <> comes), median(comes / stood) filter (where stood <> comes)
            {counts}
        from compared
        where not list_contains(?::varchar[], grouped)
        group by grouped having count(*) filter (where {is_changed}) > 0
        order by grouped
        """,
        [batch.source, REWRITE_TOLERANCE, sorted(batch.restated)],
    ).fetchall()
    few: dict[str, str] = {}
    most: dict[str, str] = {}
    for grouped, compared, changed, far, first, stood, comes, ratio, *of_lasting in found:
        said = []
        is_most = compared >= REWRITE_MIN_ROWS and far > REWRITE_RATIO * compared
        if changed:
            said.append(
                f"{contract.history} of {changed:,} of {compared:,} rows that stand is another "
                f"(median {ratio:.4g} times what it was; first {first}: {comes:g}, stood {stood:g})"
            )
        for name, had, lost in zip(contract.lasting, of_lasting[::2], of_lasting[1::2], strict=True):
            is_most |= had >= REWRITE_MIN_ROWS and lost > REWRITE_RATIO * had
            if lost:
                said.append(f"{name} of {lost:,} of {had:,} rows that stand is missing now")
        why = ", ".join(said)
        if is_most:
            most[grouped] = f"{why}: a swapped, rescaled or poorer file? MINEHOUSE_ALLOW_REWRITE=1 loads it"
        else:
            few[grouped] = why
    return few, most


def _find_missing_between(connection: duckdb.DuckDBPyConnection, contract: Contract, batch: Batch) -> dict[str, str]:
    """Fill `temp.missing_between` with rows that stand for days among those of a group that came, and did not come.

    Not of a batch that a person picked, nor of groups that come from one day on or whose history comes anew, nor beside
    a file of which something was kept out: a row that is missing may be the one that could not be read. Returns the
    groups with how many there are.
    """
    connection.execute(
        f"""create or replace temp table missing_between as
            select rowid as missing_row, '' as grouped, {contract.key[-1]} as placed
            from raw.{contract.table} limit 0"""
    )
    if contract.window_by is None or batch.is_partial:
        return {}
    key = " and ".join(f"standing.{name} = incoming.{name}" for name in contract.key)
    connection.execute(
        f"""
        insert into temp.missing_between
        with spans as (
            select {_group(contract)} as grouped, min({contract.window_by}) as first, max({contract.window_by}) as last
            from incoming
            group by all
            having not list_has_any(list(distinct source_file), ?::varchar[])
        )
        select standing.rowid, spans.grouped, standing.{contract.window_by}
        from (select rowid, *, {_group(contract)} as grouped from raw.{contract.table}) as standing
        inner join spans using (grouped)
        where
            standing.valid_to is null
            and standing.source = ?
            and standing.{contract.window_by} between spans.first and spans.last
            and not list_contains(?::varchar[], spans.grouped)
            and not exists (select 1 from incoming where {key})
        """,
        [sorted(batch.kept_out), batch.source, sorted({*batch.since, *batch.restated})],
    )
    found = connection.execute(
        "select grouped, count(*), min(placed) from temp.missing_between group by all order by all"
    ).fetchall()
    return {
        grouped: f"{rows:,} rows that stand between its first and last day are not in it (first {placed}): they stand, "
        "MINEHOUSE_ALLOW_REWRITE=1 takes them out"
        for grouped, rows, placed in found
    }


def _find_gone(connection: duckdb.DuckDBPyConnection, contract: Contract) -> tuple[tuple[str, ...], int]:
    """Fill `temp.gone` with the rows that this snapshot withdraws; returns their keys, and how many are kept back.

    A row that is in the batch but broke the contract has not been withdrawn: what stood for it stands. A reject that
    stands for no row we know (its key is mistyped, or cannot be read) may be any of the missing ones, so that all of
    them stand until it is mended.
    """
    connection.execute(
        f"create or replace temp table gone as select rowid as gone_row from raw.{contract.table} limit 0"
    )
    if contract.mode is not LoadMode.SNAPSHOT:
        return (), 0
    key = " and ".join(f"standing.{name} is not distinct from incoming.{name}" for name in contract.key)
    rejected_key = " and ".join(
        f"json_extract_string(record, '$.{name}') is not distinct from cast(standing.{name} as varchar)"
        for name in contract.key
    )
    # null where it is no JSON, which DuckDB would refuse to look into
    rejects = "(select case when json_valid(record) then record end as record from incoming_rejects) as rejected"
    standing = f"(select rowid, * from raw.{contract.table} where valid_to is null) as standing"
    connection.execute(
        f"""insert into temp.gone select standing.rowid from {standing}
            where not exists (select 1 from incoming where {key})
                and not exists (select 1 from {rejects} where {rejected_key})"""
    )
    unplaced = _count(
        connection,
        f"select count(*) from {rejects} where not exists (select 1 from {standing} where {rejected_key})",
    )
    if unplaced:
        kept_back = _count(connection, "select count(*) from temp.gone")
        connection.execute("delete from temp.gone")
        return (), kept_back
    named = " || ', ' || ".join(f"'{name} ' || coalesce({name}::varchar, '-')" for name in contract.key)
    found = connection.execute(
        f"""select {named} from raw.{contract.table}
            where rowid in (select gone_row from temp.gone) order by 1"""
    ).fetchall()
    return tuple(keys for (keys,) in found), 0


def _apply(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    source: str,
    by: Load,
    *,
    replacing: Sequence[str],
    and_missing: bool = False,
) -> dict[str, int]:
    table = f"raw.{contract.table}"
    names = ", ".join(contract.column_names)
    key = " and ".join(f"standing.{name} is not distinct from incoming.{name}" for name in contract.key)
    same = " and ".join(f"standing.{name} is not distinct from incoming.{name}" for name in contract.column_names)
    total = _count(connection, "select count(*) from incoming")
    withdrawn = 0
    if by.retire_other_sources:
        withdrawn += _affected(
            connection,
            f"update {table} set valid_to = ? where valid_to is null and source <> ?",
            [by.fetched_at, source],
        )
    if replacing:
        withdrawn += _affected(
            connection,
            f"""update {table} as standing set valid_to = ? where valid_to is null
                and {_group(contract)} in (select unnest(?::varchar[]))
                and not exists (select 1 from incoming where {key})""",
            [by.fetched_at, list(replacing)],
        )
    for is_meant, rows in (
        (contract.mode is LoadMode.SNAPSHOT, "select gone_row from temp.gone"),
        (and_missing, "select missing_row from temp.missing_between"),
    ):
        if is_meant:
            withdrawn += _affected(
                connection,
                f"update {table} set valid_to = ? where valid_to is null and rowid in ({rows})",
                [by.fetched_at],
            )
    unchanged = _affected(
        connection,
        f"delete from incoming where exists (select 1 from {table} as standing where valid_to is null and {same})",
        [],
    )
    if unchanged == total:
        return {"added": 0, "changed": 0, "withdrawn": withdrawn, "unchanged": unchanged}
    changed = _affected(
        connection,
        f"""update {table} as standing set valid_to = ? where valid_to is null
            and exists (select 1 from incoming where {key})""",
        [by.fetched_at],
    )
    written = _affected(
        connection,
        f"""
        insert into {table} ({names}, {", ".join(name for name, _, _ in LOAD_COLUMNS)})
        select {names}, ?, source_file, source_row, ?::timestamp, ?, ?::timestamp, null from incoming
        """,
        [source, by.fetched_at, by.run_id, by.fetched_at],
    )
    if written != total - unchanged:
        raise LostRowsError(f"{total - unchanged} rows were to be written to {table}, {written} were")
    return {
        "added": total - unchanged - changed,
        "changed": changed,
        "withdrawn": withdrawn,
        "unchanged": unchanged,
    }


def _group(contract: Contract) -> str:
    """The SQL of a row's group: what `Contract.guard_by` names."""
    return " || ' ' || ".join(contract.guard_by) or "''"


def _affected(connection: duckdb.DuckDBPyConnection, statement: str, parameters: list[object]) -> int:
    return int(connection.execute(statement, parameters).fetchall()[0][0])


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])


def _windows_table(since: Mapping[str, dt.date]) -> pa.Table:
    schema = pa.schema([("windowed", pa.string()), ("since", pa.date32())])
    return pa.Table.from_pylist([{"windowed": group, "since": day} for group, day in since.items()], schema=schema)


def sql_literal(text: str) -> str:
    """A text as an SQL literal: for comments and paths, where DuckDB takes no parameter."""
    return "'" + text.replace("'", "''") + "'"
