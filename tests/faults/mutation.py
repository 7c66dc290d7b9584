"""Takes each check away, turns it round or loosens it, and shows that it is missed: `make mutation`.

Belongs here: the mutants and the table of what became of them. Does not belong here: the faults (`matrix`).

A mutant that no fault and no test notices is a check that could be lost unseen: the exit status is 1 then.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import matrix
import pyarrow as pa
import yaml
from matrix import Fault

from dagster_project.contracts.base import Column, Contract
from dagster_project.gate.cast import cast_column
from dagster_project.gate.expectations import evaluate, row_expectations

EMPTY: dict[str, Any] = {
    "required": False,
    "above": None,
    "minimum": None,
    "maximum": None,
    "allowed": (),
    "not_before": None,
    "not_after": None,
    "pattern": None,
    "references": None,
    "none_of": None,
    "not_in_future": False,
}
"""What a column promises, and the value that promises nothing."""


@dataclass(frozen=True)
class Mutant:
    """A check, what was done to it, and whether a fault noticed."""

    check: str
    change: str
    is_noticed: bool


def main() -> int:
    """Try every mutant and print the table; with names of files of Python as arguments only the guards in those."""
    if sys.argv[1:]:
        return _told(of_python({path: PYTHON[path] for path in sys.argv[1:]}))
    faults = matrix.faults()
    return _told(chain(of_contracts(faults), of_rules(faults), of_python(PYTHON)))


def _told(mutants: Iterable[Mutant]) -> int:
    counted: Counter[tuple[str, bool]] = Counter()
    for mutant in mutants:
        verdict = "killed" if mutant.is_noticed else "SURVIVED"
        print(f"{verdict:9} {mutant.change:9} {mutant.check}", flush=True)  # noqa: T201
        counted[mutant.change, mutant.is_noticed] += 1
    for (change, is_noticed), count in sorted(counted.items()):
        print(f"{change:9} {'killed' if is_noticed else 'SURVIVED':9} {count:4}")  # noqa: T201
    return int(any(not is_noticed for _, is_noticed in counted))


def of_contracts(faults: list[Fault]) -> Iterator[Mutant]:
    """Each promise of each column, and each rule, taken away."""
    for table in dict.fromkeys(fault.data["table"] for fault in faults if fault.level == "row"):
        contract = matrix.CONTRACTS[table]
        tried = [fault for fault in faults if fault.level == "row" and fault.data["table"] == table]
        rows = [matrix._base(table, at) | fault.data["cells"] for at, fault in enumerate(tried, 1)]
        for column in contract.columns:
            alone = replace(contract, columns=(column,), rules=())
            whole = _caught(alone, rows)
            for name, nothing in EMPTY.items():
                if getattr(column, name) != nothing:
                    without = replace(alone, columns=(_without(column, name, nothing),))
                    yield Mutant(f"{table}.{column.name} {name}", "removed", whole != _caught(without, rows))
        for rule in contract.rules:
            named = {value for value in vars(rule).values() if value in contract.column_names}
            alone = replace(
                contract, columns=tuple(_plain(c) for c in contract.columns if c.name in named), rules=(rule,)
            )
            noticed = _caught(alone, rows) != _caught(replace(alone, rules=()), rows)
            yield Mutant(f"{table} {rule.reason}", "removed", noticed)


def _without(column: Column, name: str, nothing: Any) -> Column:
    return replace(column, **{name: nothing})


def _plain(column: Column) -> Column:
    return replace(column, **EMPTY)


def _caught(contract: Contract, rows: list[dict[str, str | None]]) -> frozenset[tuple[int, str]]:
    """By position, the rows that the row expectations find wrong, and why."""
    import pandas as pd

    columns = {
        column.name: cast_column(
            pa.chunked_array([pa.array([row[column.name] or None for row in rows], pa.string())]), column
        )[0]
        for column in contract.columns
    }
    frame = pa.table(columns).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}.get)
    for column in contract.columns:
        if column.type == "date":
            frame[column.name] = pd.to_datetime(frame[column.name])
    suite = list(row_expectations(contract, matrix.known(), matrix.TODAY))
    if not suite:
        return frozenset()
    return frozenset((at, found.because) for found in evaluate(frame, "mutant", suite) for at in found.positions)


def of_rules(faults: list[Fault]) -> Iterator[Mutant]:
    """Each rule of plausibility taken away and turned round, and each threshold loosened beyond all sense.

    In the SQL that dbt compiled, on a warehouse in which each fault has a company of its own.
    """
    tried = [fault for fault in faults if fault.level in ("odd", "series")]
    symbols = matrix.companies_of(tried)
    with tempfile.TemporaryDirectory() as folder:
        workdir = Path(folder)
        built = matrix.try_warehouse(workdir, tried)
        as_it_is = {name: _compiled(workdir, name) for name in matrix.FINDINGS}
        marks = {name: 880_000_000 + at for at, name in enumerate(_thresholds())}
        matrix._dbt(workdir, "compile", *matrix.FINDINGS, variables=marks)
        marked = {name: _compiled(workdir, name) for name in matrix.FINDINGS}
        with duckdb.connect(str(workdir / "build" / "warehouse.duckdb"), read_only=True) as connection:

            def found(sql: str) -> set[tuple[str, str]]:
                return set(connection.execute(f"select symbol, rule from ({sql}) where not is_accepted").fetchall())

            for name, sql in as_it_is.items():
                rules = sorted(set(re.findall(r"'(\w+)' as rule", sql)))
                expected = {(symbols[fault.name], fault.says) for fault in tried if fault.says in rules}
                for rule in rules:
                    for change, condition in (("removed", "false"), ("inverted", "not ({})")):
                        now = found(_mutated(sql, rule, condition))
                        missed = {one for one in expected if one[1] == rule} - now
                        yield Mutant(f"{name} {rule}", change, bool(missed or now - set(built.findings)))
                values = {mark: _thresholds()[variable] for variable, mark in marks.items()}
                assert found(_with(marked[name], values)) == found(sql), "marks stand for values, and for nothing else"
                for variable, mark in marks.items():
                    if str(mark) in marked[name]:
                        # which way is loose depends on the rule: the one that finds less
                        ways = []
                        for way in ("(-1e15)", "1e15"):
                            with suppress(duckdb.InvalidInputException):  # no length of a frame: a build would fail
                                ways.append(found(_with(marked[name], values | {mark: way})))
                        is_noticed = not ways or bool(expected - min(ways, key=len))
                        yield Mutant(f"{name} {variable}", "loosened", is_noticed)


def _compiled(workdir: Path, name: str) -> str:
    (path,) = (workdir / "target" / "compiled").rglob(f"{name}.sql")
    return path.read_text(encoding="utf-8")


@cache
def _thresholds() -> dict[str, Any]:
    project = yaml.safe_load((matrix.REPO / "dbt" / "dbt_project.yml").read_text(encoding="utf-8"))
    return {name: value for name, value in project["vars"].items() if isinstance(value, (int, float))}


def _with(sql: str, values: Mapping[int, object]) -> str:
    for mark, value in values.items():
        sql = sql.replace(str(mark), str(value))
    return sql


_FAULTS = "tests/faults/test_faults.py::test_a_faulty_"
_FILES = (
    "tests/unit/test_file_prices.py",
    "tests/unit/test_price_file_shapes.py",
    "tests/unit/test_price_file_exports.py",
    f"{_FAULTS}price_file_is_named_with_its_reason",
)
_ROWS = ("tests/unit/test_gate.py", f"{_FAULTS}row_is_kept_out_with_its_reason")
PYTHON: dict[str, tuple[str, ...]] = {
    "dagster_project/warehouse/load.py": ("tests/unit/test_load.py",),
    "dagster_project/warehouse/publish.py": ("tests/unit/test_publish.py",),
    "dagster_project/warehouse/backup.py": ("tests/unit/test_backup.py",),
    "dagster_project/runs/lock.py": ("tests/orchestration/test_single_writer.py",),
    "dagster_project/gate/gate.py": _ROWS,
    "dagster_project/gate/cast.py": _ROWS,
    "dagster_project/contracts/base.py": _ROWS,
    "dagster_project/sources/curated.py": (
        "tests/unit/test_curated_facts.py",
        f"{_FAULTS}reference_file_is_refused_with_its_reason",
    ),
    "dagster_project/sources/spreadsheet.py": (
        "tests/unit/test_spreadsheet_facts.py",
        "tests/unit/test_curated_facts.py",
    ),
    "dagster_project/sources/prices/files/bars.py": _FILES,
    "dagster_project/sources/prices/files/dates.py": _FILES,
    "dagster_project/sources/prices/files/folder.py": _FILES,
    "dagster_project/sources/prices/files/layouts.py": _FILES,
    "dagster_project/sources/prices/files/names.py": _FILES,
    "dagster_project/sources/prices/files/numbers.py": _FILES,
    "dagster_project/sources/prices/files/sheets.py": _FILES,
    "dagster_project/sources/prices/files/source.py": _FILES,
    "dagster_project/settings.py": ("tests/unit/test_settings.py",),
    "dagster_project/engine.py": ("tests/unit/test_engine.py", "tests/unit/test_settings.py"),
}
"""By file with guards of its own, the tests that must notice when one is taken away."""


def of_python(files: Mapping[str, Sequence[str]]) -> Iterator[Mutant]:
    """Each `if` that leads to a `raise` taken away, in a copy of the project."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        ignored = shutil.ignore_patterns(".git", "data", "__pycache__", ".*_cache")
        shutil.copytree(matrix.REPO, copy, ignore=ignored, symlinks=True)
        for path, tests in files.items():
            source = (copy / path).read_text(encoding="utf-8")
            for line, text in _without_guards(source):
                (copy / path).write_text(text, encoding="utf-8")
                guard = f"{path}:{line} {source.splitlines()[line - 1].strip()}"
                yield Mutant(guard, "unguarded", not _pass(copy, tests))
            (copy / path).write_text(source, encoding="utf-8")


def _pass(project: Path, tests: Sequence[str]) -> bool:
    """Whether the tests pass in this copy of the project; those that wait for ever do not."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:randomly", *tests]
    try:
        return not subprocess.run(command, cwd=project, capture_output=True, check=False, timeout=300).returncode
    except subprocess.TimeoutExpired:
        return False


def _without_guards(source: str) -> Iterator[tuple[int, str]]:
    """The line of each guard, and the source without it."""
    for at in range(sum(isinstance(node, ast.If) for node in ast.walk(ast.parse(source)))):
        tree = ast.parse(source)
        guard = [node for node in ast.walk(tree) if isinstance(node, ast.If)][at]
        if isinstance(guard.body[-1], ast.Raise):
            guard.test = ast.Constant(value=False)
            yield guard.lineno, ast.unparse(tree)


def _mutated(sql: str, rule: str, condition: str) -> str:
    """The SQL with the condition of one rule replaced; `{}` stands for the old one."""
    begins = sql.index(f"'{rule}' as rule")
    where = sql.index("\n    where ", begins) + len("\n    where ")
    ends = sql.index("\n", where)
    return sql[:where] + condition.format(sql[where:ends]) + sql[ends:]


if __name__ == "__main__":
    sys.exit(main())
