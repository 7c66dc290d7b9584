"""Watches the folder of price files and asks for a refresh once it has changed and nothing more arrives.

Belongs here: what counts as a change, and when a change is complete. Does not belong here: reading files
(`sources.prices.files`).
"""

import hashlib
import json
from pathlib import Path

import dagster as dg

from dagster_project.assets.ingest.prices import FOLDER_STATE, PRICES_KEY
from dagster_project.automation.jobs import DAILY_REFRESH
from dagster_project.sources.prices.files.folder import folder_state

INTERVAL_SECONDS = 30
"""Time between two looks, and thereby how long a folder must stand still."""


def landing_sensor(folder: Path) -> dg.SensorDefinition:
    """The sensor for this folder."""

    @dg.sensor(
        name="price_files_landed",
        job=DAILY_REFRESH,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Refreshes when files in the price folder were added, changed or removed, once they stand still "
        "from one look to the next: a half-copied file waits until it is whole.",
    )
    def price_files_landed(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Compare the folder with the last look (`seen`) and with the last run asked for (`done`)."""
        cursor: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
        seen = folder_state(folder)

        def result(skip_reason: str | None = None, **changes: str) -> dg.SensorResult:
            return dg.SensorResult(skip_reason=skip_reason, cursor=json.dumps(cursor | changes))

        if seen is None:
            return result(f"{folder} is no folder that can be read", seen="")
        if not seen:
            return result(f"{folder} holds no file", seen="")
        if seen == _read_last(context):
            return result("these files are those that were read last", seen=seen, done=seen)
        if seen != cursor.get("seen"):
            return result("the folder has changed; waiting until it stands still", seen=seen)
        if seen == cursor.get("done"):
            return result("nothing has changed since the last refresh that this sensor asked for")
        # a folder that returns to an earlier state is a change too, so the key depends on the way there
        key = _digest(cursor.get("run_key", "") + seen)
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=key)],
            cursor=json.dumps({"seen": seen, "done": seen, "run_key": key}),
        )

    return price_files_landed


def _read_last(context: dg.SensorEvaluationContext) -> str | None:
    """The state of the folder when its files were read last, by a run of whoever started it."""
    event = context.instance.get_latest_materialization_event(PRICES_KEY)
    made = event.asset_materialization if event else None
    told = made.metadata.get(FOLDER_STATE) if made else None
    return str(told.value) if told else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]
