"""Calls dbt as a library: reads the project once per process, then builds parts of it.

Belongs here: dbt's own interface. Does not belong here: Dagster (`dbt_runner`). These functions run in whatever process
they are called in, and dbt keeps global state there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_project.progress import Pace
from dagster_project.warehouse import connection

if TYPE_CHECKING:
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.contracts.graph.manifest import Manifest


LOCAL = "local"
"""The output of dbt's profile that computes with DuckDB."""


@dataclass(frozen=True)
class NodeResult:
    """What dbt did with one model or test.

    `status` is dbt's word for it. A test has `failed_rows`, and `sql` that finds them where there are any.
    """

    unique_id: str
    status: str
    seconds: float
    message: str
    failed_rows: int | None
    sql: str


@dataclass(frozen=True)
class DbtOutcome:
    """What a dbt command did; `failure` lists what failed (empty: nothing)."""

    results: tuple[NodeResult, ...]
    failure: str


class DbtRunError(RuntimeError):
    """dbt could not run, or a model or a test failed; the message lists what dbt said of each."""


def write_manifest(project_dir: Path, target_dir: Path) -> None:
    """Read the project and write `manifest.json` to `target_dir`; raises `DbtRunError` where dbt cannot read it."""
    _read(project_dir, target_dir, "--write-json", "parse")


def write_docs(project_dir: Path, target_dir: Path) -> None:
    """Write dbt's documentation as one page, `static_index.html`; raises `DbtRunError` where dbt cannot."""
    _read(project_dir, target_dir, "--write-json", "docs", "generate", "--static")


def read_project(project_dir: Path, target_dir: Path, target: str = LOCAL) -> Manifest:
    """The project as dbt reads it, once per process and engine; raises `DbtRunError` where dbt cannot.

    `target_dir` may hold what dbt made of the project before, and that is then read instead.
    """
    return _read_once(_Project(project_dir, target, target_dir))


@dataclass(frozen=True)
class _Project:
    """What dbt makes of a project is the same wherever it writes."""

    folder: Path
    target: str
    target_dir: Path = field(compare=False)


@cache
def _read_once(project: _Project) -> Manifest:
    manifest: Manifest = _read(
        project.folder, project.target_dir, "--no-write-json", "parse", "--target", project.target
    )
    return manifest


def warm_up(project_dir: Path, target_dir: Path) -> None:
    """Import dbt and read the project, so that the next call finds both done; hands nothing back to be pickled."""
    read_project(project_dir, target_dir)


def run_dbt(project_dir: Path, target_dir: Path, database: Path, arguments: list[str]) -> DbtOutcome:
    """Run one dbt command, on the project as it was read first; `database` is the build file of dbt's profile.

    Raises `WarehouseLockedError` where another process keeps the build file open.
    """
    variables = json.dumps(
        {"technicals_fingerprint": _technicals_fingerprint(_Project(project_dir, LOCAL, target_dir))}
    )
    # while the file is open in this process, dbt opens it for each model and test in no time
    with connection.write(database):
        return invoke(project_dir, target_dir, [*arguments, "--vars", variables])


def invoke(project_dir: Path, target_dir: Path, arguments: list[str], target: str = LOCAL) -> DbtOutcome:
    """Run one dbt command on the engine of a profile's output."""
    from dbt.cli.main import dbtRunner

    # the manifest is written where the project is prepared; writing it again for each area takes half a second
    flags = [*_flags(project_dir, target_dir), "--target", target]
    command = ["--no-write-json", *_UNLOGGED, *arguments, *flags]
    manifest = read_project(project_dir, target_dir, target)
    done = dbtRunner(manifest=manifest, callbacks=[_say_what_is_built(Pace())]).invoke(command)
    if done.exception is not None:
        return DbtOutcome((), str(done.exception))
    executed: RunExecutionResult = done.result  # type: ignore[assignment]
    return DbtOutcome(tuple(_results(executed)), "\n".join(_failures(executed)))


def _say_what_is_built(pace: Pace) -> Callable[[Any], None]:
    """What dbt tells of its models and tests, as progress: how many are done, and what a macro of ours says."""
    done = 0

    def hear(event: Any) -> None:  # noqa: ANN401 - an event of dbt, which offers no type of it
        nonlocal done
        if event.info.name == "NodeFinished":
            done += 1
            pace.say(f"{done:,} models and tests done, {event.data.node_info.node_name} the last")
        elif event.info.name == "JinjaLogInfo":
            pace.say(event.data.msg)

    return hear


@cache
def _technicals_fingerprint(project: _Project) -> str:
    """Taken before the first run: dbt writes into the manifest while it runs."""
    return fingerprint(_read_once(project), "fct_daily_technicals", project.folder)


def fingerprint(manifest: Manifest, model: str, project_dir: Path) -> str:
    """A text that changes when the rows of a model may change with no input row having changed.

    It covers the SQL of the model and of those that it names in `meta.builds_with`, their settings and columns, every
    macro of ours that they use, the variables of the project, and the version of DuckDB.
    """
    nodes = {node.name: node for unique_id, node in manifest.nodes.items() if unique_id.startswith("model.")}
    made_of = [nodes[name] for name in (model, *nodes[model].config.meta.get("builds_with", ()))]
    told = [version("duckdb"), (project_dir / "dbt_project.yml").read_text()]
    waiting: list[str] = []
    for node in made_of:
        columns = {name: column.data_type for name, column in node.columns.items()}
        told += [node.name, node.raw_code, json.dumps(columns), str(node.config.materialized)]
        waiting += node.depends_on.macros
    seen: set[str] = set()
    while waiting:
        macro = manifest.macros.get(waiting.pop())
        if macro is None or macro.unique_id in seen or macro.package_name != nodes[model].package_name:
            continue
        seen.add(macro.unique_id)
        waiting += macro.depends_on.macros
        # what is dispatched is named by its prefix alone
        waiting += [f"{macro.unique_id.rsplit('.', 1)[0]}.{engine}__{macro.name}" for engine in ("default", "duckdb")]
    told += [manifest.macros[name].macro_sql for name in sorted(seen)]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()


def _read(project_dir: Path, target_dir: Path, write_json: str, *command: str) -> Any:  # noqa: ANN401
    """Run a command that reads the project and builds nothing; returns what it makes."""
    from dbt.cli.main import dbtRunner

    log = ["--quiet", "--log-level-file", "warn"]
    done = dbtRunner().invoke([write_json, *log, *command, *_flags(project_dir, target_dir)])
    if not done.success or done.result is None:
        raise DbtRunError(f"`dbt {' '.join(command)}` failed: {done.exception}") from done.exception
    return done.result


def _flags(project_dir: Path, target_dir: Path) -> list[str]:
    project, target = str(project_dir), str(target_dir)
    return ["--project-dir", project, "--profiles-dir", project, "--target-path", target, "--log-path", target]


_UNLOGGED = ["--log-level", "none", "--log-level-file", "none"]
"""What a build has to say comes back as its result."""


def _results(executed: RunExecutionResult) -> Iterator[NodeResult]:
    for result in executed.results:
        sql = getattr(result.node, "compiled_code", None) if result.failures else None
        yield NodeResult(
            result.node.unique_id,
            str(result.status),
            result.execution_time,
            result.message or "",
            result.failures,
            sql or "",
        )


def _failures(executed: RunExecutionResult) -> Iterator[str]:
    for result in executed.results:
        if result.status in ("error", "fail"):
            yield f"{result.node.name}: {result.message}"
