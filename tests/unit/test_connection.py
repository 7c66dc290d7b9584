"""Connections: waited for, closed, readable by older DuckDB."""

import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dagster_project.warehouse import connection

HOLD = """
import duckdb, sys, time
con = duckdb.connect(sys.argv[1], config={"storage_compatibility_version": "v1.4.0"})
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def _hold(database: Path, seconds: float) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "held"
    return holder


def test_the_file_is_written_for_duckdb_1_4(tmp_path: Path) -> None:
    with connection.write(tmp_path / "w.duckdb") as con:
        con.execute("create table t as select 1 as x")
    assert struct.unpack("<Q", (tmp_path / "w.duckdb").read_bytes()[12:20]) == (67,)


def test_a_connection_is_closed_when_its_body_raises(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), connection.write(tmp_path / "w.duckdb"):
        raise RuntimeError
    holder = _hold(tmp_path / "w.duckdb", 0)
    assert holder.wait(timeout=30) == 0, "another process can open the file"


def test_a_writer_waits_for_another_process(tmp_path: Path) -> None:
    holder = _hold(tmp_path / "w.duckdb", 1.5)
    started = time.monotonic()
    with connection.write(tmp_path / "w.duckdb", wait_seconds=60) as con:
        con.execute("select 1")
    assert time.monotonic() - started > 0.5
    holder.wait(timeout=30)


def test_waiting_ends_with_a_clear_error(tmp_path: Path) -> None:
    holder = _hold(tmp_path / "w.duckdb", 30)
    try:
        with (
            pytest.raises(connection.WarehouseLockedError, match="open in another process"),
            connection.read(tmp_path / "w.duckdb", wait_seconds=0.3),
        ):
            pass
    finally:
        holder.kill()
        holder.wait(timeout=30)


def test_reading_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="run the pipeline first"), connection.read(tmp_path / "w.duckdb"):
        pass
