"""Runs dbt and hands back what happened as Dagster events.

Starting dbt takes longer than building our models: dagster-dbt's own runner starts it anew for every op and twice more
to ask for its version and adapter. This one calls dbt as a library, which imports it once and reads the project once,
for all areas of a run. The translation of dbt's events to Dagster's is dagster-dbt's.

Belongs here: calling dbt for a Dagster op. Does not belong here: dbt's own interface (`dbt_calls`), which area is built
when (`assets.transform`), SQL.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtProject
from dagster_dbt.asset_utils import get_manifest_and_translator_from_dbt_assets, get_subset_selection_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from dagster_project.calls import Call, here
from dagster_project.transform.dbt_calls import DbtRunError, run_dbt

FAILED_SQL = "query"
"""Metadata of a failed test: the SQL that finds the rows it complains of."""


class DbtRunner:
    """dbt for one project."""

    def __init__(self, project: DbtProject, call: Call = here) -> None:
        """`call` says in which process dbt runs; nothing is read or imported before the first build."""
        self._project = project
        self._call = call

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
        target_path = Path(self._project.target_path)
        outcome = self._call(run_dbt, Path(self._project.project_dir), target_path, arguments)
        for event in outcome.events:
            message = DbtCoreCliEventMessage(raw_event=event, event_history_metadata={})
            sql = outcome.failed_sql.get(event["data"]["node_info"]["unique_id"])
            for found in message.to_default_asset_events(
                manifest=manifest,
                dagster_dbt_translator=translator,
                context=context,
                target_path=target_path,
                project=project,
            ):
                if sql and isinstance(found, dg.AssetCheckResult):
                    yield found._replace(metadata={**(found.metadata or {}), FAILED_SQL: dg.MetadataValue.text(sql)})
                else:
                    yield found
        if outcome.failure:
            raise DbtRunError(outcome.failure)
