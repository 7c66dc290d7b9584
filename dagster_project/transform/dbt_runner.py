"""Runs dbt for a Dagster op and reports each model and test as Dagster's own results.

Starting dbt takes longer than building our models, and dagster-dbt's `DbtCliResource` starts it anew for every op. This
runner calls dbt as a library, which is imported and reads the project once for all areas of a run.

Belongs here: which models and tests a Dagster selection means, and how their outcome is reported. Does not belong here:
dbt's own interface (`dbt_calls`), which area is built when (`assets.transform`), SQL.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtProject

from dagster_project.calls import Call, call_directly
from dagster_project.progress import heard
from dagster_project.transform.dbt_calls import DbtOutcome, DbtRunError, NodeResult, run_dbt

FAILED_SQL = "query"
"""Metadata of a failed test: the SQL that finds the rows it complains of."""


RunDbt = Callable[[Path, Path, Path, list[str]], DbtOutcome]
"""Runs one dbt command: project, folder for its output, build file, arguments."""


class DbtRunner:
    """dbt for one project."""

    def __init__(self, project: DbtProject, database: Path, call: Call = call_directly, run: RunDbt = run_dbt) -> None:
        """`database` is the build file; `call` says in which process dbt runs, `run` on which engine.

        Nothing is read or imported before the first build.
        """
        self._project = project
        self._database = database
        self._call = call
        self._run = run

    def build(
        self,
        context: dg.AssetExecutionContext,
        select: str,
        models: Mapping[str, dg.AssetKey],
        tests: Mapping[str, dg.AssetCheckKey],
        builds_with: Mapping[str, Sequence[str]],
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        """Build the models of `select` that the context asks for, and run their data tests.

        `models` and `tests` say which asset or check each of dbt's unique ids is; `builds_with` names the models that a
        model is never built without, asked for or not. Yields a result per model and per
        test, then raises `DbtRunError` where anything failed: what succeeded is thereby known to Dagster. Unit tests
        are left out: they hold or fall with the code, not with the data, and `make test` runs them.
        """
        checks = _checks_to_run(context)
        # tests by their name: dbt would also take those of another area that read a model of this one
        selection = ["--indirect-selection", "empty", "--select", select, *map(_name, tests)]
        if context.is_subset:
            wanted = [
                *(unique_id for unique_id, key in models.items() if key in context.selected_asset_keys),
                *(unique_id for unique_id, key in tests.items() if key in checks),
            ]
            brought = [name for unique_id in wanted for name in builds_with.get(unique_id, ())]
            selection = ["--indirect-selection", "empty", "--select", *map(_name, wanted), *brought]
        with heard(context.log.info):
            outcome = self._call(
                self._run,
                Path(self._project.project_dir),
                Path(self._project.target_path),
                self._database,
                ["build", "--exclude-resource-type", "unit_test", *selection],
            )
        for result in outcome.results:
            asset = models.get(result.unique_id)
            if asset in context.selected_asset_keys and result.status == "success":
                yield dg.MaterializeResult(asset_key=asset, metadata=_metadata(result))
            check = tests.get(result.unique_id)
            if check in checks and result.status != "skipped":
                yield _check_result(check, result)
        if outcome.failure:
            raise DbtRunError(outcome.failure)


def _checks_to_run(context: dg.AssetExecutionContext) -> frozenset[dg.AssetCheckKey]:
    """The selected checks, and those of the sources that the selected models read."""
    area = context.assets_def
    read = {parent for key in context.selected_asset_keys for parent in area.asset_deps[key]} - area.asset_deps.keys()
    return frozenset(context.selected_asset_check_keys) | {
        spec.key for spec in area.check_specs if spec.asset_key in read
    }


def _name(unique_id: str) -> str:
    """`model.project.name`, `test.project.name.hash`."""
    return unique_id.split(".")[2]


def _check_result(check: dg.AssetCheckKey, result: NodeResult) -> dg.AssetCheckResult:
    metadata = _metadata(result)
    if result.failed_rows is not None:
        metadata["dagster_dbt/failed_row_count"] = result.failed_rows
    if result.sql:
        metadata[FAILED_SQL] = dg.MetadataValue.text(result.sql)
    return dg.AssetCheckResult(
        passed=result.status == "pass",
        asset_key=check.asset_key,
        check_name=check.name,
        severity=dg.AssetCheckSeverity.WARN if result.status == "warn" else dg.AssetCheckSeverity.ERROR,
        metadata=metadata,
    )


def _metadata(result: NodeResult) -> dict[str, dg.MetadataValue | str | float]:
    return {"unique_id": result.unique_id, "status": result.status, "Execution Duration": result.seconds}
