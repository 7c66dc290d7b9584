"""Judges a batch row by row: cast, drop exact repeats, run the suite, split.

Belongs here: the order of the judgements and the reasons given. Does not belong here: the judgements themselves.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from dagster_project.contracts.base import Contract
from dagster_project.contracts.batch import Batch, Reject
from dagster_project.gate.cast import cast_column
from dagster_project.gate.expectations import Finding, evaluate, key_expectation, row_expectations

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.expectations.expectation import Expectation


class ContractMismatchError(ValueError):
    """A batch lacks a column of its contract: a fault of the source, not of a row."""


def judge(batch: Batch, contract: Contract, known: Mapping[str, frozenset[str]], today: dt.date) -> Batch:
    """The batch with the rows that satisfy the contract, in its types, and all others as rejects with their reasons.

    Rows and rejects add up to what came in.

    `known` holds the values that `Column.references` points to; `today` is the day that `not_in_future` means.
    Raises `ContractMismatchError` where a column is absent.
    """
    if missing := [name for name in contract.column_names if name not in batch.rows.column_names]:
        raise ContractMismatchError(f"{batch.source} brought no {', '.join(missing)} for {contract.table}")
    reasons: dict[int, list[str]] = defaultdict(list)
    columns: dict[str, pa.Array] = {}
    for column in contract.columns:
        columns[column.name], unfit = cast_column(batch.rows.column(column.name), column)
        for at, reason in unfit.items():
            reasons[at].append(reason)
    typed = pa.table(columns)
    frame = _frame(typed)
    _find_repeats(frame, batch, reasons)
    whole_suite = [*row_expectations(contract, known, today), key_expectation(contract)]
    at_fault = _evaluate(contract, frame, reasons, whole_suite)
    of_rows = {at: said for at, said in at_fault.items() if any(not finding.is_about_key for finding in said)}
    if len(of_rows) < len(at_fault) and of_rows:
        # a bad row never condemns the good row of its key: asked again, without the bad ones
        at_fault = of_rows | _evaluate(contract, frame, reasons.keys() | of_rows.keys(), [key_expectation(contract)])
    for at, findings in at_fault.items():
        reasons[at] += [
            _sentence(finding, typed, at) for finding in findings if at not in of_rows or not finding.is_about_key
        ]
    is_good = pa.array([at not in reasons for at in range(typed.num_rows)], pa.bool_())
    for name in ("source_file", "source_row"):
        typed = typed.append_column(name, batch.rows.column(name))
    rejects = tuple(_reject(batch, contract, at, reasons[at]) for at in sorted(reasons))
    return replace(batch, rows=typed.filter(is_good), rejects=batch.rejects + rejects)


def _evaluate(
    contract: Contract, frame: pd.DataFrame, without: Collection[int], suite: Sequence[Expectation]
) -> dict[int, list[Finding]]:
    """The findings of a suite by row position, rows that are out already left aside."""
    judged = frame.drop(index=list(without))
    by_row: dict[int, list[Finding]] = defaultdict(list)
    if not judged.empty:
        for finding in evaluate(judged.reset_index(drop=True), contract.table, suite):
            for index in finding.positions:
                by_row[int(judged.index[index])].append(finding)
    return by_row


def _frame(typed: pa.Table) -> pd.DataFrame:
    """The batch as Great Expectations wants it: nullable whole numbers, dates that compare."""
    import pandas as pd

    frame: pd.DataFrame = typed.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}.get)
    for field in typed.schema:
        if pa.types.is_date(field.type):
            frame[field.name] = pd.to_datetime(frame[field.name])
    return frame


def _find_repeats(frame: pd.DataFrame, batch: Batch, reasons: dict[int, list[str]]) -> None:
    """A row that says exactly what an earlier row said is set aside; the earlier one stands."""
    repeated = frame.duplicated(keep="first")
    if not repeated.any():
        return
    first_of = frame.groupby(list(frame.columns), dropna=False, sort=False).ngroup()
    first_position = first_of.drop_duplicates().reset_index(name="group").set_index("group")["index"]
    for at in frame.index[repeated]:
        if at not in reasons:
            first = int(first_position[first_of[at]])
            reasons[int(at)].append(f"repeats {batch.rows['source_file'][first]} row {batch.rows['source_row'][first]}")


def _sentence(finding: Finding, typed: pa.Table, at: int) -> str:
    cells = ", ".join(_shown(typed, name, at) for name in finding.columns)
    return f"{cells} {finding.because}" if len(finding.columns) == 1 else f"{finding.because}: {cells}"


def _shown(typed: pa.Table, name: str, at: int) -> str:
    value = typed[name][at].as_py()
    return name if value is None else f"{name} {value}"


def _reject(batch: Batch, contract: Contract, at: int, reasons: list[str]) -> Reject:
    record = {name: batch.rows[name][at].as_py() for name in contract.column_names}
    return Reject(
        source_file=batch.rows["source_file"][at].as_py(),
        source_row=batch.rows["source_row"][at].as_py(),
        reason="; ".join(reasons),
        record=json.dumps(record, default=str, ensure_ascii=False),
    )
