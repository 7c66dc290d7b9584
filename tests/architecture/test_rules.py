"""A rule of the domain stands in the warehouse once; readers and other models ask for its answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_project.settings import PROJECT_DIR

# what asks the published file
READERS = {".py", ".sql", ".yaml", ".j2"}

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
    for folder, endings in (("dbt", {".sql", ".yml"}), ("dagster_project", {".py"}), ("bi", READERS)):
        yield from (
            path
            for path in sorted((PROJECT_DIR / folder).rglob("*"))
            if path.suffix in endings and "target" not in path.parts
        )


def _readers() -> Iterator[tuple[Path, str]]:
    """Each file of the readers, with its text in one line where the writer broke a long one."""
    for path in sorted((PROJECT_DIR / "bi").rglob("*")):
        if path.suffix in READERS:
            yield path, " ".join(path.read_text().split())


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


# a rule of the warehouse, and what it looks like when a reader types it again
TABLE = r"\b(?:from|join)\s+(?:marts\.)?"
CASE_OF = r"\bcase\s+(?:when\s+)?(?:\w+\.)?"
RETYPED = {
    "what was believed on a day: ask a macro *_asof": r"(?<!\")\b(?:believed_(?:from|to)|known_to)_date\b",
    "which versions there were: ask a macro *_asof": TABLE + r"fct_\w+_history\b(?! where is_current)",
    "which stretch of days is meant: ask a macro *_asof": TABLE + r"fct_(?:capital|capacity)_known\b",
    "how long a note is in force: ask is_in_force": r"\b36[56]\b",
    "which of several notes comes first: ask recency": CASE_OF + r"action\b",
    "which MW speak for a publication: ask is_first_choice": r"list_position|" + CASE_OF + r"capacity_basis\b",
    "what was signed: ask deal_flow": r"sum\([^)]*(?:contract_value|critical_it_mw)|where is_firm|firm\[.*?\.sum\(",
    "what oversold means: ask rsi_zone": r"rsi_14\s*(?:<|>)=?\s*\d",
}


@pytest.mark.parametrize("rule", RETYPED)
def test_no_reader_types_a_rule_of_the_warehouse_again(rule: str) -> None:
    found = [
        f"{path.relative_to(PROJECT_DIR)}: {hit[0]}"
        for path, text in _readers()
        for hit in re.finditer(RETYPED[rule], text)
    ]
    assert not found, rule


@pytest.mark.parametrize(
    ("rule", "text"),
    list(
        zip(
            RETYPED,
            (
                "where believed_from_date <= $day and coalesce(believed_to_date > $day, true)",
                "select * from fct_hpc_deals_history where symbol = 'A'",
                "select * from fct_capital_known where known_from_date <= $day",
                "RATINGS_LOOK_BACK = timedelta(days=365)",
                "order by case when told.action in ('upgrade', 'downgrade') then 1 end",
                "order by list_position(['stated', 'planned', 'contracted'], capacity_basis)",
                "sum(contract_value_usd) filter (where is_firm) over so_far",
                "count_if(rsi_14 < 30)",
            ),
            strict=True,
        )
    ),
)
def test_a_retyped_rule_is_found(rule: str, text: str) -> None:
    assert re.search(RETYPED[rule], text)


def test_lines_are_drawn_where_the_mart_draws_them() -> None:
    variables = yaml.safe_load((PROJECT_DIR / "dbt" / "dbt_project.yml").read_text())["vars"]
    zone = [variables["rsi_oversold"], variables["rsi_overbought"]]
    charts = " ".join(path.read_text() for path in sorted((PROJECT_DIR / "bi" / "charts").glob("*.py")))
    assert re.findall(r'"rsi_14": \[(\d+), (\d+)\]', charts) == [tuple(map(str, zone))]
    superset = yaml.safe_load((PROJECT_DIR / "bi/superset/assets/charts/miner_rsi.yaml").read_text())
    assert [int(line["value"]) for line in superset["params"]["annotation_layers"]] == zone
