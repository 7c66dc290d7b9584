"""What a run at the shell says and returns where it cannot begin."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dagster_project.output import EXIT_CODE
from dagster_project.settings import PROJECT_DIR


def _run(data_dir: Path, command: str = "run", **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MINEHOUSE_", "DAGSTER_"))}
    return subprocess.run(
        [sys.executable, "-m", "dagster_project", command],
        cwd=PROJECT_DIR,
        env=kept | {"MINEHOUSE_DATA_DIR": str(data_dir)} | settings,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", ["run", "docs", "backup"])
def test_a_build_file_that_is_none_is_named_and_left_alone(tmp_path: Path, dbt_target: Path, command: str) -> None:
    shutil.copytree(dbt_target, tmp_path / "build" / "dbt")
    build_file = tmp_path / "build" / "warehouse.duckdb"
    build_file.write_text("no database")
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "20260101.tar").touch()
    ran = _run(tmp_path, command)
    assert ran.returncode == 1
    (said,) = ran.stderr.splitlines()
    assert said.startswith(f"error: the build file {build_file} is damaged; what is published stands as it was: `make ")
    assert f"`make restore FILE={tmp_path}/backups/20260101.tar`" in said
    assert f"`mv {tmp_path}/build {tmp_path}/build.damaged` and `make run`" in said
    assert build_file.read_text() == "no database"


@pytest.mark.parametrize("limit", ["-v 600000", "-v 3000000", "-d 600000"])
def test_too_few_addresses_are_told_before_anything_starts(tmp_path: Path, limit: str) -> None:
    ran = subprocess.run(
        ["/bin/sh", "-c", f'ulimit {limit}; exec "$0" -m dagster_project run', sys.executable],
        cwd=PROJECT_DIR,
        env=os.environ | {"MINEHOUSE_DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    (said,) = ran.stderr.splitlines()
    assert said.startswith(f"error: a process may take {int(limit.split()[1]) // 1024} MiB here")
    assert "`ulimit -v unlimited -d unlimited`" in said
    assert not (tmp_path / "data").exists()


def test_nothing_is_computed_anew_of_nothing(tmp_path: Path) -> None:
    ran = _run(tmp_path / "nowhere", "rebuild")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "error: nothing was loaded yet that could be computed anew: run `make run` first\n"
    assert not (tmp_path / "nowhere").exists()


def test_a_published_file_that_is_none_is_told_from_the_build_file(tmp_path: Path) -> None:
    published = tmp_path / "published" / "minehouse.duckdb"
    published.parent.mkdir()
    published.write_text("no database")
    ran = _run(tmp_path, "snapshot")
    assert ran.returncode == 1
    (said,) = ran.stderr.splitlines()
    assert said.startswith(f"error: the published file {published} is damaged; the warehouse that it was made of is ")
    assert "`make rollback`" in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
def test_what_cannot_be_printed_ends_it_with_one_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "dagster_project", "env"],
            cwd=PROJECT_DIR,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ran.returncode == 1
    (said,) = ran.stderr.splitlines()
    assert said.startswith("error: what this command prints cannot be written (No space left on device)")


def test_closed_output_lets_no_file_receive_what_is_printed(tmp_path: Path) -> None:
    ran = subprocess.run(
        ["/bin/sh", "-c", f"{shlex.quote(sys.executable)} -m dagster_project snapshot >&- 2>&-"],
        cwd=PROJECT_DIR,
        env={"PATH": "/usr/bin:/bin", "MINEHOUSE_DATA_DIR": str(tmp_path)},
        check=False,
    )
    assert ran.returncode == 1, "there is no snapshot"


@pytest.mark.parametrize("words", ["dagster_project run", "dagster_project env", "bi.excel"])
def test_nobody_reads_on_and_it_ends_quietly(tmp_path: Path, words: str) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    ran = subprocess.run(
        [sys.executable, "-m", *words.split()],
        cwd=PROJECT_DIR,
        env={"PATH": "/usr/bin:/bin", "MINEHOUSE_DATA_DIR": str(tmp_path)},
        stdout=writes,
        stderr=writes if words == "bi.excel" else subprocess.PIPE,  # it has nothing to show, and says so there
        check=False,
    )
    os.close(writes)
    assert ran.returncode == EXIT_CODE
    assert not ran.stderr


def test_without_any_price_it_says_what_is_missing(tmp_path: Path, dbt_target: Path) -> None:
    shutil.copytree(dbt_target, tmp_path / "data" / "build" / "dbt")
    folder = tmp_path / "prices"
    folder.mkdir()
    ran = _run(tmp_path / "data", MINEHOUSE_PRICE_SOURCE="files", MINEHOUSE_PRICE_FILES=str(folder))
    assert ran.returncode == 1
    assert ran.stderr == ""
    assert "ERROR  raw/market__daily_prices batch_is_accepted: " in ran.stdout
    assert "WITH ERRORS, listed above; no snapshot is published yet; details in " in ran.stdout.splitlines()[-1]
    assert "INFO" not in ran.stdout
