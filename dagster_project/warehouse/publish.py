"""Publishes the marts: a DuckDB file and Parquet files in a folder of their own, swapped in by one rename.

`published/current` leads to the publication that readers see; `minehouse.duckdb` and `parquet` beside it lead through
it. A reader keeps what it has open; a reader that opens next sees the new state; nobody ever sees half of one. The last
publications are kept, so that one can go back.

A table that has not changed since the publication that stands is not written again (`standing` says which has not):
its Parquet file is the same file under a second name, and where most of what is published has not changed the DuckDB
file begins as a copy, to which a table that has only grown gets its new rows.

A mart of more rows than one file should hold is published as Parquet files alone, a folder for each year. The DuckDB
file then has a view of them under the mart's name, which names the files by their whole path. The files of a year that
has not changed are the same files too.

Belongs here: copying marts, their descriptions and their table macros out of the build file. Does not belong here:
what a mart holds (dbt), what stands already (`standing`).
"""

from __future__ import annotations

import datetime as dt
import fcntl
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.progress import counted
from dagster_project.warehouse import connection
from dagster_project.warehouse.load import sql_literal
from dagster_project.warehouse.standing import DATABASE, PARQUET, YEAR, compare, first_date, rows_of

# doubles that hardly ever repeat are not gathered in a dictionary first: a fifth less time, and as many bytes
_PARQUET_FORMAT = "format parquet, dictionary_size_limit 1000"


class NothingToPublishError(LookupError):
    """The build file has no mart yet."""


@dataclass(frozen=True)
class Publication:
    """What was published: rows per table, names of macros, size of the DuckDB file in bytes, its id.

    `damaged` are earlier publications that could not be read for what they hold of tables that are held back;
    `parquet_alone` are the tables that the DuckDB file has a view of, and `macros_left_out` are those that ask a table
    which is held back, and cannot be answered from its older version.
    """

    rows: dict[str, int]
    macros: tuple[str, ...]
    database_bytes: int
    publication_id: str
    damaged: tuple[str, ...] = ()
    parquet_alone: tuple[str, ...] = ()
    macros_left_out: tuple[str, ...] = ()


PUBLICATION_COLUMNS = {
    "table_name": ("varchar", "Table of schema marts."),
    "publication_id": ("varchar", "The publication that this file is; `make rollback` takes it."),
    "published_at": ("timestamp", "When this publication was made, UTC."),
    "version_id": ("varchar", "The publication in which these rows of the table appeared first."),
    "built_by_run": ("varchar", "The run that published these rows first; null where no run did."),
    "row_count": ("bigint", "Rows of the table; null where it was held back before it was ever published."),
    "held_back_since": ("timestamp", "Since when a newer version is held back, UTC; null where the table is current."),
    "held_back_why": ("varchar", "The check that failed, or the table it rests on; null where the table is current."),
    "is_parquet_alone": ("boolean", "Whether the rows are in Parquet files alone, of which this file has a view."),
}
"""Name, type and meaning of the columns of `marts.publication`."""


def publish(
    build_database: Path,
    published_dir: Path,
    *,
    run_id: str | None = None,
    held_back: Mapping[str, str] | None = None,
    keep: int = 5,
    parquet_alone_rows: int | None = None,
) -> Publication:
    """Copy every table and macro of schema `marts` to a new publication, and let readers see it.

    `held_back` names, with the reason, tables that keep the version last published; one that was never published stays
    out. The last `keep` publications are kept, and any older one that somebody has open. A mart of more than
    `parquet_alone_rows` rows goes out as Parquet alone. Raises `NothingToPublishError` where no mart is built; what was
    published before then stays.
    """
    held_back = held_back or {}
    published_at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    publication_id = published_at.strftime("%Y%m%dT%H%M%S.%f")
    publications = published_dir / "publications"
    publications.mkdir(parents=True, exist_ok=True)
    links = [path for path in publications.iterdir() if path.is_symlink()]
    _remove(*links, *publications.glob("*.new"), *publications.glob("*.old"))  # of a run that was killed
    new, there = publications / f"{publication_id}.new", publications / publication_id
    try:
        there.symlink_to(new.name)  # a view names its files by the path that they have afterwards
        published = _write(build_database, published_dir, new, published_at, run_id, held_back, parquet_alone_rows)
        there.unlink()
    except BaseException:
        _remove(there, new)  # a full disk has no room for half a publication
        raise
    new.rename(there)
    point_to(published_dir, publication_id)
    prune(published_dir, keep)
    return published


def _write(
    build_database: Path,
    published_dir: Path,
    new: Path,
    published_at: dt.datetime,
    run_id: str | None,
    held_back: Mapping[str, str],
    parquet_alone_rows: int | None,
) -> Publication:
    """Fill the folder of a publication, whose name without its suffix is the id."""
    publication_id = new.stem
    parquet = new / PARQUET
    parquet.mkdir(parents=True)
    folder = published_dir / "publications" / str(current_id(published_dir))
    standing = compare(build_database, folder, held_back, parquet_alone_rows)
    if standing.is_worth_copying:
        shutil.copyfile(folder / DATABASE, new / DATABASE)
    with connection.write(new / DATABASE) as con:
        con.execute(f"attach {sql_literal(str(build_database))} as build (read_only)")
        tables = _marts(con)
        if not tables:
            raise NothingToPublishError(f"{build_database} holds no mart: run the pipeline first")
        stood, damaged = _standing_versions(con, published_dir, held_back)
        con.execute("begin transaction")  # one write to disk, not one for each of a thousand descriptions
        con.execute("create schema if not exists marts")
        kept = _keep(con, standing.unchanged | standing.grown.keys())
        tables = sorted({*tables, *(stood.keys() & held_back.keys())})
        rows: dict[str, int] = {}
        alone: list[str] = []
        versions: list[dict[str, object]] = []
        for table in counted(tables, "tables published"):
            version: dict[str, object] = {"version_id": publication_id, "built_by_run": run_id}
            if table in held_back:
                version_held = stood.get(table, _NEVER_PUBLISHED)
                since = version_held["held_back_since"] or published_at
                version = version_held | {"held_back_since": since, "held_back_why": held_back[table]}
            elif table in standing.unchanged and stood.get(table, _NEVER_PUBLISHED)["version_id"]:
                version = {name: stood[table][name] for name in version}
            if table not in held_back or table in stood:
                source = f"{'stood' if table in held_back else 'build'}.marts.{table}"
                rows[table] = rows_of(con, source)
                if parquet_alone_rows is not None and rows[table] > parquet_alone_rows:
                    alone.append(table)
                    con.execute(f"drop table if exists marts.{table}")
                    years = standing.years.get(table, {})
                    _copy_to_parquet_alone(con, source, table, parquet, new.with_suffix("") / PARQUET, years)
                else:
                    if table not in kept:
                        con.execute(f"create table marts.{table} as from {source}")
                    elif table in standing.grown:
                        con.execute(f"insert into marts.{table} from {source} where rowid >= {standing.grown[table]}")
                    file = parquet / f"{table}.parquet"
                    if not (table in standing.files and _same_file(standing.files[table], file)):
                        con.execute(f"copy marts.{table} to {sql_literal(str(file))} ({_PARQUET_FORMAT})")
            about = {"table_name": table, "publication_id": publication_id, "published_at": published_at}
            versions.append(about | version | {"row_count": rows.get(table), "is_parquet_alone": table in alone})
        _copy_descriptions(con)
        _write_versions(con, versions, parquet)
        con.execute("commit")
        macros, left_out = _copy_macros(con, held_back)
        con.execute("detach build")
    for path in (new / DATABASE, *parquet.rglob("*.parquet")):
        if path.is_file():
            path.chmod(0o444)  # a reader in a client's default mode would lock out the others
    database_bytes = (new / DATABASE).stat().st_size
    return Publication(rows, macros, database_bytes, publication_id, damaged, tuple(alone), left_out)


def _keep(con: duckdb.DuckDBPyConnection, tables: Collection[str]) -> frozenset[str]:
    """Take everything out of the schema but these tables; returns those that are there."""
    there = con.execute(
        """select kind, name from (
               select 'view' as kind, view_name as name, database_name, schema_name, internal from duckdb_views()
               union all
               select 'macro table', function_name, database_name, schema_name, internal from duckdb_functions()
               union all
               select 'table', table_name, database_name, schema_name, internal from duckdb_tables()
           ) where database_name = current_database() and schema_name = 'marts' and not internal
           order by kind = 'table', kind, name"""
    ).fetchall()
    for kind, name in there:
        if kind != "table" or name not in tables:
            con.execute(f'drop {kind} if exists marts."{name}"')
    return frozenset(name for kind, name in there if kind == "table" and name in tables)


def _same_file(stood: Path, file: Path) -> bool:
    """Let a file that stands be the new one too; False on a disk that knows no second name."""
    try:
        file.hardlink_to(stood)
    except OSError:
        return False
    return True


def _same_folder(stood: Path, folder: Path) -> bool:
    """Let the files of a folder that stands be in the new one too; False, and no folder, where they cannot be."""
    folder.mkdir(parents=True)
    if all(_same_file(file, folder / file.name) for file in stood.iterdir()):
        return True
    shutil.rmtree(folder)
    return False


_NEVER_PUBLISHED: dict[str, Any] = {"version_id": None, "built_by_run": None, "held_back_since": None}


def _standing_versions(
    con: duckdb.DuckDBPyConnection, published_dir: Path, held_back: Mapping[str, str]
) -> tuple[dict[str, dict[str, Any]], tuple[str, ...]]:
    """What `marts.publication` says of what is published now, by table; attaches that as `stood`.

    Where what readers see is damaged, the last publication before it that is not; returns the damaged ones too.
    """
    current = current_id(published_dir)
    earlier = [one for one in publication_ids(published_dir) if current and one < current]
    before_publications = published_dir / DATABASE  # version 0.1 had one file
    places = [published_dir / "publications" / one / DATABASE for one in (current, *earlier) if one]
    damaged: list[str] = []
    for place in places or [before_publications]:
        if not place.exists():
            continue
        try:
            con.execute(f"attach {sql_literal(str(place.resolve()))} as stood (read_only)")
            connection.read_whole(con, "stood", {"publication", *held_back})
            return _versions_in_stood(con), tuple(damaged)
        except duckdb.Error as error:
            if not connection.tells_of_damage(str(error)):
                raise
            con.execute("detach database if exists stood")
            damaged.append(place.parent.name)
    return {}, tuple(damaged)


def _versions_in_stood(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    there = con.execute(
        "select distinct table_name from duckdb_columns() where database_name = 'stood' and not internal"
    ).fetchall()
    found = {
        table: _NEVER_PUBLISHED  # before versions were told
        for (table,) in there
    }
    if "publication" in found:
        answer = con.execute(
            "select table_name, version_id, built_by_run, held_back_since from stood.marts.publication"
        )
        for table, *version in answer.fetchall():
            if table in found:  # one that was held back before its first publication is not there
                found[table] = dict(zip(_NEVER_PUBLISHED, version, strict=True))
    return found


def held_back_in(database: Path) -> list[tuple[str, dt.datetime, str]]:
    """The tables that a published file holds back, since when (UTC) and why; none where there is no such file."""
    if not database.exists():
        return []
    with connection.read(database, wait_seconds=0) as con:
        if not con.execute("select 1 from duckdb_tables() where table_name = 'publication'").fetchall():
            return []
        return con.execute(
            """select table_name, held_back_since, held_back_why from marts.publication
               where held_back_since is not null order by table_name"""
        ).fetchall()


def _write_versions(con: duckdb.DuckDBPyConnection, versions: Sequence[Mapping[str, object]], parquet: Path) -> None:
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in PUBLICATION_COLUMNS.items())
    con.execute(f"create table marts.publication ({columns}, primary key (table_name))")
    said = "One row per mart: its version, the run that built it, and since when and why it is held back."
    con.execute(f"comment on table marts.publication is {sql_literal(said)}")
    for name, (_, description) in PUBLICATION_COLUMNS.items():
        con.execute(f"comment on column marts.publication.{name} is {sql_literal(description)}")
    marks = ", ".join("?" * len(PUBLICATION_COLUMNS))
    con.executemany(
        f"insert into marts.publication values ({marks})",
        [[version.get(name) for name in PUBLICATION_COLUMNS] for version in versions],
    )
    con.execute(f"copy marts.publication to {sql_literal(str(parquet / 'publication.parquet'))} (format parquet)")


def point_to(published_dir: Path, publication_id: str) -> None:
    """Let readers see this publication: one rename of one link, and they see DuckDB file and Parquet change at once."""
    _link(published_dir / "current", Path("publications") / publication_id)
    for name in (DATABASE, PARQUET):
        if not (published_dir / name).is_symlink() or (published_dir / name).readlink() != Path("current") / name:
            _link(published_dir / name, Path("current") / name)
    # what version 0.1 published, which had no folder for each publication
    _remove(*published_dir.glob("parquet-*"), published_dir / f"{DATABASE}.new")


def publication_ids(published_dir: Path) -> list[str]:
    """The publications that are kept, the newest first."""
    kept = (published_dir / "publications").glob("*")
    return sorted(
        (path.name for path in kept if path.suffix not in (".new", ".old") and not path.is_symlink()), reverse=True
    )


def current_id(published_dir: Path) -> str | None:
    """The publication that readers see, None before the first."""
    link = published_dir / "current"
    return link.readlink().name if link.is_symlink() else None


class UnknownPublicationError(LookupError):
    """There is no such publication to go back to."""


def rollback(published_dir: Path, publication_id: str | None = None) -> str:
    """Let readers see an earlier publication, without an id the one before the current; returns its id.

    The next run publishes anew, and thereby goes forward again. Raises `UnknownPublicationError`.
    """
    kept, current = publication_ids(published_dir), current_id(published_dir)
    if publication_id is None:
        publication_id = next((one for one in kept if current and one < current), None)
    if publication_id not in kept:
        listed = ", ".join(kept) or "none"
        raise UnknownPublicationError(
            f"there is no publication {publication_id or 'before this one'}; kept are {listed}"
        )
    point_to(published_dir, publication_id)
    return publication_id


def prune(published_dir: Path, keep: int) -> None:
    """Remove all publications but the last `keep`, the current one, and those that a DuckDB has open."""
    current = current_id(published_dir)
    for old in publication_ids(published_dir)[max(keep, 1) :]:
        folder = published_dir / "publications" / old
        if old != current and not _is_open(folder / DATABASE):
            # out of the list first: nobody can go back to half of one
            shutil.rmtree(folder.rename(folder.with_name(f"{old}.old")))


def _is_open(database: Path) -> bool:
    """Whether another process holds DuckDB's lock on the file, or may: one of another user is left alone."""
    if not database.exists():
        return False
    try:
        database.chmod(0o644)  # a lock that shuts others out needs the right to write
    except PermissionError:
        return True
    try:
        with database.open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        database.chmod(0o444)
    return False


def _marts(con: duckdb.DuckDBPyConnection) -> list[str]:
    query = """
        select distinct table_name from duckdb_columns()
        where database_name = 'build' and schema_name = 'marts' order by table_name
    """
    return [name for (name,) in con.execute(query).fetchall()]


def _copy_to_parquet_alone(
    con: duckdb.DuckDBPyConnection,
    source: str,
    table: str,
    parquet: Path,
    afterwards: Path,
    stood: Mapping[int, Path],
) -> None:
    """Write a folder of Parquet files, by the year of the table's first date where it has one, and a view of them.

    `afterwards` is the path that the folder `parquet` will have for readers; `stood` are the folders of years that are
    the same.
    """
    described = [(name, kind) for name, kind, *_ in con.execute(f"describe {source}").fetchall()]
    # with their table: a bare name would be the argument of a macro that asks the view, where it has one of that name
    names = ", ".join(f'files."{name}"' for name, _ in described)
    date = first_date(described)
    query, parts = source, "per_thread_output"
    folder = parquet / table
    taken = [year for year, files in stood.items() if _same_folder(files, folder / files.name)]
    if date:
        query, parts = f'(select *, year("{date}") as {YEAR} from {source})', f"partition_by ({YEAR}), append"
        if taken:
            others = f"{YEAR} not in ({', '.join(map(str, taken))}) or {YEAR} is null"
            query = f"(from {query} where {others})"
    con.execute(f"copy {query} to {sql_literal(str(folder))} ({_PARQUET_FORMAT}, {parts})")
    files = sql_literal(str(afterwards / table / "**" / "*.parquet"))
    con.execute(
        f"create view marts.{table} as select {names} from read_parquet({files}, hive_partitioning = false) as files"
    )


def _copy_descriptions(con: duckdb.DuckDBPyConnection) -> None:
    """Describe the tables and columns that are there as the build file does, all in one request."""
    described = con.execute(
        """with here as (select * from duckdb_columns() where database_name = current_database())
           select coalesce(kind, 'table') || ' marts.' || table_name, comment
           from (select schema_name, table_name, comment, database_name from duckdb_tables() union all
                 select schema_name, view_name, comment, database_name from duckdb_views()) as made
           semi join here using (schema_name, table_name)
           left join (select view_name as table_name, 'view' as kind from duckdb_views()
                      where database_name = current_database() and schema_name = 'marts') as views using (table_name)
           where database_name = 'build' and schema_name = 'marts'
           union all
           select 'column marts.' || table_name || '."' || column_name || '"', comment from duckdb_columns()
           semi join here using (schema_name, table_name, column_name)
           where database_name = 'build' and schema_name = 'marts'"""
    ).fetchall()
    # none too: a copied file has those of the day before
    texts = ((what, "null" if comment is None else sql_literal(comment)) for what, comment in described)
    con.execute(";".join(f"comment on {what} is {text}" for what, text in texts))


def _copy_macros(con: duckdb.DuckDBPyConnection, held_back: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Re-create the table macros, those that call others after the ones they call; returns those that are left out too.

    One is left out where it asks a table of `held_back`, of which there may be no version, or an older one that lacks a
    column, or where it asks another that is left out.
    """
    waiting = con.execute(
        """select function_name, parameters, parameter_types, macro_definition, comment from duckdb_functions()
           where database_name = 'build' and schema_name = 'marts' and function_type = 'table_macro'
           order by function_name"""
    ).fetchall()
    done: list[str] = []
    while waiting:
        failed = []
        problems: dict[str, duckdb.Error] = {}
        for macro in waiting:
            name, parameters, types, definition, comment = macro
            signature = ", ".join(
                f"{parameter} {kind}" if kind else parameter for parameter, kind in zip(parameters, types, strict=True)
            )
            try:
                con.execute(f"create macro marts.{name}({signature}) as table {definition}")
            except duckdb.Error as error:
                failed.append(macro)
                problems[name] = error
                continue
            if comment:
                con.execute(f"comment on macro table marts.{name} is {sql_literal(comment)}")
            done.append(name)
        if len(failed) == len(waiting):
            _refuse_broken({name: definition for name, _, _, definition, _ in failed}, problems, held_back)
            return tuple(sorted(done)), tuple(sorted(problems))
        waiting = failed
    return tuple(sorted(done)), ()


def _refuse_broken(
    definitions: Mapping[str, str], problems: Mapping[str, duckdb.Error], held_back: Collection[str]
) -> None:
    """Raise the problem of a macro that asks neither a table that is held back nor another macro of these that does."""
    excused = set(held_back)
    while found := {
        name
        for name, definition in definitions.items()
        if name not in excused and excused & set(re.findall(r"\w+", definition))
    }:
        excused |= found
    for name, problem in problems.items():
        if name not in excused:
            raise problem


def _link(link: Path, at: Path) -> None:
    """Make `link` lead to `at`; renaming a link over a link is one step, so no reader sees a gap."""
    new_link = link.with_name(f"{link.name}.link")
    _remove(new_link)
    new_link.symlink_to(at)
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)  # a plain folder cannot be renamed over
    new_link.replace(link)


def _remove(*paths: Path) -> None:
    for path in paths:
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
