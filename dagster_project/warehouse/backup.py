"""Writes the whole warehouse to one file and puts it back: build file and publications.

A backup holds every version of every row, the quarantine, the results of checks and all publications that are kept.
Dagster's history of runs and the settings are not in it.

Both can be killed at any moment. A backup appears by one rename, once it is whole. A restore is decided by one rename,
once what was unpacked has been opened; the moves that follow are done by the next writer where a kill prevented them.

Belongs here: the file. Does not belong here: whose turn it is (`runs.lock`): a caller holds the lock.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import shutil
import signal
import tarfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from dagster_project.warehouse import connection
from dagster_project.warehouse.resource import Warehouse

# how the parts are named in a backup, wherever a data folder keeps them
_BUILD = "build/warehouse.duckdb"
_PUBLISHED = "published"

_OF_THIS_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

_UNFINISHED = ".new"
_DECIDED = ".restore"


class NoBackupError(LookupError):
    """There is nothing to back up, or the file is no backup of a warehouse."""


def backup(warehouse: Warehouse, file: Path) -> None:
    """Write build file and publications to `file`, which appears once it is whole.

    What a killed backup left in its folder goes. Raises `NoBackupError` where there is no build file or `file` is there
    already.
    """
    if not warehouse.build_database.exists():
        raise NoBackupError(f"there is no {warehouse.build_database}: nothing to back up")
    if file.exists():
        raise NoBackupError(f"{file} is there already: name another")
    with warehouse.write() as con:
        con.execute("checkpoint")  # what a killed run left beside the file
    file.parent.mkdir(parents=True, exist_ok=True)
    for left in file.parent.glob(f"*.tar{_UNFINISHED}"):
        left.unlink()
    new = file.with_name(f"{file.name}{_UNFINISHED}")
    try:
        with tarfile.open(new, "w") as tar:
            tar.add(warehouse.build_database, _BUILD)
            if warehouse.published_dir.exists():
                tar.add(warehouse.published_dir, _PUBLISHED)
        new.rename(file)
    finally:
        new.unlink(missing_ok=True)


def restore(warehouse: Warehouse, file: Path, data_dir: Path) -> Path | None:
    """Put back what `file` holds; returns the folder that what was there is moved to, None where nothing was.

    The backup is unpacked and opened before anything is moved. Raises `NoBackupError` where it is none, or damaged.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    new = data_dir / f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S.%f}{_UNFINISHED}{_DECIDED}"
    try:
        _unpack(file, new)
        with _undisturbed():
            new.rename(new.with_name(new.name.replace(_UNFINISHED, "")))
            return finish_restores(warehouse, data_dir)[-1]
    finally:
        shutil.rmtree(new, ignore_errors=True)


def finish_restores(warehouse: Warehouse, data_dir: Path) -> list[Path | None]:
    """Do what a killed restore had still to do, and remove what it had not unpacked to the end.

    Returns for each restore that was decided the folder that what was there is moved to, None where nothing was.
    """
    asides: list[Path | None] = []
    for folder in sorted(data_dir.glob(f"*{_DECIDED}")):
        if folder.stem.endswith(_UNFINISHED):
            shutil.rmtree(folder)
            continue
        aside = data_dir / f"before-restore-{folder.stem}"
        log = warehouse.build_database.with_name(f"{warehouse.build_database.name}.wal")
        for name, parts in ((_PUBLISHED, [warehouse.published_dir]), (_BUILD, [log, warehouse.build_database])):
            if not (folder / name).exists():
                continue  # it is in its place already
            for part in parts:
                if part.exists():
                    to = aside / Path(name).parent / part.name
                    to.parent.mkdir(parents=True, exist_ok=True)
                    part.rename(to)
            parts[-1].parent.mkdir(parents=True, exist_ok=True)
            (folder / name).rename(parts[-1])
        shutil.rmtree(folder)
        asides.append(aside if aside.exists() else None)
    return asides


def _unpack(file: Path, new: Path) -> None:
    try:
        with tarfile.open(file) as tar:
            tar.extractall(new, filter="data")
        for path in (new / _PUBLISHED).rglob("*"):
            if path.is_file() and not path.is_symlink():
                path.chmod(0o444)  # as it was published; unpacking gives the right to write
        (new / _PUBLISHED).mkdir(exist_ok=True)
        with connection.read(new / _BUILD) as con:
            con.execute("select 1 from duckdb_tables() where schema_name = 'raw'")
    except (OSError, tarfile.TarError, duckdb.Error) as error:
        if isinstance(error, OSError) and error.errno in _OF_THIS_DISK:
            raise
        raise NoBackupError(f"{file} is no backup that can be read: {error}") from error


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let signals that ask for an end wait for a few renames."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
