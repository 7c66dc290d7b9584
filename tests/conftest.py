"""What every test may use.

Belongs here: paths and fixtures used by more than one folder, the real pipeline (Dagster, dbt, DuckDB) among them. Does
not belong here: fixtures of a single subject.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import io
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from dagster_project.definitions import build_defs
from dagster_project.settings import PREFIX, Settings, dbt_environment, load_settings
from dagster_project.shell.fast_start import open_instance
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


def pytest_configure(config: pytest.Config) -> None:
    """Let what tests start hear the signals that these processes were told to ignore, as by `nohup make test &`."""
    if not hasattr(config, "workerinput"):
        return  # the process that a person started goes on ignoring them
    for number, default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, default)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The run of the sample first, so that it stands when others ask for it; then files with long tests.

    A process would else sit on a long file at the end while the other has none. The second file is one that asks for
    nothing which the first is still making.
    """
    first = ("test_refresh.py", "test_price_file_properties.py")
    long_first = ("models", "orchestration", "bi", "vendors")

    def place(item: pytest.Item) -> tuple[int, bool]:
        if item.path.name in first:
            asks = getattr(item, "fixturenames", ())
            return first.index(item.path.name), "sample" not in asks
        folder = next((at for at, name in enumerate(long_first) if name in item.path.parts), len(long_first))
        return len(first) + folder, False

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Let the collector of garbage leave what was imported alone: it took a tenth of the tests' time to look at it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 100, 20)


def pytest_unconfigure() -> None:
    """Hand it back what it left alone: DuckDB would report its types as leaked."""
    gc.unfreeze()


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
def make_once(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Callable[[str, Callable[[Path], None]], Path]:
    """Let the first of the processes that run the tests make a folder, and the others wait for it and use it too."""
    ours = tmp_path_factory.getbasetemp()
    root = ours if worker_id == "master" else ours.parent

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        folder, done = root / f"shared-{name}", root / f"shared-{name}.done"
        with (root / f"shared-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # that of one who failed
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def dbt_target(make_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """The folder with dbt's manifest of the project as it is, made once for all tests."""

    def read_project(folder: Path) -> None:
        settings = Settings(data_dir=folder)
        with pytest.MonkeyPatch.context() as patch:
            for name in ("DAGSTER_HOME", *dbt_environment(settings)):  # undone afterwards
                patch.setenv(name, "")
            patch.setenv("DAGSTER_HOME", str(settings.dagster_home))
            prepare(settings)

    return Settings(data_dir=make_once("manifest", read_project)).dbt_target_dir


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
        for name, value in dbt_environment(Settings(data_dir=dbt_target.parents[1])).items():
            patch.setenv(name, value)

        def make(*, kept: bool = False, **settings: Any) -> Pipeline:
            # pages about each batch take seconds and interest one test
            ours = {"data_dir": tmp_path_factory.mktemp("data"), "data_docs": False} | settings
            ours = {"temp_dir": ours["data_dir"] / "tmp"} | ours
            made = Settings(**ours)
            if not made.dbt_target_dir.exists():
                shutil.copytree(dbt_target, made.dbt_target_dir)
            home = ours["data_dir"] / "dagster"  # what Dagster keeps there is for other processes too
            home.mkdir(exist_ok=True)
            if not kept:
                return Pipeline(made, stack.enter_context(dg.DagsterInstance.ephemeral()))
            shutil.copyfile(REPO / "dagster.yaml", home / "dagster.yaml")
            return Pipeline(made, stack.enter_context(open_instance(home)))

        yield make


@pytest.fixture(scope="session")
def sample(
    make_pipeline: Callable[..., Pipeline], make_once: Callable[[str, Callable[[Path], None]], Path]
) -> Pipeline:
    """The pipeline after one run on the bundled sample; tests read it and leave it as it is."""

    def run(folder: Path) -> None:
        assert make_pipeline(data_dir=folder, data_docs=True, kept=True).run().success

    return make_pipeline(data_dir=make_once("sample", run), data_docs=True, kept=True)


@pytest.fixture
def finished_sample(sample: Pipeline, make_pipeline: Callable[..., Pipeline]) -> Pipeline:
    """A copy of the pipeline that has run on the sample once; the test may run it again, and spoil it."""
    pipeline = make_pipeline()
    shutil.copytree(sample.settings.data_dir, pipeline.settings.data_dir, symlinks=True, dirs_exist_ok=True)
    return pipeline
