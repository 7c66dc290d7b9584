"""A backup or a restore that is killed leaves nothing half-written."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import subprocess
import sys
import tarfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from dagster_project.settings import PROJECT_DIR
from dagster_project.warehouse.backup import NoBackupError, backup, finish_restores, restore
from dagster_project.warehouse.resource import Warehouse

KILL = """
    import os, signal, sys
    from pathlib import Path

    from dagster_project.warehouse import backup
    from dagster_project.warehouse.resource import Warehouse

    CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "shutil.rmtree"}

    def run(command, data_dir, file, at):
        made = 0

        def count(event, arguments):
            nonlocal made
            if event in CHANGES or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
                made += 1
                if made == at:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        warehouse = Warehouse(data_dir / "build" / "warehouse.duckdb", data_dir / "published")
        if command == "backup":
            backup.backup(warehouse, file)
        else:
            backup.restore(warehouse, file, data_dir)
        os._exit(0)

    for line in sys.stdin:
        command, data_dir, file, at = line.rstrip().split("|")
        pid = os.fork()
        if pid == 0:
            run(command, Path(data_dir), Path(file), int(at))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
"""Does what each line says in a fork that kills itself before the n-th change that it makes to the disk."""


@pytest.fixture
def killer(tmp_path: Path) -> Iterator[Callable[[str, Path, Path, int], bool]]:
    """Run a command until its change number `at`; returns whether it came that far."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILL)],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT_DIR), "MINEHOUSE_DATA_DIR": str(tmp_path / "own")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def kill(command: str, data_dir: Path, file: Path, at: int) -> bool:
            print(command, data_dir, file, at, sep="|", file=process.stdin, flush=True)
            code = int(process.stdout.readline())  # type: ignore[union-attr]
            assert code in (0, -9)
            return code == -9

        yield kill
        process.stdin.close()


def _write(data_dir: Path, what: str) -> Warehouse:
    warehouse = Warehouse(data_dir / "build" / "warehouse.duckdb", data_dir / "published")
    with warehouse.write() as con:
        con.execute(f"create schema raw; create table raw.told as select '{what}' as what")
    publication = warehouse.published_dir / "publications" / what
    publication.mkdir(parents=True)
    (publication / "minehouse.duckdb").write_text(what)
    (warehouse.published_dir / "current").symlink_to(Path("publications") / what)
    return warehouse


def _read(warehouse: Warehouse) -> tuple[str, str]:
    """What the build file and the publication say."""
    with warehouse.read() as con:
        (what,) = con.execute("select what from raw.told").fetchall()[0]
    return what, (warehouse.published_dir / "current" / "minehouse.duckdb").read_text()


def test_a_restore_killed_at_any_change_is_all_or_nothing(
    tmp_path: Path, killer: Callable[[str, Path, Path, int], bool]
) -> None:
    backup(_write(tmp_path / "kept", "kept"), file := tmp_path / "kept.tar")
    ended_as = []
    for at in range(1, 100):
        data_dir = tmp_path / f"killed at {at}"
        warehouse = _write(data_dir, "stood")
        was_killed = killer("restore", data_dir, file, at)
        finish_restores(warehouse, data_dir)
        ended_as.append(_read(warehouse))
        left = {path.name for path in data_dir.iterdir()}
        aside = {name for name in left if name.startswith("before-restore-")}
        assert left - aside <= {"build", "published"}
        assert len(aside) == (ended_as[-1][0] == "kept"), "what was there is kept, in one place"
        if not was_killed:
            break
    else:
        pytest.fail("never came to its end")
    decided = ended_as.index(("kept", "kept"))
    assert ended_as[:decided] == [("stood", "stood")] * decided
    assert ended_as[decided:] == [("kept", "kept")] * (len(ended_as) - decided)
    assert len(ended_as) - decided > 3, "kills between the moves were tried"


def test_a_backup_killed_at_any_change_is_there_whole_or_not_at_all(
    tmp_path: Path, killer: Callable[[str, Path, Path, int], bool]
) -> None:
    warehouse = _write(tmp_path / "data", "kept")
    for at in range(1, 30):
        file = tmp_path / "backups" / f"{at}.tar"
        was_killed = killer("backup", tmp_path / "data", file, at)
        if file.exists():
            with tarfile.open(file) as tar:
                names = tar.getnames()
            assert {"build/warehouse.duckdb", "published/publications/kept/minehouse.duckdb"} <= set(names)
        elif not was_killed:
            pytest.fail("ended without a backup")
        if not was_killed:
            break
    else:
        pytest.fail("never came to its end")
    assert {path.suffix for path in file.parent.iterdir()} == {".tar"}, "what the killed ones left is gone"
    assert _read(warehouse) == ("kept", "kept")
    with contextlib.closing(duckdb.connect(str(warehouse.build_database))) as con:
        assert con.execute("from raw.told").fetchall() == [("kept",)]


def test_a_backup_that_stands_is_not_written_over_and_none_is_made_of_nothing(tmp_path: Path) -> None:
    warehouse = _write(tmp_path / "data", "kept")
    file = tmp_path / "kept.tar"
    file.write_text("another's")
    with pytest.raises(NoBackupError, match=r"kept\.tar is there already: name another"):
        backup(warehouse, file)
    assert file.read_text() == "another's"
    nothing = Warehouse(tmp_path / "none" / "build" / "warehouse.duckdb", tmp_path / "none" / "published")
    with pytest.raises(NoBackupError, match="nothing to back up"):
        backup(nothing, tmp_path / "none.tar")
    assert not (tmp_path / "none").exists(), "no empty warehouse is made"


@pytest.mark.parametrize(("number", "is_of_the_file"), [(errno.ENOSPC, False), (errno.EROFS, False), (errno.EIO, True)])
def test_a_full_disk_is_no_fault_of_the_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, *, is_of_the_file: bool
) -> None:
    backup(_write(tmp_path / "kept", "kept"), file := tmp_path / "kept.tar")
    warehouse = _write(tmp_path / "data", "stood")

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tarfile.TarFile, "extractall", fail)
    with pytest.raises(NoBackupError if is_of_the_file else OSError, match=re.escape(os.strerror(number))) as raised:
        restore(warehouse, file, tmp_path / "data")
    assert isinstance(raised.value, NoBackupError) == is_of_the_file
    assert _read(warehouse) == ("stood", "stood")
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"build", "published"}
