"""dbt reads the project anew where its manifest is not that of the project, and only there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagster_project.settings import PROJECT_DIR, Settings, dbt_environment
from dagster_project.shell.prepare import _digest_of_project, prepare


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dbt_target: Path) -> Settings:
    """A data folder whose manifest is that of the project."""
    made = Settings(data_dir=tmp_path)
    shutil.copytree(dbt_target, made.dbt_target_dir)
    for name in ("DAGSTER_HOME", *dbt_environment(made)):  # undone afterwards
        monkeypatch.setenv(name, "")
    return made


def _asks_dbt(settings: Settings) -> bool:
    asked = []

    def call(function: Callable[..., Any], /, *_: object, **__: object) -> Any:
        asked.append(function.__name__)

    prepare(settings, call)
    return asked == ["write_manifest"]


def _cut(manifest: Path) -> None:
    os.truncate(manifest, 1000)


def _grow_old(manifest: Path) -> None:
    os.utime(manifest, (0, 0))


@pytest.mark.parametrize(("change", "is_read_anew"), [(_cut, True), (_grow_old, False)])
def test_a_manifest_that_is_not_that_of_the_project_is_read_anew(
    settings: Settings, change: Callable[[Path], None], *, is_read_anew: bool
) -> None:
    assert not _asks_dbt(settings)
    change(settings.dbt_target_dir / "manifest.json")
    assert _asks_dbt(settings) == is_read_anew


def test_content_decides_and_not_times(tmp_path: Path) -> None:
    project = tmp_path / "dbt"
    shutil.copytree(PROJECT_DIR / "dbt" / "macros", project)
    before = _digest_of_project(project)
    (changed,) = project.rglob("tail.sql")
    os.utime(changed, (0, 0))
    assert _digest_of_project(project) == before
    changed.write_text(changed.read_text() + "\n-- another comment")
    os.utime(changed, (0, 0))
    assert _digest_of_project(project) != before
    assert _digest_of_project(project.rename(tmp_path / "moved")) != before, "its paths are in the manifest"


def test_what_dbt_called_by_hand_has_written_is_not_part_of_the_project(tmp_path: Path) -> None:
    project = tmp_path / "dbt"
    shutil.copytree(PROJECT_DIR / "dbt" / "macros", project / "macros")
    before = _digest_of_project(project)
    tests = project / "target" / "compiled" / "models" / "fct_hpc_deals.yml"  # the folder of a file's tests
    tests.mkdir(parents=True)
    (tests / "unique.sql").write_text("select 1")
    assert _digest_of_project(project) == before
