"""The project's own generic tests, run by dbt: each lets a good table pass and names what is wrong with a bad one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml

DBT_DIR = Path(__file__).resolve().parents[2] / "dbt"
GRAIN = {"unique_combination": {"arguments": {"columns": ["a", "b"], "filled": ["a", "c"]}}}
TABLES = {
    "good": ("from (values (1, 1, 'x'), (1, 2, 'x'), (2, null, 'x')) as t (a, b, c)", GRAIN),
    "doubled": ("from (values (1, 1, 'x'), (1, 1, 'y'), (2, null, 'x'), (2, null, 'x')) as t (a, b, c)", GRAIN),
    "lacking": ("from (values (1, 1, 'x'), (null, 2, 'x'), (2, 2, null)) as t (a, b, c)", GRAIN),
    "empty": ("select 1 as a where false", "no_rows"),
    "listed": ("select 1 as a", "no_rows"),
}


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    """By table, the rows that its test found; none where it passed."""
    workdir = tmp_path_factory.mktemp("generic")
    shutil.copytree(DBT_DIR / "tests" / "generic", workdir / "tests" / "generic")
    (workdir / "models").mkdir()
    for name, (query, _) in TABLES.items():
        (workdir / "models" / f"{name}.sql").write_text(query)
    described = [{"name": name, "data_tests": [test]} for name, (_, test) in TABLES.items()]
    (workdir / "models" / "models.yml").write_text(yaml.safe_dump({"models": described}))
    (workdir / "dbt_project.yml").write_text(yaml.safe_dump({"name": "t", "version": "1.0", "profile": "t"}))
    output = {"type": "duckdb", "path": str(workdir / "t.duckdb")}
    (workdir / "profiles.yml").write_text(yaml.safe_dump({"t": {"target": "t", "outputs": {"t": output}}}))
    command = [sys.executable, "-m", "dbt.cli.main", "build", "--store-failures", "--profiles-dir", "."]
    env = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    ran = subprocess.run(command, cwd=workdir, env=env, capture_output=True, text=True, check=False)
    assert "Completed" in ran.stdout, ran.stdout + ran.stderr
    with duckdb.connect(str(workdir / "t.duckdb"), read_only=True) as con:
        audits = con.execute("select table_name from duckdb_tables() where schema_name like '%audit'").fetchall()
        found = {table: con.execute(f'from "main_dbt_test__audit"."{table}"').fetchall() for (table,) in audits}
    return {name: next(rows for table, rows in found.items() if f"_{name}_" in table) for name in TABLES}


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("good", []),
        ("doubled", [(1, 1, "2 rows"), (2, None, "2 rows")]),
        ("lacking", [(2, 2, "c is null"), (None, 2, "a is null")]),
        ("empty", []),
        ("listed", [(1,)]),
    ],
)
def test_what_it_finds(
    findings: dict[str, list[tuple[object, ...]]], table: str, found: list[tuple[object, ...]]
) -> None:
    assert sorted(findings[table], key=str) == found
