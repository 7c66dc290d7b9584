"""Writes the whole warehouse to one file and puts it back: build file and publications.

A backup holds every version of every row, the quarantine, the results of checks and all publications that are kept.
Dagster's history of runs and the settings are not in it.

Belongs here: the file. Does not belong here: whose turn it is (`runs.lock`): a caller holds the lock.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tarfile
from pathlib import Path

import duckdb

from dagster_project.warehouse import connection

_BUILD = Path("build") / "warehouse.duckdb"
_PUBLISHED = Path("published")


class NoBackupError(LookupError):
    """There is nothing to back up, or the file is no backup of a warehouse."""


def backup(data_dir: Path, file: Path | None = None) -> Path:
    """Write build file and publications to `file`, by default `backups/<time>.tar` in the data folder; returns it.

    The file appears once it is whole. Raises `NoBackupError` where there is no build file or `file` is there already.
    """
    file = file or data_dir / "backups" / f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S.%f}.tar"
    if not (data_dir / _BUILD).exists():
        raise NoBackupError(f"there is no {data_dir / _BUILD}: nothing to back up")
    if file.exists():
        raise NoBackupError(f"{file} is there already: name another")
    with connection.write(data_dir / _BUILD) as con:
        con.execute("checkpoint")  # what a killed run left beside the file
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    try:
        with tarfile.open(new, "w") as tar:
            tar.add(data_dir / _BUILD, _BUILD)
            if (data_dir / _PUBLISHED).exists():
                tar.add(data_dir / _PUBLISHED, _PUBLISHED)
        new.rename(file)
    finally:
        new.unlink(missing_ok=True)
    return file


def restore(data_dir: Path, file: Path) -> Path | None:
    """Put back what `file` holds; returns the folder that what was there is moved to, None where nothing was.

    The backup is unpacked and opened before anything is moved. Raises `NoBackupError` where it is none, or damaged.
    """
    new = data_dir / "restore.new"
    shutil.rmtree(new, ignore_errors=True)
    try:
        try:
            with tarfile.open(file) as tar:
                tar.extractall(new, filter="data")
            for path in (new / _PUBLISHED).rglob("*"):
                if path.is_file() and not path.is_symlink():
                    path.chmod(0o444)  # as it was published; unpacking gives the right to write
            with connection.read(new / _BUILD) as con:
                con.execute("select 1 from duckdb_tables() where schema_name = 'raw'")
        except (OSError, tarfile.TarError, duckdb.Error) as error:
            raise NoBackupError(f"{file} is no backup that can be read: {error}") from error
        aside = data_dir / f"before-restore-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S.%f}"
        left = [
            part for part in (_BUILD, _BUILD.with_name(f"{_BUILD.name}.wal"), _PUBLISHED) if (data_dir / part).exists()
        ]
        for part in left:
            (aside / part).parent.mkdir(parents=True, exist_ok=True)
            (data_dir / part).rename(aside / part)
        for part in (_BUILD, _PUBLISHED):
            if (new / part).exists():
                (data_dir / part).parent.mkdir(parents=True, exist_ok=True)
                (new / part).rename(data_dir / part)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return aside if left else None
