"""A rule of the domain stands in the warehouse once; readers and other models ask for its answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dagster_project.settings import PROJECT_DIR

COMPARED = r"==|!=|<>|=|~|(?:not\s+)?(?:i?like|glob|in|similar\s+to)\b"
REASON_COMPARED = re.compile(
    rf"""
    \w_coverage["')\]]*\s*(?:{COMPARED})\s*\(?\s*['"$]              # a reason against a text or a parameter
    |\w_coverage["')\]]*\.(?:str\.)?(?:starts|ends|contains|eq|match)  # a part of it looked for
    |(?:{COMPARED})\s*['"]complete                                   # the word that says that there is none
    |(?:with|contains|match)\(+['"](?:complete|stated|partial|outdated)
    |['"](?:complete|stated|partial|outdated)%
    """,
    re.VERBOSE,
)


def _code() -> Iterator[Path]:
    """What asks the marts or makes them."""
    for folder, endings in (("dbt", {".sql", ".yml"}), ("dagster_project", {".py"})):
        yield from (path for path in sorted((PROJECT_DIR / folder).rglob("*")) if path.suffix in endings)


def test_beside_every_reason_stands_whether_the_figure_is_complete(manifest: dict[str, Any]) -> None:
    for model in manifest["nodes"].values():
        if model["resource_type"] != "model" or model["schema"] != "marts":
            continue
        for name in [name for name in model["columns"] if name.endswith("_coverage")]:
            beside = model["columns"].get(name.removesuffix("_coverage") + "_is_complete")
            assert beside, f"{model['name']}.{name} has no _is_complete"
            if model["config"]["materialized"] != "table_macro":
                assert beside["data_type"] == "boolean", f"{model['name']}.{name}"
                assert "not_null" in {rule["type"] for rule in beside["constraints"]}, f"{model['name']}.{name}"


def test_no_code_compares_the_text_of_a_reason() -> None:
    found = [
        f"{path.relative_to(PROJECT_DIR)}:{number}: {line.strip()}"
        for path in _code()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        # an expected row of a unit test is data
        if not line.lstrip().startswith("- {") and REASON_COMPARED.search(line)
    ]
    assert not found, "ask the _is_complete column instead"


@pytest.mark.parametrize(
    "line",
    [
        "when valued.shares_coverage <> 'complete' then 1",
        "where net_debt_coverage = 'complete'",
        "when planned_critical_it_mw_coverage like 'stated%'",
        "and rent_coverage in ('complete', 'x')",
        "if row['price_coverage'] != \"complete\":",
        'frame["coverage"].str.startswith(("complete", "stated"))',
        'why.startswith(("complete", "stated"))',
        'if row["scenario_coverage"].startswith("MW"):',
        "case when x = 'complete' then 0 else 1 end",
    ],
)
def test_a_compared_reason_is_found(line: str) -> None:
    assert REASON_COMPARED.search(line)


@pytest.mark.parametrize(
    "line",
    [
        "coalesce(capital_known.shares_coverage, 'no report known') as shares_coverage,",
        "coalesce(shares_gap, 'complete') as shares_coverage,",
        "when not valued.shares_is_complete then valued.shares_coverage",
        '_metric("Market cap", value, help=row["shares_coverage"])',
        "description: complete, or why the share count is missing or outdated.",
    ],
)
def test_a_reason_may_be_made_and_shown(line: str) -> None:
    assert not REASON_COMPARED.search(line)
