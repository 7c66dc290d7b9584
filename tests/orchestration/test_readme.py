"""The README tells the truth: its queries give its answers, its commands and paths exist."""

import re
from typing import Any

import pytest

from dagster_project.settings import PROJECT_DIR

README = (PROJECT_DIR / "README.md").read_text()
QUERIES = re.findall(r"```sql\n([^`]*)```\n\n((?:\|.*\n)+)", README)


def _rows(table: str) -> list[list[str]]:
    lines = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()]
    return [line for line in lines if not set("".join(line)) <= {"-"}]


@pytest.mark.parametrize(("query", "answer"), QUERIES)
def test_a_query_gives_its_answer(sample: Any, query: str, answer: str) -> None:
    names, *rows = _rows(answer)
    assert [[str(cell) for cell in row] for row in sample.query(query)] == rows
    described = sample.query(f"select column_name from (describe {query})")
    assert [name for (name,) in described] == names


def test_there_are_three_queries() -> None:
    assert len(QUERIES) == 3


def test_commands_are_targets_of_the_makefile() -> None:
    makefile = (PROJECT_DIR / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z]+)\b", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_linked_files_exist() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (PROJECT_DIR / link).exists(), link


def test_named_macros_exist(sample: Any) -> None:
    macros = {
        name for (name,) in sample.query("select function_name from duckdb_functions() where schema_name = 'marts'")
    }
    assert {"miner_snapshot_asof", "technical_picture", "deal_flow", "mw_value"} <= macros
