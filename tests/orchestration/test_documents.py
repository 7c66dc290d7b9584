"""What people read is true: queries run and give their answers; commands, paths, settings and metrics exist."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

from dagster_project.settings import PREFIX, PROJECT_DIR, Settings

README = PROJECT_DIR / "README.md"
COOKBOOK = PROJECT_DIR / "docs" / "cookbook.md"
DOCUMENTS = [
    README,
    PROJECT_DIR / "CONTRIBUTING.md",
    PROJECT_DIR / "reference" / "README.md",
    PROJECT_DIR / "benchmarks" / "README.md",
    *sorted((PROJECT_DIR / "docs").rglob("*.md")),
]
BUILD_ONLY = re.compile(r"\b(raw|quarantine|staging|intermediate)\.")
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


def _blocks(language: str) -> list[Any]:
    """Every block of code in that language, in any document, named by its document."""
    return [
        pytest.param(block, id=f"{document.stem}-{number}")
        for document in DOCUMENTS
        for number, block in enumerate(
            re.findall(rf"^```(?:{language})\n(.*?)^```", document.read_text(), re.DOTALL | re.MULTILINE), start=1
        )
    ]


@pytest.mark.parametrize("query", _blocks("sql"))
def test_a_query_runs(sample: Any, query: str) -> None:
    ask = sample.query_build if BUILD_ONLY.search(query) else sample.query
    ask(query)


@pytest.mark.parametrize("code", _blocks("python"))
def test_python_runs(sample: Any, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").symlink_to(sample.settings.data_dir)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "document", "exec"), {})  # noqa: S102


@pytest.mark.parametrize("block", _blocks("bash|sh"))
def test_a_shell_block_calls_what_there_is(sample: Any, block: str) -> None:
    makefile = (PROJECT_DIR / "Makefile").read_text()
    manifest = json.loads((sample.settings.dbt_target_dir / "manifest.json").read_text())
    metrics = {metric["name"] for metric in manifest["metrics"].values()}
    for line in block.splitlines():
        command = re.sub(r"^(?:\w+=\S+ )+", "", line.partition("  #")[0].partition(" #")[0].strip())
        if target := re.match(r"make ([a-z-]+)", command):
            assert re.search(rf"^{target[1]}:", makefile, re.MULTILINE), line
        for module in re.findall(r"python -m ([\w.]+)", command):
            assert importlib.util.find_spec(module), line
        for asked in re.findall(r"--metrics (\S+)", command):
            assert set(asked.split(",")) <= metrics, line


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)
def test_named_settings_exist(document: Path) -> None:
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+[A-Z]\b", document.read_text()))
    assert named <= {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)
def test_named_paths_exist(document: Path) -> None:
    rooms = "bi|benchmarks|dagster_project|dbt|docs|reference|requirements|tests"
    for path in set(re.findall(rf"`((?:{rooms})/[\w./-]*)`", document.read_text())):
        assert (PROJECT_DIR / path).exists(), path


def test_the_measured_ratios_are_those_of_the_last_run() -> None:
    results = json.loads((PROJECT_DIR / "benchmarks" / "results" / "latest.json").read_text())
    ratios = ("cpu_ratio_vs_polars", "wall_ratio_vs_polars", "cpu_ratio_vs_talib", "wall_ratio_vs_talib")
    measured = [
        [f"{results[work][ratio]:.2f}" for ratio in ratios] + [f"{results[work]['peak_rss_bytes'] / 2**30:.1f}"]
        for work in ("full_rebuild", "daily_update", "late_corrections")
    ]
    table = README.read_text().partition("## Measured")[2].partition("\n\n|")[2].partition("\n\n")[0]
    assert [row[1:] for row in _rows("|" + table)[1:]] == measured


@pytest.mark.parametrize(("document", "blocks"), [(README, 3), (COOKBOOK, 17)])
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
    for name in set(re.findall(r"`make ([a-z-]+)", document.read_text())):
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
