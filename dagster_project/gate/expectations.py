"""Translates a contract into a Great Expectations suite, and the suite's result into findings.

Belongs here: the translation of every contract rule to one expectation, and of every unexpected row back to a
reason. Does not belong here: casting (`cast`), what happens to a rejected row (`gate`).
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from dagster_project.contracts.base import AtLeast, Column, Contract, EmptyWith, RequiredWithout, Rule, Within
from dagster_project.gate.data_docs import write_page

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.data_context import EphemeralDataContext
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration


@dataclass(frozen=True)
class Finding:
    """What one expectation found: which rows (by position in the batch) are wrong, and why.

    `question` is the expectation's `check_name`.
    """

    name: str
    question: str
    columns: tuple[str, ...]
    because: str
    positions: tuple[int, ...]

    @property
    def is_about_key(self) -> bool:
        """Whether the rows are wrong only beside each other."""
        return self.name.endswith("to_be_unique")


class ExpectationError(RuntimeError):
    """Great Expectations could not evaluate an expectation; the batch has not been judged."""


def evaluate(
    frame: pd.DataFrame, name: str, expectations: Sequence[Expectation], page: Path | None = None
) -> list[Finding]:
    """Run a suite on a typed batch and return a finding for each expectation that is not met, in no certain order.

    `frame` has a default index and the contract's columns, dates as `datetime64`; `expectations` come from
    `row_expectations` or `key_expectation`. With `page`, the whole result is written there as Great Expectations' own
    page. Raises `ExpectationError` where an expectation itself fails to run.
    """
    context = _context()
    import great_expectations as gx

    batch = context.data_sources.pandas_default.read_dataframe(frame)
    # a yes or no of each takes half the time that the rows take, and mostly it is yes
    numbered = [copy(expectation) for expectation in expectations]
    for number, expectation in enumerate(numbered):
        expectation.meta = {**(expectation.meta or {}), "number": number}
    suite = gx.ExpectationSuite(name=name, expectations=list(numbered))
    validation = batch.validate(suite, result_format="BOOLEAN_ONLY")
    met = [answer for answer in validation.results if answer.success]
    unmet = [
        copy(expectations[_configuration(answer)[1]["number"]]) for answer in validation.results if not answer.success
    ]
    outcomes: list[ExpectationValidationResult] = []
    if unmet:
        suite = gx.ExpectationSuite(name=f"{name}_unmet", expectations=list(unmet))
        outcomes = batch.validate(suite, result_format="COMPLETE").results
    if page is not None:
        validation.results = [*outcomes, *met]
        write_page(page, validation)
    return [_finding(outcome) for outcome in outcomes]


def check_name(expectation: Expectation) -> str:
    """What an expectation asks, in words and unique within a contract: what no row may be."""
    said = expectation.configuration.kwargs
    columns = said.get("column_list") or [said[name] for name in ("column", "column_A", "column_B") if name in said]
    return _question(tuple(columns), str((expectation.meta or {})["because"]))


def _question(columns: tuple[str, ...], because: str) -> str:
    return f"no {columns[0]} {because}" if len(columns) == 1 else f"no row with {because}: {', '.join(columns)}"


@cache
def _context() -> EphemeralDataContext:
    """Great Expectations set up once per process, silent and without files."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def warm_up() -> None:
    """Import Great Expectations and judge a row, so that the next batch finds it all loaded."""
    import great_expectations.expectations as gxe
    import pandas as pd

    evaluate(
        pd.DataFrame({"day": [1]}), "warm_up", [gxe.ExpectColumnValuesToBeUnique(column="day", meta={"because": ""})]
    )


def row_expectations(contract: Contract, known: Mapping[str, frozenset[str]], today: dt.date) -> Iterator[Expectation]:
    """What the contract asks of each row alone; every expectation carries its reason in `meta["because"]`.

    `known` holds the values that `Column.references` and `Column.none_of` point to.
    """
    for column in contract.columns:
        yield from _column_expectations(column, known, today)
    for rule in contract.rules:
        yield _rule_expectation(rule)


def key_expectation(contract: Contract) -> Expectation:
    """One row per key: asked of the rows that are right by themselves, so a bad row never condemns a good one."""
    import great_expectations.expectations as gxe

    key = list(contract.key)
    because = f"several different rows for one {', '.join(key)}"
    if len(key) == 1:
        return gxe.ExpectColumnValuesToBeUnique(column=key[0], meta={"because": because})
    return gxe.ExpectCompoundColumnsToBeUnique(column_list=key, ignore_row_if="never", meta={"because": because})


def _column_expectations(column: Column, known: Mapping[str, frozenset[str]], today: dt.date) -> Iterator[Expectation]:
    import great_expectations.expectations as gxe

    if column.required:
        yield gxe.ExpectColumnValuesToNotBeNull(column=column.name, meta={"because": "is missing"})
    if column.above is not None:
        yield gxe.ExpectColumnValuesToBeBetween(
            column=column.name,
            min_value=column.above,
            strict_min=True,
            meta={"because": f"is not above {column.above:g}"},
        )
    if column.minimum is not None:
        yield gxe.ExpectColumnValuesToBeBetween(
            column=column.name, min_value=column.minimum, meta={"because": f"is below {column.minimum:g}"}
        )
    if column.maximum is not None:
        yield gxe.ExpectColumnValuesToBeBetween(
            column=column.name, max_value=column.maximum, meta={"because": f"is above {column.maximum:g}"}
        )
    if column.not_before is not None:
        yield gxe.ExpectColumnValuesToBeBetween(
            column=column.name,
            min_value=dt.datetime.combine(column.not_before, dt.time()),
            meta={"because": f"is before {column.not_before}"},
        )
    if column.not_after is not None:
        yield gxe.ExpectColumnValuesToBeBetween(
            column=column.name,
            max_value=dt.datetime.combine(column.not_after, dt.time()),
            meta={"because": f"is after {column.not_after}"},
        )
    if column.not_in_future:
        yield gxe.ExpectColumnValuesToBeBetween(
            column=column.name, max_value=dt.datetime.combine(today, dt.time()), meta={"because": "lies in the future"}
        )
    if column.allowed:
        yield gxe.ExpectColumnValuesToBeInSet(
            column=column.name,
            value_set=list(column.allowed),
            meta={"because": f"is not one of {', '.join(column.allowed)}"},
        )
    if column.pattern is not None:
        yield gxe.ExpectColumnValuesToMatchRegex(
            column=column.name,
            regex=column.pattern,
            meta={"because": column.pattern_reason or f"does not look like {column.pattern}"},
        )
    if column.references is not None:
        yield gxe.ExpectColumnValuesToBeInSet(
            column=column.name,
            value_set=sorted(known[column.references]),
            meta={"because": f"is not in the reference list of {column.references}"},
        )
    if column.none_of is not None:
        yield gxe.ExpectColumnValuesToNotBeInSet(
            column=column.name,
            value_set=sorted(known[column.none_of]),
            meta={"because": f"is in the reference list of {column.none_of}, and would be taken for another of it"},
        )


def _rule_expectation(rule: Rule) -> Expectation:
    import great_expectations.expectations as gxe

    if isinstance(rule, AtLeast):
        return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=rule.larger,
            column_B=rule.smaller,
            or_equal=True,
            ignore_row_if="either_value_is_missing",
            meta={"because": rule.reason},
        )
    if isinstance(rule, Within):
        return gxe.ExpectColumnValuesToBeBetween(
            column=rule.column,
            min_value=rule.minimum,
            max_value=rule.maximum,
            row_condition=f'{rule.given} == "{rule.value}"',
            condition_parser="pandas",
            meta={"because": rule.reason},
        )
    is_as_asked = gxe.ExpectColumnValuesToBeNull if isinstance(rule, EmptyWith) else gxe.ExpectColumnValuesToNotBeNull
    return is_as_asked(
        column=rule.column,
        row_condition=f"{rule.given}.{'isnull' if isinstance(rule, RequiredWithout) else 'notnull'}()",
        condition_parser="pandas",
        meta={"because": rule.reason},
    )


def _configuration(outcome: ExpectationValidationResult) -> tuple[ExpectationConfiguration, dict[str, Any]]:
    """What was asked, and what we wrote on it."""
    config = outcome.expectation_config
    if config is None or config.meta is None:
        raise ExpectationError(f"an expectation came back without its configuration: {outcome}")
    return config, config.meta


def _finding(outcome: ExpectationValidationResult) -> Finding:
    config, meta = _configuration(outcome)
    kwargs = config.kwargs
    columns = kwargs.get("column_list") or [
        kwargs[name] for name in ("column", "column_A", "column_B") if name in kwargs
    ]
    if not outcome.success and "unexpected_count" not in outcome.result:
        raise ExpectationError(f"{config.type} on {', '.join(columns)} did not run: {outcome.exception_info}")
    return Finding(
        name=config.type,
        question=_question(tuple(columns), meta["because"]),
        columns=tuple(columns),
        because=meta["because"],
        positions=tuple(int(at) for at in outcome.result.get("unexpected_index_list") or ()),
    )
