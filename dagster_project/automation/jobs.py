"""Defines the jobs and when they run by themselves.

Does not belong here: asset definitions.
"""

import dagster as dg

from dagster_project.assets.ingest.prices import PRICES_KEY
from dagster_project.assets.serving import PUBLISHED_KEY, QUALITY_KEY, point_readers_back
from dagster_project.sessions import EXCHANGE_TIME_ZONE

# importing the definitions once and running step after step costs seconds; a process per step costs a minute, and
# DuckDB lets only one of them write anyway
DAILY_REFRESH = dg.define_asset_job(
    "daily_refresh",
    selection=dg.AssetSelection.all(),
    description="Everything: ingest, judge, build every model, check, publish.",
    executor_def=dg.in_process_executor,
)

REFRESH_PRICES = dg.define_asset_job(
    "refresh_prices",
    selection=dg.AssetSelection.assets(PRICES_KEY).downstream(),
    description="Prices and all that follows from them; the launchpad may pick symbols and days.",
    executor_def=dg.in_process_executor,
)

PUBLISH = dg.define_asset_job(
    "publish",
    selection=dg.AssetSelection.assets(QUALITY_KEY, PUBLISHED_KEY),
    description="Publishes the marts as they stand, after a refresh that failed in one area.",
    executor_def=dg.in_process_executor,
)

REBUILD = dg.define_asset_job(
    "rebuild",
    selection=dg.AssetSelection.all() - dg.AssetSelection.key_prefixes("raw"),
    description="Every model, check and the publication from what was loaded; nothing is fetched.",
    executor_def=dg.in_process_executor,
)


@dg.job(
    name="rollback",
    description="Lets readers see an earlier publication, in one rename; the next refresh publishes anew.",
    executor_def=dg.in_process_executor,
)
def ROLLBACK() -> None:  # noqa: N802  # a constant like the jobs beside it
    """One step."""
    point_readers_back()


AFTER_THE_CLOSE = dg.ScheduleDefinition(
    name="after_the_close",
    job=DAILY_REFRESH,
    cron_schedule="30 17 * * 1-5",
    execution_timezone=EXCHANGE_TIME_ZONE,
    description="On weekdays at 17:30 New York time, an hour and a half after the closing bell.",
)


WEEKLY_DEEP_CHECK = dg.ScheduleDefinition(
    name="weekly_deep_check",
    job=REFRESH_PRICES,
    cron_schedule="0 9 * * 6",
    execution_timezone=EXCHANGE_TIME_ZONE,
    run_config={"ops": {PRICES_KEY.to_python_identifier(): {"config": {"full_history": True}}}},
    description="On Saturdays at 9:00 New York time: whole histories of prices, so that a correction of a day long ago "
    "is found.",
)


@dg.run_failure_sensor(
    name="publish_what_stands",
    monitored_jobs=[DAILY_REFRESH, REFRESH_PRICES, REBUILD],
    request_job=PUBLISH,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A failure in one area must not keep the others from readers: publishes after a failed refresh.",
)
def publish_what_stands(context: dg.RunFailureSensorContext) -> dg.RunRequest:
    """Ask for one publish run per failed refresh."""
    return dg.RunRequest(run_key=context.dagster_run.run_id)
