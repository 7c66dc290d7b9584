"""Runs dbt inside this process and hands back what happened as Dagster events.

Starting dbt takes longer than building our models: dagster-dbt's own runner starts it anew for every op and twice more
to ask for its version and adapter. This one imports it once and reads the project once, for all areas of a run. The
translation of dbt's events to Dagster's is dagster-dbt's.

Belongs here: calling dbt. Does not belong here: which area is built when (`assets.transform`), SQL.
"""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_dbt import DbtProject
from dagster_dbt.asset_utils import get_manifest_and_translator_from_dbt_assets, get_subset_selection_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

if TYPE_CHECKING:
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.contracts.graph.manifest import Manifest
    from dbt_common.events.base_types import EventMsg


FAILED_SQL = "query"
"""Metadata of a failed test: the SQL that finds the rows it complains of."""


class DbtRunError(RuntimeError):
    """dbt could not run, or a model or a test failed; the message lists what dbt said of each."""


class DbtRunner:
    """dbt for one project; use one per process, since dbt keeps global state."""

    def __init__(self, project: DbtProject) -> None:
        """Nothing is read or imported before the first build."""
        self._project = project

    def build(self, context: dg.AssetExecutionContext, select: str) -> Iterator[Any]:
        """Build the models of `select` that the context asks for, and run their data tests.

        Yields an output per model and a check result per test, then raises `DbtRunError` where anything failed: what
        succeeded is thereby known to Dagster. Unit tests are left out: they hold or fall with the code, not with the
        data, and `make test` runs them.
        """
        manifest, translator, project = get_manifest_and_translator_from_dbt_assets([context.assets_def])
        selection, indirect = get_subset_selection_for_context(
            context=context,
            manifest=manifest,
            select=select,
            exclude=None,
            selector=None,
            dagster_dbt_translator=translator,
            current_dbt_indirect_selection_env=None,
        )
        arguments = ["build", "--exclude-resource-type", "unit_test", *selection]
        if indirect:
            arguments += ["--indirect-selection", indirect]
        events, failure, failed_sql = self._invoke(arguments)
        for event in events:
            message = DbtCoreCliEventMessage(raw_event=event, event_history_metadata={})
            sql = failed_sql.get(event["data"]["node_info"]["unique_id"])
            for found in message.to_default_asset_events(
                manifest=manifest,
                dagster_dbt_translator=translator,
                context=context,
                target_path=Path(self._project.target_path),
                project=project,
            ):
                if sql and isinstance(found, dg.AssetCheckResult):
                    yield found._replace(metadata={**(found.metadata or {}), FAILED_SQL: dg.MetadataValue.text(sql)})
                else:
                    yield found
        if failure:
            raise DbtRunError(failure)

    @cached_property
    def _parsed(self) -> "Manifest":
        from dbt.cli.main import dbtRunner

        parsed = dbtRunner().invoke([*self._global_flags, "parse", *self._project_flags])
        if not parsed.success or parsed.result is None:
            raise DbtRunError(f"dbt could not parse the project: {parsed.exception}")
        return parsed.result  # type: ignore[return-value]

    @property
    def _global_flags(self) -> list[str]:
        # the manifest is written where the project is prepared; writing it again for each area takes half a second
        return ["--quiet", "--no-write-json", "--log-level-file", "info", "--log-path", str(self._project.target_path)]

    @property
    def _project_flags(self) -> list[str]:
        project_dir = str(self._project.project_dir)
        target = str(self._project.target_path)
        return ["--project-dir", project_dir, "--profiles-dir", project_dir, "--target-path", target]

    def _invoke(self, arguments: list[str]) -> tuple[list[dict[str, Any]], str, dict[str, str]]:
        """Run dbt; returns its events as dagster-dbt reads them, what failed (or nothing), and failed tests' SQL."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner
        from google.protobuf.json_format import MessageToDict

        events: list[dict[str, Any]] = []

        def keep(event: "EventMsg") -> None:
            if event.info.name in _RESULT_EVENTS:
                events.append(MessageToDict(event, preserving_proto_field_name=True))

        try:
            done = dbtRunner(manifest=self._parsed, callbacks=[keep]).invoke(
                [*self._global_flags, *arguments, *self._project_flags]
            )
        finally:
            # dbt would keep the file, and thereby its lock, until the process ends
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        if done.exception is not None:
            return events, str(done.exception), {}
        failed_sql = dict(_failed_tests(done.result))  # type: ignore[arg-type]
        if done.success:
            return events, "", failed_sql
        return events, "\n".join(_failures(done.result)), failed_sql  # type: ignore[arg-type]


_RESULT_EVENTS = frozenset({"LogModelResult", "LogSeedResult", "LogSnapshotResult", "LogTestResult"})


def _failed_tests(result: "RunExecutionResult") -> Iterator[tuple[str, str]]:
    """The SQL of each test that found rows, warnings included, by the test's unique id."""
    for node in result.results:
        sql = getattr(node.node, "compiled_code", None)
        if node.failures and sql:
            yield node.node.unique_id, sql


def _failures(result: "RunExecutionResult") -> Iterator[str]:
    for node in result.results:
        if node.status in ("error", "fail"):
            yield f"{node.node.name}: {node.message}"
