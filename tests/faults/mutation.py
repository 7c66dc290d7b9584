"""Takes each check away, or turns it round, and shows that a fault of the matrix is missed then: `make mutation`.

Belongs here: the mutants and the table of what became of them. Does not belong here: the faults (`matrix`).

A mutant that no fault notices is a check that could be lost unseen: the exit status is 1 then.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import matrix
import pyarrow as pa
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
    """Try every mutant and print the table."""
    faults = matrix.faults()
    mutants = [*of_contracts(faults), *of_rules(faults)]
    for mutant in mutants:
        print(f"{'killed' if mutant.is_noticed else 'SURVIVED':9} {mutant.change:9} {mutant.check}")  # noqa: T201
    counted = Counter((mutant.change, mutant.is_noticed) for mutant in mutants)
    for (change, is_noticed), count in sorted(counted.items()):
        print(f"{change:9} {'killed' if is_noticed else 'SURVIVED':9} {count:4}")  # noqa: T201
    return int(any(not mutant.is_noticed for mutant in mutants))


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
    """Each rule of plausibility taken away and turned round, in the SQL that dbt compiled."""
    tried = [fault for fault in faults if fault.level in ("odd", "series")]
    symbols = matrix.companies_of(tried)
    with tempfile.TemporaryDirectory() as folder:
        built = matrix.try_warehouse(Path(folder), tried)
        with duckdb.connect(str(Path(folder) / "build" / "warehouse.duckdb"), read_only=True) as connection:
            for name in matrix.FINDINGS:
                (path,) = (Path(folder) / "target" / "compiled").rglob(f"{name}.sql")
                sql = path.read_text(encoding="utf-8")
                for rule in sorted(set(re.findall(r"'(\w+)' as rule", sql))):
                    expected = {(symbols[fault.name], rule) for fault in tried if fault.says == rule}
                    for change, condition in (("removed", "false"), ("inverted", "not ({})")):
                        found = set(
                            connection.execute(
                                f"select symbol, rule from ({_mutated(sql, rule, condition)}) where not is_accepted"
                            ).fetchall()
                        )
                        yield Mutant(
                            f"{name} {rule}", change, not expected <= found or bool(found - set(built.findings))
                        )


def _mutated(sql: str, rule: str, condition: str) -> str:
    """The SQL with the condition of one rule replaced; `{}` stands for the old one."""
    begins = sql.index(f"'{rule}' as rule")
    where = sql.index("\n    where ", begins) + len("\n    where ")
    ends = sql.index("\n", where)
    return sql[:where] + condition.format(sql[where:ends]) + sql[ends:]


if __name__ == "__main__":
    sys.exit(main())
