"""Defines the last assets: the log of check results, and the published files.

Belongs here: what happens after the last dbt model. Does not belong here: how files are written (`warehouse`), the
checks of what was published (`checks.serving`).
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import dagster as dg
from pydantic import Field

from dagster_project.assets import groups
from dagster_project.assets.freshness import after_every_close
from dagster_project.gate.data_docs import write_index
from dagster_project.progress import heard
from dagster_project.transform.sources_yml import OWNER
from dagster_project.warehouse.audit import held_back
from dagster_project.warehouse.publish import publish, rollback
from dagster_project.warehouse.quality import (
    COLUMNS,
    CheckRecord,
    append_check_records,
    forget_old_records,
    last_checked_at,
)
from dagster_project.warehouse.resource import Warehouse

QUALITY_KEY = dg.AssetKey(["marts", "data_quality_results"])
PUBLISHED_KEY = dg.AssetKey(["published", "minehouse"])

_MOST_RUNS = 100


def serving_assets(
    models: Iterable[dg.AssetsDefinition],
    readers: str,
    check_titles: Mapping[str, str],
    *,
    docs_dir: Path | None,
    keep_check_days: int,
    keep_publications: int,
    parquet_alone_rows: int,
) -> list[dg.AssetsDefinition]:
    """The assets that follow the marts among these models.

    `readers` are those of the published file, as Markdown; `check_titles` says in words what a dbt test asks.
    `docs_dir` is where the gate leaves its pages, `keep_check_days` how long results of checks are kept,
    `keep_publications` how many publications are, and a mart of more than `parquet_alone_rows` rows is Parquet alone.
    """
    rests_on = _rests_on(models)
    marts = sorted(key for key in rests_on if key.path[0] == "marts")

    @dg.asset(
        key=QUALITY_KEY,
        deps=marts,
        group_name=groups.SERVING,
        kinds={"python", "duckdb"},
        owners=[OWNER],
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
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        records = list(check_records(context.instance, context.run_id, check_titles))
        with warehouse.write() as connection:
            append_check_records(connection, [])
            others = _unrecorded_runs(context.instance, context.run_id, last_checked_at(connection))
            late = [record for run_id in others for record in check_records(context.instance, run_id, check_titles)]
            added = append_check_records(connection, [*records, *late])
            forgotten = forget_old_records(connection, keep_check_days, now)
        failed = [record for record in records if not record.passed]
        return dg.MaterializeResult(
            metadata={
                "checks": len(records),
                "failed": len(failed),
                "rows_added": added,
                "rows_forgotten": forgotten,
                **({"data_docs": dg.MetadataValue.url(write_index(docs_dir).as_uri())} if docs_dir else {}),
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
        owners=[OWNER],
        tags={"layer": "published"},
        description="The marts as BI tools and SQL users read them: `minehouse.duckdb` (schema `marts`) and a Parquet "
        "file per table, swapped in whole, so that a reader sees the old state or the new one and never half of one.",
        metadata={
            "tables": "every table and macro of the group marts; `make docs` writes a page about each of their columns",
            "readers": dg.MetadataValue.md(readers),
        },
    )
    def published(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult:
        with warehouse.write() as connection:
            held = held_back(
                connection,
                {key.path[-1] for key in marts},
                {key.path[-1]: {below.path[-1] for below in under} for key, under in rests_on.items()},
            )
        for table, why in held.items():
            context.log.warning(f"held back: marts.{table} keeps the version last published; {why}")
        with heard(context.log.info):
            publication = publish(
                warehouse.build_database,
                warehouse.published_dir,
                run_id=context.run_id,
                held_back=held,
                keep=keep_publications,
                parquet_alone_rows=parquet_alone_rows,
            )
        for table in publication.parquet_alone:
            context.log.info(
                f"marts.{table} is published as Parquet alone: {publication.rows[table]:,} rows, "
                f"more than MINEHOUSE_PARQUET_ALONE_ROWS ({parquet_alone_rows:,})"
            )
        for macro in publication.macros_left_out:
            context.log.warning(f"marts.{macro} is left out: it asks a table that is held back")
        for damaged in publication.damaged:
            context.log.warning(
                f"publication {damaged} is damaged, nothing was taken from it: remove its folder in "
                f"{warehouse.published_dir / 'publications'}"
            )
        return dg.MaterializeResult(
            metadata={
                "database": dg.MetadataValue.path(str(warehouse.published_database)),
                "parquet": dg.MetadataValue.path(str(warehouse.published_dir / "parquet")),
                "database_bytes": publication.database_bytes,
                "macros": ", ".join(publication.macros),
                "macros_left_out": ", ".join(publication.macros_left_out) or "none",
                "parquet_alone": ", ".join(publication.parquet_alone) or "none",
                "publication_id": publication.publication_id,
                "held_back": dg.MetadataValue.md(
                    "\n".join(f"- {table}: {why}" for table, why in held.items()) or "none"
                ),
                "rows": dg.MetadataValue.md(
                    "\n".join(f"- {table}: {rows:,}" for table, rows in publication.rows.items())
                ),
            }
        )

    return [data_quality_results, published]


class Rollback(dg.Config):
    """Which publication readers shall see."""

    publication_id: str | None = Field(
        default=None, description="An id of `published/publications`; without it the publication before this one."
    )


@dg.op(description="Points readers to an earlier publication.")
def point_readers_back(
    context: dg.OpExecutionContext, config: Rollback, warehouse: dg.ResourceParam[Warehouse]
) -> None:
    """Go back, and log to which."""
    context.log.info(f"readers now see publication {rollback(warehouse.published_dir, config.publication_id)}")


def _rests_on(models: Iterable[dg.AssetsDefinition]) -> dict[dg.AssetKey, frozenset[dg.AssetKey]]:
    """By model, all models that it rests on, over any number of steps."""
    direct = {spec.key: {dep.asset_key for dep in spec.deps} for asset in models for spec in asset.specs}
    found: dict[dg.AssetKey, frozenset[dg.AssetKey]] = {}

    def below(key: dg.AssetKey) -> frozenset[dg.AssetKey]:
        if key not in found:
            under = direct[key] & direct.keys() - {key}
            found[key] = frozenset(under).union(*(below(one) for one in under))
        return found[key]

    return {key: below(key) for key in direct}


def _unrecorded_runs(instance: dg.DagsterInstance, run_id: str, last: dt.datetime | None) -> list[str]:
    """Other runs that may hold evaluations which no run has recorded: of single tables, or made after the record.

    Only those since the day before the newest record are looked at, and no more than the last hundred.
    """
    since = (last or dt.datetime.now(dt.UTC).replace(tzinfo=None)) - dt.timedelta(days=1)
    recent = instance.get_run_records(dg.RunsFilter(updated_after=since.replace(tzinfo=dt.UTC)), limit=_MOST_RUNS)
    return [record.dagster_run.run_id for record in recent if record.dagster_run.run_id != run_id]


def check_records(
    instance: dg.DagsterInstance, run_id: str, titles: Mapping[str, str] = MappingProxyType({})
) -> Iterator[CheckRecord]:
    """Every check evaluation of a run, the latest where one was evaluated twice; `titles` by name of a dbt test."""
    records: dict[tuple[str, str], CheckRecord] = {}
    for event in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        if event.dagster_event is None:
            continue
        evaluation = event.dagster_event.asset_check_evaluation_data
        checked_at = dt.datetime.fromtimestamp(event.timestamp, dt.UTC).replace(tzinfo=None)
        record = _record(evaluation, run_id, checked_at, titles)
        records[(record.table_name, record.check_name)] = record
    yield from records.values()


def _record(
    evaluation: dg.AssetCheckEvaluation, run_id: str, checked_at: dt.datetime, titles: Mapping[str, str]
) -> CheckRecord:
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
        tool="dbt" if is_dbt else "dagster",
        severity=evaluation.severity.value,
        passed=evaluation.passed,
        failing_rows=None if failing is None else int(str(failing)),
        observed=None if observed is None else str(observed),
        check_title=titles.get(evaluation.check_name, evaluation.check_name.replace("_", " ")),
    )
