"""Each room imports what it may, reads the environment nowhere, and says what belongs in it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_project.settings import PROJECT_DIR

PACKAGE = PROJECT_DIR / "dagster_project"
HEAVY = {"dagster", "dagster_dbt", "duckdb", "dbt", "great_expectations", "pyspark"}
OURS = (
    "contracts",
    "sources",
    "gate",
    "warehouse",
    "lake",
    "transform",
    "assets",
    "checks",
    "automation",
    "runs",
    "shell",
)
MAY_IMPORT: dict[str, tuple[set[str], set[str]]] = {
    # room: (rooms and modules of ours it may import, heavy libraries it may import)
    "addresses": (set(), set()),
    "engine": ({"addresses"}, set()),
    "settings": ({"engine", "sources", "lake"}, set()),
    "sessions": (set(), set()),
    "calls": (set(), set()),
    "progress": (set(), set()),
    "output": (set(), set()),
    "stored_rows": (set(), set()),
    "contracts": ({"stored_rows"}, set()),
    "sources": ({"contracts", "sessions", "progress"}, set()),
    "gate": ({"contracts", "sources", "progress", "stored_rows"}, {"great_expectations"}),
    "warehouse": ({"contracts", "engine", "progress", "stored_rows"}, {"duckdb"}),
    "lake": ({"contracts", "warehouse"}, {"duckdb", "pyspark"}),
    "transform": ({"calls", "contracts", "warehouse", "lake", "progress"}, {"dbt", "dagster", "dagster_dbt"}),
    "assets": (
        {"contracts", "sources", "gate", "warehouse", "sessions", "transform", "calls", "progress"},
        {"dagster", "dagster_dbt"},
    ),
    "checks": ({"contracts", "warehouse", "sessions", "assets", "sources"}, {"dagster"}),
    "automation": ({"assets", "sessions", "sources"}, {"dagster"}),
    "runs": ({"warehouse"}, {"dagster"}),
    "shell": (
        {"runs", "calls", "progress", "output", "settings", "transform", "gate", "warehouse", "definitions"},
        {"dagster", "duckdb"},
    ),
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "dagster_project")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    room = _room(path)
    if room not in MAY_IMPORT:
        assert room in {"__init__", "__main__", "definitions"}, f"{room} is a new room: say what it may import"
        return
    ours, heavy = MAY_IMPORT[room]
    for name in _imports(ast.parse(path.read_text())):
        first, _, rest = name.partition(".")
        if first in HEAVY:
            assert first in heavy, f"{room} may not import {name}"
        if first == "dagster_project" and rest and rest.split(".")[0] != room:
            assert rest.split(".")[0] in ours, f"{room} may not import {name}"


@pytest.mark.parametrize("path", sorted((PROJECT_DIR / "bi").rglob("*.py")), ids=lambda path: path.name)
def test_readers_know_the_pipeline_by_its_settings_alone(path: Path) -> None:
    names = list(_imports(ast.parse(path.read_text())))
    assert {name for name in names if name.startswith("dagster_project")} <= {
        "dagster_project.settings",
        "dagster_project.engine",
        "dagster_project.output",
    }
    assert not {name.partition(".")[0] for name in names} & {"dagster", "dagster_dbt"}


def test_the_rule_can_fail() -> None:
    assert list(_imports(ast.parse("import duckdb\nfrom dagster_project import warehouse"))) == [
        "duckdb",
        "dagster_project",
        "dagster_project.warehouse",
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_says_what_belongs_in_it(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert docstring
    if path.name != "__init__.py" or _room(path) in OURS:
        assert re.search(r"does not belong here|one module each|Belongs here", docstring, re.IGNORECASE), path


def test_only_settings_reads_the_environment() -> None:
    readers = {
        _room(path)
        for path in MODULES
        if re.search(r"os\.environ\b(?!\.setdefault)|os\.getenv|EnvVar\(", path.read_text())
    }
    assert readers == {"settings", "engine"}, "engine is the part of the settings that dbt shares"


INSIDE = re.compile(r"dagster\._|dagster_dbt\.|dbt\.adapters|dbt_common|great_expectations\..*\._|streamlit\.runtime")
"""What frameworks keep to themselves: it changes without notice."""


@pytest.mark.parametrize(
    "path",
    [path for room in ("dagster_project", "bi", "benchmarks", "tests") for path in (PROJECT_DIR / room).rglob("*.py")],
    ids=lambda path: str(path.relative_to(PROJECT_DIR)),
)
def test_nothing_reaches_inside_a_framework(path: Path) -> None:
    inside = {name for name in _imports(ast.parse(path.read_text())) if INSIDE.match(name)}
    assert not inside, f"{path} imports {inside}: only shell/fast_start.py may, with the figure that pays for it"


def test_one_file_takes_shortcuts_past_python_and_dagster() -> None:
    shortcut = re.compile(r"os\._exit|_run_exitfuncs|gc\.set_threshold|sys\.modules\[|\._db_lock|\._connect\b")
    assert {str(path.relative_to(PACKAGE)) for path in MODULES if shortcut.search(path.read_text())} == {
        "output.py",
        "shell/fast_start.py",
    }


def test_one_file_knows_how_dagster_keeps_its_files() -> None:
    layout = re.compile(r"index\.db|runs\.db|asset_check_executions|run_tags|event_logs")
    assert {str(path.relative_to(PACKAGE)) for path in MODULES if layout.search(path.read_text())} == {
        "shell/fast_start.py"
    }


def test_no_ticker_stands_in_code_outside_the_simulation() -> None:
    import csv

    with (PROJECT_DIR / "reference" / "companies.csv").open(newline="") as handle:
        tickers = {row["ticker"] for row in csv.DictReader(handle)}
    for path in MODULES:
        if path.name == "sample.py":
            continue
        constants = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert not tickers & {value for value in constants if isinstance(value, str)}, path


def test_the_dbt_folder_does_not_shadow_dbt() -> None:
    assert not (PROJECT_DIR / "dbt" / "__init__.py").exists()
    assert "[tool.dagster]" not in (PROJECT_DIR / "pyproject.toml").read_text(), "it would beat workspace.yaml"


def test_locks_name_no_registry_and_hold_hashes() -> None:
    for lock in (PROJECT_DIR / "requirements").glob("*.lock"):
        text = lock.read_text()
        assert "://" not in text, lock
        assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=[a-z0-9])", text)[1:]), lock
    assert re.search(r"^dbt-core==1\.11\.", (PROJECT_DIR / "requirements" / "run.lock").read_text(), re.MULTILINE)
