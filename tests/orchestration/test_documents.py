"""README and cookbook tell the truth: their queries give their answers, their commands and paths exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dagster_project.settings import PROJECT_DIR

README = PROJECT_DIR / "README.md"
COOKBOOK = PROJECT_DIR / "docs" / "cookbook.md"
DOCUMENTS = [README, COOKBOOK]
PRICE_TABLES = re.compile(r"fct_daily_technicals|fct_price_levels|fct_rating_changes\b|(close|pct|ev_\w+)\b.*snapshot")


def _queries(document: Path) -> list[tuple[str, str]]:
    return re.findall(r"```sql\n([^`]*)```\n\n((?:\|.*\n)+)", document.read_text())


def _rows(table: str) -> list[list[str]]:
    lines = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()]
    return [line for line in lines if not set("".join(line)) <= set("-:")]


def _anchor(heading: str) -> str:
    """What GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        pytest.param(*query, id=f"{document.stem}-{number}")
        for document in DOCUMENTS
        for number, query in enumerate(_queries(document), start=1)
    ],
)
def test_a_query_gives_its_answer(sample: Any, query: str, answer: str) -> None:
    names, *rows = _rows(answer)
    assert [["null" if cell is None else str(cell) for cell in row] for row in sample.query(query)] == rows
    described = sample.query(f"select column_name from (describe {query})")
    assert [name for (name,) in described] == names


def test_the_measured_ratios_are_those_of_the_last_run() -> None:
    results = json.loads((PROJECT_DIR / "benchmarks" / "results" / "latest.json").read_text())
    ratios = ("cpu_ratio_vs_polars", "wall_ratio_vs_polars", "cpu_ratio_vs_talib", "wall_ratio_vs_talib")
    measured = [
        [f"{results[work][ratio]:.2f}" for ratio in ratios] + [f"{results[work]['peak_rss_bytes'] / 2**30:.1f}"]
        for work in ("full_rebuild", "daily_update", "late_corrections")
    ]
    table = README.read_text().partition("## Measured")[2].partition("\n\n|")[2].partition("\n\n")[0]
    assert [row[1:] for row in _rows("|" + table)[1:]] == measured


@pytest.mark.parametrize(("document", "blocks"), [(README, 3), (COOKBOOK, 16)])
def test_every_query_is_followed_by_its_answer(document: Path, blocks: int) -> None:
    assert document.read_text().count("```sql\n") == len(_queries(document)) == blocks


def test_recipes_on_simulated_prices_say_so() -> None:
    for recipe in COOKBOOK.read_text().split("\n## ")[1:]:
        rests_on_prices = any(PRICE_TABLES.search(query.replace("\n", " ")) for query, _ in _recipe_queries(recipe))
        assert rests_on_prices == ("**Simulated prices" in recipe), recipe.splitlines()[0]


def _recipe_queries(recipe: str) -> list[tuple[str, str]]:
    return re.findall(r"(```sql\n[^`]*)(```)", recipe)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)
def test_commands_are_targets_of_the_makefile(document: Path) -> None:
    makefile = (PROJECT_DIR / "Makefile").read_text()
    for target in set(re.findall(r"`make ([a-z-]+)|^make ([a-z-]+)", document.read_text(), re.MULTILINE)):
        name = "".join(target)
        assert re.search(rf"^{name}:", makefile, re.MULTILINE), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)
def test_linked_files_and_headings_exist(document: Path) -> None:
    text = document.read_text()
    headings = {_anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    for link in re.findall(r"\]\(([^):]+)\)", text):
        path, _, anchor = link.partition("#")
        assert (document.parent / path).exists(), link
        assert not anchor or path or anchor in headings, link


def test_named_macros_exist(sample: Any) -> None:
    macros = {
        name for (name,) in sample.query("select function_name from duckdb_functions() where schema_name = 'marts'")
    }
    assert {"miner_snapshot_asof", "technical_picture", "deal_flow", "mw_value"} <= macros
