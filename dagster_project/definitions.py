"""Assembles settings, sources, assets, checks and automation; no other file does.

Belongs here: which part is handed to which. Does not belong here: any part. Importing this module does nothing;
Dagster calls `defs`, tests call `build_defs` with what they want exchanged.
"""

from functools import partial
from typing import Any

import dagster as dg
from dagster_dbt import DbtProject

from dagster_project.assets.ingest import ingest_assets
from dagster_project.assets.ingest.raw_table import LoadPolicy
from dagster_project.assets.serving import serving_assets
from dagster_project.assets.transform import read_manifest, transform_assets
from dagster_project.assets.wording import check_titles, readers
from dagster_project.automation.filings import READ_FILINGS, new_filings
from dagster_project.automation.jobs import (
    AFTER_THE_CLOSE,
    DAILY_REFRESH,
    PUBLISH,
    REBUILD,
    REFRESH_PRICES,
    ROLLBACK,
    WEEKLY_DEEP_CHECK,
    publish_what_stands,
)
from dagster_project.automation.landing import landing_sensor
from dagster_project.automation.notify import webhook_sensors
from dagster_project.calls import Call, call_directly
from dagster_project.checks.freshness import freshness_checks
from dagster_project.checks.serving import published_equals_build, published_opens_in_old_duckdb
from dagster_project.runs.turn import warehouse_in_turn
from dagster_project.settings import Settings, export_for_dbt, load_settings
from dagster_project.shell.fast_start import sweep_after_deletion
from dagster_project.sources.curated import CuratedFacts
from dagster_project.sources.registry import filing_sources, price_source, rating_source
from dagster_project.transform.dbt_calls import run_dbt
from dagster_project.transform.dbt_runner import DbtRunner, RunDbt
from dagster_project.transform.spark_calls import run_dbt_on_spark
from dagster_project.warehouse.resource import Warehouse


def _landing_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    if settings.price_source == "files" and settings.price_files is not None:
        return [landing_sensor(settings.price_files)]
    return []


def _engine(settings: Settings) -> RunDbt:
    if settings.engine == "spark":
        return partial(run_dbt_on_spark, lake=settings.lake, parquet_alone_rows=settings.parquet_alone_rows)
    return run_dbt


def build_defs(
    settings: Settings,
    loggers: dict[str, dg.LoggerDefinition] | None = None,
    *,
    call_dbt: Call = call_directly,
    call_gate: Call = call_directly,
    **overrides: Any,
) -> dg.Definitions:
    """Assemble everything for these settings.

    `loggers` replace Dagster's, `overrides` replace resources by name; `call_dbt` and `call_gate` say in which
    processes dbt runs and batches are judged.
    """
    export_for_dbt(settings)
    project = DbtProject(settings.dbt_project_dir, target_path=settings.dbt_target_dir)
    manifest = read_manifest(project)
    models = transform_assets(project, manifest)
    docs_dir = settings.data_docs_dir if settings.data_docs else None
    serving = serving_assets(
        models,
        readers(manifest),
        check_titles(manifest),
        docs_dir=docs_dir,
        keep_check_days=settings.keep_check_days,
        keep_publications=settings.keep_publications,
        parquet_alone_rows=settings.parquet_alone_rows,
    )
    resources: dict[str, Any] = {
        "warehouse": warehouse_in_turn(
            Warehouse(settings.build_database, settings.published_dir),
            settings.run_lock,
            settings.runs_alive_dir,
            wait_seconds=60 * settings.run_wait_minutes,
            keep_runs=settings.keep_runs,
            sweep=partial(sweep_after_deletion, home=settings.dagster_home),
        ),
        "price_source": price_source(settings),
        "rating_source": rating_source(settings),
        "curated_facts": CuratedFacts(settings.reference_dir),
        **filing_sources(settings),
        "load_policy": LoadPolicy(
            allow_shrink=settings.allow_shrink,
            allow_rewrite=settings.allow_rewrite,
            docs_dir=docs_dir,
            scratch_dir=settings.build_database.parent / "incoming",
            call=call_gate,
        ),
        "dbt": DbtRunner(project, settings.build_database, call_dbt, _engine(settings)),
    }
    return dg.Definitions(
        assets=[*ingest_assets(), *models, *serving],
        asset_checks=[*freshness_checks(), published_equals_build, published_opens_in_old_duckdb],
        jobs=[DAILY_REFRESH, REFRESH_PRICES, PUBLISH, READ_FILINGS, REBUILD, ROLLBACK],
        schedules=[AFTER_THE_CLOSE, WEEKLY_DEEP_CHECK],
        sensors=[publish_what_stands, new_filings, *_landing_sensors(settings), *webhook_sensors(settings.webhook_url)],
        resources=resources | overrides,
        executor=dg.in_process_executor,
        loggers=loggers,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads: the definitions for the settings in the environment."""
    return build_defs(load_settings())
