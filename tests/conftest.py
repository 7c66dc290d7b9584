"""What every test may use.

Belongs here: paths and fixtures used by more than one folder, the real pipeline (Dagster, dbt, DuckDB) among them. Does
not belong here: fixtures of a single subject.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from dagster_project.definitions import build_defs
from dagster_project.settings import PREFIX, Settings, dbt_environment, load_settings
from dagster_project.shell.prepare import prepare

REPO = Path(__file__).resolve().parent.parent
REAL_PRICES = REPO.parent / "shared" / "data" / "prices"


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_this_shell() -> Iterator[None]:
    """Tests know the settings that they make, not those of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
            patch.delenv(name)
        yield


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, str]], Settings]:
    """Read the settings from an environment that holds these variables alone."""

    def load_from(environment: Mapping[str, str]) -> Settings:
        for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return load_from


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end how many tests asked for the real prices in vain."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if "real " in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(
            f"{len(skipped)} tests of real prices were skipped: there is no folder {REAL_PRICES}"
        )


@pytest.fixture(scope="session")
def real_prices() -> Path:
    """The folder of real prices, which is not part of the project; the test is skipped where it is missing."""
    if not REAL_PRICES.is_dir():
        pytest.skip(f"needs real prices in {REAL_PRICES}")
    return REAL_PRICES


@pytest.fixture(scope="session")
def dbt_target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with dbt's manifest of the project as it is, made once for all tests."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("manifest"))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DAGSTER_HOME", *dbt_environment(settings)):  # undone afterwards
            patch.setenv(name, "")
        patch.setenv("DAGSTER_HOME", str(settings.dagster_home))
        prepare(settings)
    return settings.dbt_target_dir


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
        # build_defs tells dbt where the data is; undone after the session
        for name in dbt_environment(Settings()):
            patch.setenv(name, "")

        def make(**settings: Any) -> Pipeline:
            data_dir = tmp_path_factory.mktemp("data")
            shutil.copytree(dbt_target, data_dir / "build" / "dbt")
            instance = stack.enter_context(dg.DagsterInstance.ephemeral())
            # pages about each batch take seconds and interest one test
            ours = {"data_dir": data_dir, "temp_dir": data_dir / "tmp", "data_docs": False}
            return Pipeline(Settings(**ours | settings), instance)

        yield make


@pytest.fixture(scope="session")
def sample(make_pipeline: Callable[..., Pipeline]) -> Pipeline:
    """The pipeline after one run on the bundled sample; tests read it and leave it as it is."""
    pipeline = make_pipeline(data_docs=True)
    result = pipeline.run()
    assert result.success
    return pipeline


@pytest.fixture
def finished_sample(sample: Pipeline, make_pipeline: Callable[..., Pipeline]) -> Pipeline:
    """A copy of the pipeline that has run on the sample once; the test may run it again, and spoil it."""
    pipeline = make_pipeline()
    shutil.copytree(sample.settings.data_dir, pipeline.settings.data_dir, symlinks=True, dirs_exist_ok=True)
    return pipeline
