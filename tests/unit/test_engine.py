"""Every connection takes the memory and the folder that the settings allow, whoever opens it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from bi import published
from dagster_project.engine import default_memory_limit, duckdb_config, machine_bytes
from dagster_project.settings import PROJECT_DIR, Settings, dbt_environment, export_for_dbt
from dagster_project.warehouse import connection

ASKED = "select current_setting('memory_limit') as memory, current_setting('temp_directory') as folder"
MIB, GIB = 2**20, 2**30


def _is_connect(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "duckdb.connect"


@pytest.fixture
def _engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an environment that names both asks for; neither is a default."""
    monkeypatch.setenv("MINEHOUSE_MEMORY_LIMIT", "700 mib")
    monkeypatch.setenv("MINEHOUSE_TEMP_DIR", str(tmp_path / "does not fit"))


@pytest.mark.usefixtures("_engine")
def test_loader_gate_publishing_and_readers(tmp_path: Path) -> None:
    asked = [("700.0 MiB", str(tmp_path / "does not fit"))]
    database = tmp_path / "w.duckdb"
    with connection.write(database) as con:
        con.execute("create schema marts")
        assert con.execute(ASKED).fetchall() == asked
    with connection.read(database) as con:
        assert con.execute(ASKED).fetchall() == asked
    with published.connect(database) as con:
        assert con.execute(ASKED).fetchall() == asked
    with duckdb.connect(config=duckdb_config()) as con:
        assert con.execute(ASKED).fetchall() == asked


def test_no_connection_is_opened_in_another_way() -> None:
    opened = [
        (path, node)
        for room in ("dagster_project", "bi")
        for path in (PROJECT_DIR / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if _is_connect(node)
    ]
    assert opened
    for path, node in opened:
        assert "config=" in ast.unparse(node), path
        assert "duckdb_config()" in path.read_text(), path


def test_dbt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "dbt_project.yml").write_text("{name: asks, version: '1.0', config-version: 2, profile: minehouse}")
    (project / "models" / "asked.sql").write_text(f"{{{{ config(materialized='table') }}}} {ASKED}")
    settings = Settings(data_dir=tmp_path / "data", memory_limit="700MiB", temp_dir=tmp_path / "does not fit")
    settings.build_database.parent.mkdir(parents=True)
    for name in dbt_environment(settings):
        monkeypatch.setenv(name, "")
    export_for_dbt(settings)
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from dbt.cli.main import cli; cli()", "run"),
            *("--project-dir", str(project), "--profiles-dir", str(PROJECT_DIR / "dbt")),
        ],
        env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    with connection.read(settings.build_database) as con:
        assert con.execute("from main.asked").fetchall() == con.execute(ASKED).fetchall()
        assert con.execute("from main.asked").fetchall() == [("700.0 MiB", str(tmp_path / "does not fit"))]


@pytest.mark.parametrize(
    ("machine", "limit"),
    [(512 * MIB, "256MiB"), (2 * GIB, "819MiB"), (3 * GIB, "1638MiB"), (64 * GIB, "2048MiB")],
)
def test_the_default_leaves_room(machine: int, limit: str) -> None:
    assert default_memory_limit(machine) == limit


@pytest.mark.parametrize(
    ("groups", "files", "found"),
    [
        ("0::/a/b", {"a/b/memory.max": "max", "a/memory.max": f"{2 * GIB}"}, 2 * GIB),  # the parent's limit holds
        ("0::/seen/on/the/host", {"memory.max": f"{GIB}"}, GIB),  # in a container its own group is the root
        ("4:memory:/a\n0::/", {"memory/a/memory.limit_in_bytes": f"{GIB}"}, GIB),  # version 1
        ("4:cpu,memory:/x", {"memory/memory.limit_in_bytes": f"{GIB}"}, GIB),
        ("4:memory:/", {"memory/memory.limit_in_bytes": "9223372036854771712"}, None),  # version 1 for: none
        ("3:cpu:/a\n0::/a", {"a/memory.max": "max"}, None),
        ("", {}, None),
    ],
)
def test_a_container_s_limit_counts(tmp_path: Path, groups: str, files: dict[str, str], found: int | None) -> None:
    (tmp_path / "cgroup").write_text(groups)
    for name, text in files.items():
        (tmp_path / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "fs" / name).write_text(f"{text}\n")
    whole = machine_bytes(tmp_path / "none", tmp_path / "fs")
    assert machine_bytes(tmp_path / "cgroup", tmp_path / "fs") == (found or whole)


@pytest.mark.parametrize(("gib", "limit"), [("4.5", "1228MiB"), ("3", "256MiB")])
def test_a_process_that_may_have_few_addresses_leaves_python_its_part(gib: str, limit: str) -> None:
    asks = "from dagster_project.engine import Engine; print(Engine().memory_limit)"
    command = f'ulimit -v {int(float(gib) * 2**20)}; exec "$0" -c "{asks}"'
    done = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT_DIR)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == limit, done.stderr
