"""Calls dbt as a library: reads the project once per process, then builds parts of it.

Belongs here: dbt's own interface. Does not belong here: Dagster (`dbt_runner`); these functions run in whatever process
they are called in, and dbt keeps global state there.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.contracts.graph.manifest import Manifest
    from dbt_common.events.base_types import EventMsg
    from dbt_common.events.event_manager import EventManager


@dataclass(frozen=True)
class DbtOutcome:
    """What a dbt command did.

    `events` are as dagster-dbt reads them; `failure` lists what failed (empty: nothing); `failed_sql` holds the SQL of
    each test that found rows, warnings included, by the test's unique id.
    """

    events: list[dict[str, Any]]
    failure: str
    failed_sql: dict[str, str]


class DbtRunError(RuntimeError):
    """dbt could not run, or a model or a test failed; the message lists what dbt said of each."""


@contextlib.contextmanager
def left_out() -> Iterator[None]:
    """Within, `import dbt` fails in this process, unless dbt is there already.

    For a process that leaves dbt to a child: dagster-dbt imports it for the names of a few states, has its own where
    there is none (as beside dbt Fusion), and is then there in a quarter of the time.
    """
    if "dbt" in sys.modules:
        yield
        return
    sys.modules["dbt"] = None  # type: ignore[assignment]  # how Python is told that a module is not to be had
    try:
        yield
    finally:
        del sys.modules["dbt"]


def write_manifest(project_dir: Path, target_dir: Path) -> None:
    """Read the project and write `manifest.json` to `target_dir`; raises `DbtRunError` where dbt cannot read it."""
    _read(project_dir, target_dir, "--write-json", "parse")


def write_docs(project_dir: Path, target_dir: Path) -> None:
    """Write dbt's documentation as one page, `static_index.html`; raises `DbtRunError` where dbt cannot."""
    _read(project_dir, target_dir, "--write-json", "docs", "generate", "--static")


@cache
def read_project(project_dir: Path, target_dir: Path) -> Manifest:
    """The project as dbt reads it, once per process; raises `DbtRunError` where dbt cannot."""
    manifest: Manifest = _read(project_dir, target_dir, "--no-write-json", "parse")
    return manifest


def warm_up(project_dir: Path, target_dir: Path) -> None:
    """Import dbt and read the project, so that the next call finds both done; hands nothing back to be pickled."""
    read_project(project_dir, target_dir)


def run_dbt(project_dir: Path, target_dir: Path, arguments: list[str]) -> DbtOutcome:
    """Run one dbt command, on the project as it was read first."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner
    from dbt_common.events.event_manager_client import ctx_set_event_manager
    from google.protobuf.json_format import MessageToDict

    events: list[dict[str, Any]] = []

    def keep(event: EventMsg) -> None:
        if event.info.name in _RESULT_EVENTS:
            events.append(MessageToDict(event, preserving_proto_field_name=True))

    runner = dbtRunner(manifest=read_project(project_dir, target_dir), callbacks=[keep])
    ctx_set_event_manager(_without_debug_events())
    try:
        # the manifest is written where the project is prepared; writing it again for each area takes half a second
        done = runner.invoke(["--no-write-json", *_UNLOGGED, *arguments, *_flags(project_dir, target_dir)])
    finally:
        # dbt would keep the file, and thereby its lock, until the process ends
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if done.exception is not None:
        return DbtOutcome(events, str(done.exception), {})
    result: RunExecutionResult = done.result  # type: ignore[assignment]
    return DbtOutcome(events, "\n".join(_failures(result)), dict(_failed_tests(result)))


def _read(project_dir: Path, target_dir: Path, write_json: str, *command: str) -> Any:  # noqa: ANN401
    """Run a command that reads the project and builds nothing; returns what it makes."""
    from dbt.cli.main import dbtRunner

    log = ["--quiet", "--log-level-file", "warn"]
    done = dbtRunner().invoke([write_json, *log, *command, *_flags(project_dir, target_dir)])
    if not done.success or done.result is None:
        raise DbtRunError(f"dbt could not {command[0]} the project: {done.exception}")
    return done.result


def _without_debug_events() -> EventManager:
    """What dbt tells its events to, less the debug events: nobody hears them here, and they take a tenth of a build."""
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager

    class WithoutDebugEvents(EventManager):
        def fire_event(
            self,
            e: BaseEvent,
            level: EventLevel | None = None,
            node: object = None,
            force_warn_or_error_handling: bool = False,
        ) -> None:
            if (level or e.level_tag()) is not EventLevel.DEBUG:
                super().fire_event(e, level, node, force_warn_or_error_handling)

    return WithoutDebugEvents()


def _flags(project_dir: Path, target_dir: Path) -> list[str]:
    project, target = str(project_dir), str(target_dir)
    return ["--project-dir", project, "--profiles-dir", project, "--target-path", target, "--log-path", target]


_UNLOGGED = ["--log-level", "none", "--log-level-file", "none"]
"""What a build has to say comes back as events; each log, even one that nothing is written to, takes a twentieth of it.
"""

_RESULT_EVENTS = frozenset({"LogModelResult", "LogSeedResult", "LogSnapshotResult", "LogTestResult"})


def _failures(result: RunExecutionResult) -> Iterator[str]:
    for node in result.results:
        if node.status in ("error", "fail"):
            yield f"{node.node.name}: {node.message}"


def _failed_tests(result: RunExecutionResult) -> Iterator[tuple[str, str]]:
    for node in result.results:
        sql = getattr(node.node, "compiled_code", None)
        if node.failures and sql:
            yield node.node.unique_id, sql
