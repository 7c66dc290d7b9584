"""The project's own generic tests, run by dbt: each lets a good table pass and names what is wrong with a bad one."""

import datetime as dt
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml

DBT_DIR = Path(__file__).resolve().parents[2] / "dbt"
GRAIN = {"unique_combination": {"arguments": {"columns": ["a", "b"], "filled": ["a", "c"]}}}
POSITIONS = """from (values
    ('A', date '2025-01-01', date '2025-01-03', true, null), ('A', date '2025-01-03', null, false, 5.0)
) as t (symbol, position_date, next_position_date, is_first_day, close)"""
DEALS = """from (values
    ('A', date '2025-01-05', null, true, 2.0, 10, 2.0), ('B', date '2025-01-06', null, false, 9.0, 90, null),
    ('B', date '2025-02-01', null, true, 3.0, null, 3.0), ('A', null, null, true, 7.0, 70, null),
    ('C', date '2025-01-20', date '2025-02-10', true, 4.0, 5, null)
) as t (symbol, announced_date, ended_date, is_firm, contract_value_usd, critical_it_mw,
    cumulative_contract_value_usd)"""
MONTHS = """as t (month, deals, contract_value_usd, critical_it_mw, cumulative_contract_value_usd,
    cumulative_critical_it_mw)"""
JANUARY = "date '2025-01-01', 2, 6.0, 15.0, 6.0, 15.0"
FEBRUARY = "date '2025-02-01', 1, 3.0, null, 5.0, 10.0"
BETWEEN = {"lies_between": {"arguments": {"low": "low", "high": "high"}}}
SUM = {"adds_up": {"arguments": {"of": ["a", "-b"]}}}
EQUALS = {"equals_position": {"arguments": {"positions": "ref('positions')", "day": "day", "columns": ["close"]}}}
ADDS_UP = {"deals_add_up": {"arguments": {"deals": "ref('deals')"}}}
BARS = """from (values
    ('A', date '2025-01-02', false), ('A', date '2025-01-03', true), ('B', date '2025-01-03', false)
) as t (symbol, trade_date, is_suspect)"""
SUSPECTS = {"tells_of_suspect_bars": {"arguments": {"bars": "ref('bars')"}}}
# the column that a test of a column is asked of
COLUMNS = {"lies_between": "mean", "adds_up": "c"}
INPUTS = {"positions": POSITIONS, "deals": DEALS, "bars": BARS}
TABLES = {
    "good": ("from (values (1, 1, 'x'), (1, 2, 'x'), (2, null, 'x')) as t (a, b, c)", GRAIN),
    "doubled": ("from (values (1, 1, 'x'), (1, 1, 'y'), (2, null, 'x'), (2, null, 'x')) as t (a, b, c)", GRAIN),
    "lacking": ("from (values (1, 1, 'x'), (null, 2, 'x'), (2, 2, null)) as t (a, b, c)", GRAIN),
    "empty": ("select 1 as a where false", "no_rows"),
    "listed": ("select 1 as a", "no_rows"),
    "within": (
        "from (values (2, 1, 3), (1, 1, 1), (0.3, 0.1 + 0.2, 0.3), (null, 1, 3)) as t (mean, low, high)",
        BETWEEN,
    ),
    "outside": ("from (values (2, 1, 3), (0.9, 1, 3), (3.1, 1, 3)) as t (mean, low, high)", BETWEEN),
    "right_sum": ("from (values (5, 2, 3), (null, 2, null)) as t (a, b, c)", SUM),
    "wrong_sum": ("from (values (5, 2, 4), (5, null, 3), (5, 2, null), (5, 2, 3)) as t (a, b, c)", SUM),
    "told_as_it_was": (
        """from (values ('A', date '2024-12-01', null), ('A', date '2025-01-02', null), ('A', date '2025-03-01', 5.0))
           as t (symbol, day, close)""",
        EQUALS,
    ),
    "told_otherwise": (
        """from (values ('A', date '2025-01-02', 5.0), ('A', date '2025-01-03', 5.1), ('B', date '2025-01-03', null))
           as t (symbol, day, close)""",
        EQUALS,
    ),
    "told_of": (
        """from (values ('A', date '2025-01-03', 'ghost_bar'), ('B', date '2025-01-03', 'split'),
           ('C', date '2025-01-05', 'ghost_bar')) as t (symbol, trade_date, event_type)""",
        SUSPECTS,
    ),
    "untold": (
        "from (values ('B', date '2025-01-03', 'ghost_bar')) as t (symbol, trade_date, event_type)",
        SUSPECTS,
    ),
    "every_month": (f"from (values ({JANUARY}), ({FEBRUARY})) {MONTHS}", ADDS_UP),
    "lost_month": (f"from (values ({JANUARY})) {MONTHS}", ADDS_UP),
    "twice_counted": (
        f"from (values (date '2025-01-01', 3, 9.0, 15.0, 9.0, 15.0), ({FEBRUARY})) {MONTHS}",
        ADDS_UP,
    ),
}


def _described(name: str, test: str | dict[str, object]) -> dict[str, object]:
    column = COLUMNS.get(next(iter(test)))
    if column is None:
        return {"name": name, "data_tests": [test]}
    return {"name": name, "columns": [{"name": column, "data_tests": [test]}]}


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    """By table, the rows that its test found; none where it passed."""
    workdir = tmp_path_factory.mktemp("generic")
    shutil.copytree(DBT_DIR / "tests" / "generic", workdir / "tests" / "generic")
    (workdir / "models").mkdir()
    for name, (query, _) in TABLES.items():
        (workdir / "models" / f"{name}.sql").write_text(query)
    for name, query in INPUTS.items():
        (workdir / "models" / f"{name}.sql").write_text(query)
    described = [_described(name, test) for name, (_, test) in TABLES.items()]
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
        ("within", []),
        ("outside", [(Decimal("0.9"), 1, 3), (Decimal("3.1"), 1, 3)]),
        ("right_sum", []),
        ("wrong_sum", [(5, 2, 4), (5, 2, None), (5, None, 3)]),
        ("told_as_it_was", []),
        (
            "told_otherwise",
            [
                ("A", dt.date(2025, 1, 2), dt.date(2025, 1, 1), Decimal("5.0"), None),
                ("A", dt.date(2025, 1, 3), dt.date(2025, 1, 3), Decimal("5.1"), Decimal("5.0")),
                ("B", dt.date(2025, 1, 3), None, None, None),
            ],
        ),
        ("told_of", []),
        ("untold", [("A", dt.date(2025, 1, 3), True), ("B", dt.date(2025, 1, 3), False)]),
        ("every_month", []),
        (
            "lost_month",
            [
                ("by month", 2, 6, 15, False, 3, 9, 15),
                ("month by month", None, 6, 15, True, 3, 9, 15),
            ],
        ),
        ("twice_counted", [("by month", 4, 12, 15, False, 3, 9, 15)]),
    ],
)
def test_what_it_finds(
    findings: dict[str, list[tuple[object, ...]]], table: str, found: list[tuple[object, ...]]
) -> None:
    assert sorted(findings[table], key=str) == found
