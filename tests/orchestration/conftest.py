"""Fixtures that run the real pipeline: Dagster, dbt and DuckDB, on prices and facts of the test's choosing."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from dagster_project.definitions import build_defs
from dagster_project.settings import PROJECT_DIR, Settings


@dataclass
class Pipeline:
    """A data directory of its own, and the means to run jobs on it."""

    settings: Settings
    instance: dg.DagsterInstance

    def run(self, selection: dg.AssetSelection | None = None, **overrides: Any) -> dg.ExecuteInProcessResult:
        """Run the daily refresh, or the part of it that is selected, to its end, failures included."""
        defs = build_defs(self.settings, **overrides)
        keys = sorted(selection.resolve(defs.resolve_asset_graph())) if selection else None
        with contextlib.redirect_stdout(io.StringIO()):
            return defs.resolve_job_def("daily_refresh").execute_in_process(
                instance=self.instance, raise_on_error=False, asset_selection=keys
            )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the published file."""
        with contextlib.closing(duckdb.connect(str(self.settings.published_database), read_only=True)) as con:
            return con.execute(sql).fetchall()

    def query_build(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the build file."""
        with contextlib.closing(duckdb.connect(str(self.settings.build_database), read_only=True)) as con:
            return con.execute(sql).fetchall()


@pytest.fixture(scope="session")
def make_pipeline(dbt_target: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Pipeline]]:
    """Make pipelines with settings of the test's choosing; each has its own data directory."""
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        # build_defs tells child processes where the data is; undone after the session
        patch.setenv("MINEHOUSE_DATA_DIR", "")

        def make(**settings: Any) -> Pipeline:
            data_dir = tmp_path_factory.mktemp("data")
            shutil.copytree(dbt_target, data_dir / "build" / "dbt")
            instance = stack.enter_context(dg.DagsterInstance.ephemeral())
            return Pipeline(replace(Settings(), data_dir=data_dir, **settings), instance)

        yield make


@pytest.fixture(scope="session")
def sample(make_pipeline: Callable[..., Pipeline]) -> Pipeline:
    """The pipeline after one run on the bundled sample; tests read it and leave it as it is."""
    pipeline = make_pipeline()
    result = pipeline.run()
    assert result.success
    return pipeline


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """A copy of the reference folder that a test may spoil."""
    return Path(shutil.copytree(PROJECT_DIR / "reference", tmp_path / "reference"))
