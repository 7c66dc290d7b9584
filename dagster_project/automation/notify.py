"""Tells a webhook what went wrong.

Belongs here: which runs are told of, and the words. Does not belong here: retrying or reacting (`automation.jobs`).

The webhook's address is a secret (whoever has it can post), so no log, error or event shows it, and neither does
an HTTP library's: the standard library's client logs nothing. A webhook that fails is noted and forgotten.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping

import dagster as dg
from pydantic import SecretStr

from dagster_project.assets.serving import check_records

TIMEOUT_SECONDS = 3.0
_MOST_CHARACTERS = 500


def webhook_sensors(url: SecretStr | None) -> list[dg.SensorDefinition]:
    """A sensor for failed runs and one for finished runs with failed checks; none without an address."""
    if url is None:
        return []
    return [_failed_runs(url), _failed_checks(url)]


def _failed_runs(url: SecretStr) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="notify_failed_run",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Posts every failed run to the webhook of MINEHOUSE_WEBHOOK_URL.",
    )
    def notify_failed_run(context: dg.RunFailureSensorContext) -> None:
        """One message per run, with the first step that failed."""
        steps = context.get_step_failure_events()
        step = steps[0].step_key if steps else None
        error = steps[0].step_failure_data.error if steps else None
        while error is not None and error.cause is not None:
            error = error.cause
        said = error.message if error is not None else context.failure_event.message or ""
        _tell(context, url, step, said)

    return notify_failed_run


def _failed_checks(url: SecretStr) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="notify_failed_checks",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Posts the failed checks of severity ERROR of a run that came to its end: a refused batch, say.",
    )
    def notify_failed_checks(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
        """One message per run that has such a check."""
        failed = [
            f"{record.table_name}.{record.check_name}: {record.observed or 'failed'}"
            for record in check_records(context.instance, context.dagster_run.run_id)
            if not record.passed and record.severity == dg.AssetCheckSeverity.ERROR.value
        ]
        if not failed:
            return dg.SkipReason("no check of severity ERROR failed")
        _tell(context, url, None, "; ".join(failed))
        return None

    return notify_failed_checks


def _tell(context: dg.RunStatusSensorContext, url: SecretStr, step: str | None, said: str) -> None:
    run = context.dagster_run
    lines = said.strip().splitlines() or ["no reason was given"]
    error = lines[0][:_MOST_CHARACTERS]
    message = {
        "job": run.job_name,
        "run_id": run.run_id,
        "failed_step": step,
        "error": error,
        "url": None,
        "text": f"Minehouse: {run.job_name}{f', step {step}' if step else ''}: {error}",
    }
    if problem := post(url, message):
        context.log.warning(f"the webhook was not told of run {run.run_id}: {problem}")


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Followed, a redirect becomes a GET without the message, and its 200 looks like success."""

    def redirect_request(self, *_: object) -> None:
        return None


def post(url: SecretStr, message: Mapping[str, str | None]) -> str:
    """Post the message as JSON; returns what went wrong, without the address, or nothing. Never raises for it."""
    try:
        request = urllib.request.Request(  # noqa: S310  settings let http and https through, nothing else
            url.get_secret_value(),
            data=json.dumps(message).encode(),
            headers={"Content-Type": "application/json", "User-Agent": "minehouse"},
            method="POST",
        )
        with urllib.request.build_opener(_StayHere).open(request, timeout=TIMEOUT_SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
        return f"HTTP {status}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        # the text of these may hold the address
        return type(error).__name__
