"""Docstrings and comments name modules, classes and files that are there."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from functools import cache
from pathlib import Path

import dagster as dg
import dagster_dbt
import pytest

from dagster_project.settings import PROJECT_DIR

ROOTS = ("dagster_project", "bi", "benchmarks", "tests")
FILES = [path for root in ROOTS for path in sorted((PROJECT_DIR / root).rglob("*.py"))]
PACKAGE = PROJECT_DIR / "dagster_project"
ROOMS = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
QUOTED = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
DOTTED = re.compile(r"(?:dagster_project\.)?[a-z_]+(?:\.\w+)+")
CLASS = re.compile(r"(?:[A-Z][a-z0-9]+){2,}")
FILE = re.compile(r"(?:bi|benchmarks|dagster_project|dbt|docs|reference|requirements|tests)/[\w./-]+")


def _texts(path: Path) -> str:
    """The docstrings, the strings beneath assignments, and the comments of a module."""
    source = path.read_text()
    strings = [
        node.value.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return "\n".join([*strings, *(token.string for token in tokens if token.type == tokenize.COMMENT)])


@cache
def _names(path: Path) -> frozenset[str]:
    """Every name that stands in the code of a module, imported, defined or used."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) | ast.arg(arg=name):
                found.add(name.rsplit(".", 1)[-1])
            case ast.Constant(value=str(name)) if name.isidentifier():  # the name of a column, say
                found.add(name)
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                found.add(name)
    return frozenset(found)


def _stands_for_something(dotted: str) -> bool:
    """`room.module`, `room.module.name` or `module.name`, the package's own name left out or not."""
    first, *rest = dotted.removeprefix("dagster_project.").split(".")
    at = PACKAGE / first
    for number, part in enumerate(rest):
        if (at / part).is_dir() or (at / f"{part}.py").exists():
            at = at / part
            continue
        module = at.with_suffix(".py") if at.with_suffix(".py").exists() else at / "__init__.py"
        return part in _names(module) and len(rest) - number <= 2
    return at.is_dir() or at.with_suffix(".py").exists()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PROJECT_DIR)))
def test_what_a_text_names_is_there(path: Path) -> None:
    everywhere = frozenset[str]().union(*map(_names, FILES))
    for quoted in QUOTED.findall(_texts(path)):
        if DOTTED.fullmatch(quoted) and quoted.removeprefix("dagster_project.").split(".")[0] in ROOMS:
            assert _stands_for_something(quoted), quoted
        elif CLASS.fullmatch(quoted):
            assert quoted in everywhere or hasattr(dg, quoted) or hasattr(dagster_dbt, quoted), quoted
        elif FILE.fullmatch(quoted):
            assert (PROJECT_DIR / quoted).exists(), quoted


@pytest.mark.parametrize(
    "gone", ["checks.gate", "dagster_project.worker", "sources.prices.nobody", "gate.gate.Judgement"]
)
def test_a_name_that_is_gone_is_found(gone: str) -> None:
    assert not _stands_for_something(gone)
