"""Defines the last assets: the log of check results, and the published files.

Belongs here: what happens after the last dbt model. Does not belong here: how files are written (`warehouse`), the
checks of what was published (`checks.serving`).
"""

import datetime as dt
from collections.abc import Iterable, Iterator

import dagster as dg

from dagster_project.assets import groups
from dagster_project.assets.freshness import after_every_close
from dagster_project.warehouse.publish import publish
from dagster_project.warehouse.quality import COLUMNS, CheckRecord, append_check_records
from dagster_project.warehouse.resource import Warehouse

QUALITY_KEY = dg.AssetKey(["marts", "data_quality_results"])
PUBLISHED_KEY = dg.AssetKey(["published", "minehouse"])

_GATE_CHECKS = frozenset({"quarantine_is_empty"})


def serving_assets(marts: Iterable[dg.AssetKey], readers: str) -> list[dg.AssetsDefinition]:
    """The assets that follow the marts of these keys; `readers` are those of the published file, as Markdown."""
    marts = list(marts)

    @dg.asset(
        key=QUALITY_KEY,
        deps=marts,
        group_name=groups.SERVING,
        kinds={"python", "duckdb"},
        owners=["team:data"],
        tags={"layer": "marts"},
        description="One row per run, check and table: what every check of every run found, newest last.",
        metadata={
            "dagster/table_name": "warehouse.marts.data_quality_results",
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn(name, kind, description=description) for name, (kind, description) in COLUMNS.items()
                ],
                constraints=dg.TableConstraints(other=["one row per run_id, table_name, check_name"]),
            ),
        },
    )
    def data_quality_results(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult:
        records = list(check_records(context.instance, context.run_id))
        with warehouse.write() as connection:
            added = append_check_records(connection, records)
        failed = [record for record in records if not record.passed]
        return dg.MaterializeResult(
            metadata={
                "checks": len(records),
                "failed": len(failed),
                "rows_added": added,
                "failures": dg.MetadataValue.md(
                    "\n".join(f"- {r.severity} {r.table_name}.{r.check_name}: {r.observed}" for r in failed) or "none"
                ),
            }
        )

    @dg.asset(
        key=PUBLISHED_KEY,
        deps=[*marts, QUALITY_KEY],
        freshness_policy=after_every_close(),
        group_name=groups.SERVING,
        kinds={"duckdb", "parquet"},
        owners=["team:data"],
        tags={"layer": "published"},
        description="The marts as BI tools and SQL users read them: `minehouse.duckdb` (schema `marts`) and a Parquet "
        "file per table, swapped in whole, so that a reader sees the old state or the new one and never half of one.",
        metadata={
            "tables": "every table and macro of the group marts; `make docs` writes a page about each of their columns",
            "readers": dg.MetadataValue.md(readers),
        },
    )
    def published(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult:
        publication = publish(warehouse.build_database, warehouse.published_dir)
        return dg.MaterializeResult(
            metadata={
                "database": dg.MetadataValue.path(str(warehouse.published_database)),
                "parquet": dg.MetadataValue.path(str(warehouse.published_dir / "parquet")),
                "database_bytes": publication.database_bytes,
                "macros": ", ".join(publication.macros),
                "rows": dg.MetadataValue.md(
                    "\n".join(f"- {table}: {rows:,}" for table, rows in publication.rows.items())
                ),
            }
        )

    return [data_quality_results, published]


def check_records(instance: dg.DagsterInstance, run_id: str) -> Iterator[CheckRecord]:
    """Every check evaluation of a run, the latest where one was evaluated twice."""
    records: dict[tuple[str, str], CheckRecord] = {}
    for event in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        if event.dagster_event is None:
            continue
        evaluation = event.dagster_event.asset_check_evaluation_data
        record = _record(evaluation, run_id, dt.datetime.fromtimestamp(event.timestamp, dt.UTC).replace(tzinfo=None))
        records[(record.table_name, record.check_name)] = record
    yield from records.values()


def _record(evaluation: dg.AssetCheckEvaluation, run_id: str, checked_at: dt.datetime) -> CheckRecord:
    path = evaluation.asset_key.path
    metadata = {name: value.value for name, value in evaluation.metadata.items()}
    is_dbt = "unique_id" in metadata or any(name.startswith("dagster_dbt/") for name in metadata)
    failing = metadata.get("failing_rows", metadata.get("dagster_dbt/failed_row_count"))
    observed = metadata.get("observed", metadata.get("refusal", metadata.get("status")))
    return CheckRecord(
        run_id=run_id,
        checked_at=checked_at,
        layer=path[0],
        table_name=path[-1],
        check_name=evaluation.check_name,
        tool="dbt" if is_dbt else "great_expectations" if evaluation.check_name in _GATE_CHECKS else "dagster",
        severity=evaluation.severity.value,
        passed=evaluation.passed,
        failing_rows=None if failing is None else int(str(failing)),
        observed=None if observed is None else str(observed),
    )
