"""Judges a batch row by row: cast, drop exact repeats, run the suite, split.

Belongs here: the order of the judgements and the reasons given. Does not belong here: the judgements themselves.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dagster_project.contracts.base import Contract
from dagster_project.contracts.batch import Batch, GateCheck, HandOver, KeptOut, Reject, added_to, rejects_table
from dagster_project.gate.cast import ARROW_TYPES, cast_column
from dagster_project.gate.expectations import Finding, check_name, evaluate, key_expectation, row_expectations
from dagster_project.progress import Pace
from dagster_project.stored_rows import RowStore

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from great_expectations.expectations.expectation import Expectation
    from numpy.typing import NDArray

_Reasons = dict[int, list[str]]
"""Why rows are rejected, by their position."""


_IS_A_ROW = "every line is a row"
_FITS = "every cell is of its type, texts harmless"
_IS_NO_REPEAT = "no row repeats another"
"""What is asked before Great Expectations is: the names of these checks."""


class ContractMismatchError(ValueError):
    """A batch lacks a column of its contract: a fault of the source, not of a row."""


GOOD_ROWS, BAD_ROWS = "good.arrows", "bad.arrows"
"""What `judge_fetched` calls its files."""

ROWS_AT_A_TIME = 500_000
"""Rows judged together: what they take in memory as a data frame is a few hundred megabytes."""


def judge(
    batch: Batch,
    contract: Contract,
    known: Mapping[str, frozenset[str]],
    today: dt.date,
    rows_at_a_time: int = ROWS_AT_A_TIME,
    page: Path | None = None,
) -> Batch:
    """The batch with the rows that satisfy the contract, in its types, and all others as rejects with their reasons.

    Rows and rejects add up to what came in, in the order in which it came.

    `known` holds the values that columns point to by name; `today` is the day that `not_in_future` means. A batch
    of more than `rows_at_a_time` is judged in parts where the contract has groups (`guard_by`): a group is never cut,
    so rows that share a key are judged together. With `page`, Great Expectations' own page is written there, on the
    first part of such a batch. Raises `ContractMismatchError` where a column is absent.
    """
    good: list[pa.Table] = []
    bad: list[Reject] = []
    judgement = _Judgement(contract, known, today, good.append, bad.extend, rows_at_a_time, page)
    judgement.take(batch.rows)
    judged = judgement.passed(batch, pa.concat_tables(good))
    return replace(judged, rejects=(*batch.rejects, *bad))


def judge_fetched(
    fetch: Callable[[HandOver], Batch],
    contract: Contract,
    known: Mapping[str, frozenset[str]],
    today: dt.date,
    room: Path,
    page: Path | None = None,
    rows_at_a_time: int = ROWS_AT_A_TIME,
) -> Batch:
    """Fetch a batch and judge it part by part while it is fetched; what was judged is in two files in `room`.

    What `fetch` hands over is judged as soon as there are `rows_at_a_time`, so that memory holds no more of it. Else
    as `judge`, from which rows and rejects come in the same order. Raises `OSError` where the disk is full.
    """
    good, bad = RowStore(room / GOOD_ROWS), RowStore(room / BAD_ROWS)
    seen: dict[str, KeptOut] = {}

    def keep_out(rejects: list[Reject]) -> None:
        if rejects:
            bad.append(rejects_table(rejects))
            added_to(seen, rejects)

    judgement = _Judgement(contract, known, today, good.append, keep_out, rows_at_a_time, page)
    waiting: list[pa.Table] = []
    rows_waiting = 0

    def judge_waiting() -> None:
        nonlocal rows_waiting
        rows = pa.concat_tables(waiting)
        waiting.clear()
        rows_waiting = 0
        judgement.take(rows)

    def take(rows: pa.Table) -> None:
        nonlocal rows_waiting
        if waiting and rows_waiting + rows.num_rows > rows_at_a_time:
            judge_waiting()
        waiting.append(rows)
        rows_waiting += rows.num_rows

    try:
        batch = fetch(take)
        take(batch.rows)
        judge_waiting()
    finally:
        stored, stored_rejects = good.close(), bad.close()
    judged = judgement.passed(batch, judgement.nothing)
    return replace(judged, stored=stored, stored_rejects=stored_rejects, kept_out_on_disk=seen)


class _Judgement:
    """Judges rows in parts, and keeps count of what it found."""

    def __init__(
        self,
        contract: Contract,
        known: Mapping[str, frozenset[str]],
        today: dt.date,
        keep: HandOver,
        keep_out: Callable[[list[Reject]], None],
        rows_at_a_time: int,
        page: Path | None,
    ) -> None:
        """`keep` receives the good rows and `keep_out` the others, each in the order in which they came."""
        self._contract = contract
        self._suite = [*row_expectations(contract, known, today), key_expectation(contract)]
        self._keep = keep
        self._keep_out = keep_out
        self._rows_at_a_time = rows_at_a_time
        self._page = page
        self._failing: Counter[str] = Counter()
        self._pace = Pace()
        self._judged = 0

    def take(self, rows: pa.Table) -> None:
        """Judge rows of which no group has others elsewhere. Raises `ContractMismatchError` as `judge` does."""
        contract = self._contract
        if missing := [name for name in contract.column_names if name not in rows.column_names]:
            raise ContractMismatchError(f"a batch without {', '.join(missing)} came for {contract.table}")
        reasons: _Reasons = {}
        good: list[pa.Table] = []
        good_positions: list[NDArray[np.int64]] = []
        for positions in _parts(rows, contract, self._rows_at_a_time):
            typed, wrong, failed = _judge_part(_rows_at(rows, positions), contract, self._suite, self._page)
            if typed.num_rows:
                self._page = None
            self._failing += failed
            is_good = np.ones(typed.num_rows, dtype=np.bool_)
            is_good[list(wrong)] = False
            good.append(typed.filter(pa.array(is_good)))
            good_positions.append(positions[is_good])
            reasons |= {int(positions[at]): said for at, said in wrong.items()}
            self._judged += len(positions)
            self._pace.say(f"{self._judged:,} rows judged")
        kept, order = pa.concat_tables(good), np.concatenate(good_positions)
        if (order[1:] < order[:-1]).any():
            kept = kept.take(np.argsort(order))
        self._keep(kept)
        self._keep_out(list(_rejects(rows, contract, reasons)))

    @property
    def nothing(self) -> pa.Table:
        """A table of judged rows without any."""
        types = [(column.name, ARROW_TYPES[column.type]) for column in self._contract.columns]
        return pa.schema([*types, ("source_file", pa.string()), ("source_row", pa.int64())]).empty_table()

    def passed(self, batch: Batch, rows: pa.Table) -> Batch:
        """The batch with `rows` in place of its own, and with what was asked of them."""
        checks = (
            GateCheck(_IS_A_ROW, "gate", len(batch.rejects)),
            *(GateCheck(name, "gate", self._failing[name]) for name in (_FITS, _IS_NO_REPEAT)),
            *(GateCheck(name, "great_expectations", self._failing[name]) for name in map(check_name, self._suite)),
        )
        return replace(batch, rows=rows, checks=checks)


def _parts(rows: pa.Table, contract: Contract, rows_at_a_time: int) -> Iterator[NDArray[np.int64]]:
    """The positions of the rows to judge together: whole groups, in the order in which they first come."""
    if rows.num_rows <= rows_at_a_time or not contract.guard_by:
        yield np.arange(rows.num_rows)
        return
    column = {column.name: column for column in contract.columns}
    cells = [cast_column(rows.column(name), column[name])[0].cast(pa.string()) for name in contract.guard_by]
    group = pc.binary_join_element_wise(*(cell.fill_null("") for cell in cells), " ")
    number = group.dictionary_encode().indices.to_numpy()
    by_group = np.argsort(number, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(number[by_group])) + 1, rows.num_rows)
    start = 0
    for end, next_end in itertools.pairwise([*ends, rows.num_rows + rows_at_a_time]):
        if next_end - start > rows_at_a_time:
            yield np.sort(by_group[start:end])
            start = int(end)


def _rows_at(rows: pa.Table, positions: NDArray[np.int64]) -> pa.Table:
    """The rows at ascending positions, without a copy where they lie side by side."""
    if positions.size and positions[-1] - positions[0] + 1 == positions.size:
        return rows.slice(int(positions[0]), positions.size)
    return rows.take(positions)


def _judge_part(
    rows: pa.Table, contract: Contract, suite: Sequence[Expectation], page: Path | None
) -> tuple[pa.Table, _Reasons, Counter[str]]:
    """The rows in the contract's types with their origin, by position why a row is rejected, and by check how many."""
    reasons: _Reasons = defaultdict(list)
    columns: dict[str, pa.Array] = {}
    for column in contract.columns:
        columns[column.name], unfit = cast_column(rows.column(column.name), column)
        for at, reason in unfit.items():
            reasons[at].append(reason)
    typed = pa.table(columns)
    failing = Counter({_FITS: len(reasons)})
    frame = _frame(typed)
    _find_repeats(frame, rows, contract, reasons)
    failing[_IS_NO_REPEAT] = len(reasons) - failing[_FITS]
    at_fault = _evaluate(contract, frame, reasons, suite, page)
    of_rows = {at: said for at, said in at_fault.items() if any(not finding.is_about_key for finding in said)}
    if len(of_rows) < len(at_fault) and of_rows:
        # a bad row never condemns the good row of its key: asked again, without the bad ones
        at_fault = of_rows | _evaluate(contract, frame, reasons.keys() | of_rows.keys(), [key_expectation(contract)])
    for (at, findings), cells in zip(at_fault.items(), _cells(typed, list(at_fault)), strict=True):
        reasons[at] += [
            _sentence(finding, cells) for finding in findings if at not in of_rows or not finding.is_about_key
        ]
    for name in ("source_file", "source_row"):
        typed = typed.append_column(name, rows.column(name))
    failing.update(finding.question for findings in at_fault.values() for finding in findings)
    return typed, reasons, failing


def _evaluate(
    contract: Contract,
    frame: pd.DataFrame,
    without: Collection[int],
    suite: Sequence[Expectation],
    page: Path | None = None,
) -> dict[int, list[Finding]]:
    """The findings of a suite by row position, rows that are out already left aside."""
    judged = frame.drop(index=list(without))
    by_row: dict[int, list[Finding]] = defaultdict(list)
    if not judged.empty:
        for finding in evaluate(judged.reset_index(drop=True), contract.table, suite, page):
            for index in finding.positions:
                by_row[int(judged.index[index])].append(finding)
    return by_row


def _frame(typed: pa.Table) -> pd.DataFrame:
    """The batch as Great Expectations wants it: nullable whole numbers, dates that compare.

    It compares a column at once only where that is of NumPy's whole numbers or of nanoseconds, else cell by cell; so
    a column is of these types wherever they can hold its cells.
    """
    import pandas as pd

    frame: pd.DataFrame = typed.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}.get)
    for field in typed.schema:
        if pa.types.is_date(field.type):
            days = pd.to_datetime(frame[field.name])
            fits = days.dropna().between(pd.Timestamp.min, pd.Timestamp.max).all()
            frame[field.name] = days.astype("datetime64[ns]") if fits else days
        elif pa.types.is_int64(field.type) and not typed[field.name].null_count:
            frame[field.name] = frame[field.name].astype("int64")
    return frame


def _find_repeats(frame: pd.DataFrame, rows: pa.Table, contract: Contract, reasons: _Reasons) -> None:
    """A row that says exactly what an earlier row said is set aside; the earlier one stands."""
    if not frame.duplicated(list(contract.key)).any():
        return  # a repeat has the key of another row
    repeated = frame.duplicated(keep="first")
    if not repeated.any():
        return
    first_of = frame.groupby(list(frame.columns), dropna=False, sort=False).ngroup()
    first_position = first_of.drop_duplicates().reset_index(name="group").set_index("group")["index"]
    for at in frame.index[repeated]:
        if at not in reasons:
            first = int(first_position[first_of[at]])
            reasons[int(at)].append(f"repeats {rows['source_file'][first]} row {rows['source_row'][first]}")


def _cells(table: pa.Table, positions: Sequence[int]) -> list[dict[str, Any]]:
    """The rows at these positions: taken together, for a look at each cell of a table takes longer."""
    rows: list[dict[str, Any]] = table.take(pa.array(positions, pa.int64())).to_pylist()
    return rows


def _sentence(finding: Finding, cells: Mapping[str, Any]) -> str:
    shown = ", ".join(name if cells[name] is None else f"{name} {cells[name]}" for name in finding.columns)
    return f"{shown} {finding.because}" if len(finding.columns) == 1 else f"{finding.because}: {shown}"


def _rejects(rows: pa.Table, contract: Contract, reasons: _Reasons) -> Iterator[Reject]:
    """The rows at these positions as rejects, in the order of the rows."""
    positions = sorted(reasons)
    records = _cells(rows.select(contract.column_names), positions)
    places = _cells(rows.select(["source_file", "source_row"]), positions)
    for at, record, place in zip(positions, records, places, strict=True):
        said = json.dumps(record, default=str, ensure_ascii=False)
        yield Reject(place["source_file"], place["source_row"], "; ".join(reasons[at]), said)
