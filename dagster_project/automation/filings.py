"""Starts a run as soon as the SEC lists a new 8-K or 6-K of a company on the watch list.

Does not belong here: which filings are of interest, or what is read in them (`sources.filings`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

import dagster as dg

from dagster_project.assets.ingest.filings import CANDIDATES_KEY, not_read_by, run_config, watch_list
from dagster_project.sources.base import SourceError, SwitchedOffError
from dagster_project.sources.curated import CuratedFacts
from dagster_project.sources.filings.deals import recent_filings
from dagster_project.sources.filings.edgar import Edgar, Filing

READ_FILINGS = dg.define_asset_job(
    "read_filings",
    selection=dg.AssetSelection.assets(CANDIDATES_KEY),
    description="Reads new 8-K and 6-K filings and keeps those that may announce a deal.",
    executor_def=dg.in_process_executor,
)

BUDGET = 40.0
"""Seconds for one look at the lists; Dagster ends an evaluation after sixty."""

MOST_TIMES = 3
"""How often a filing is asked for that cannot be read."""


@dg.sensor(
    name="new_filings",
    job=READ_FILINGS,
    minimum_interval_seconds=900,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Every quarter of an hour: 8-K (items 1.01, 7.01, 8.01) and 6-K filings of the last thirty days that "
    "were not read yet.",
)
def new_filings(
    context: dg.SensorEvaluationContext,
    curated_facts: dg.ResourceParam[CuratedFacts],
    edgar: dg.ResourceParam[Edgar],
) -> dg.SensorResult:
    """Ask for one run per look that found something; the cursor holds by symbol how often each filing was asked for.

    A filing that a run could not read, or whose run failed, is asked for again, up to `MOST_TIMES`; the daily refresh
    goes on trying after that.
    """
    try:
        edgar.ensure_on()
    except SwitchedOffError as off:
        return dg.SensorResult(skip_reason=str(off))
    unread = _unread_by_the_last_run(context.instance)
    if unread is None:
        return dg.SensorResult(skip_reason="the filings that were found are being read")
    patient = replace(edgar, retry_policy=replace(edgar.retry_policy, budget=min(BUDGET, edgar.retry_policy.budget)))
    try:
        listed, unlisted = recent_filings(patient, watch_list(curated_facts), edgar.clock.now().date())
    except SourceError as error:
        return dg.SensorResult(skip_reason=str(error))
    for symbol, why in unlisted.items():
        context.log.warning(f"{symbol}: its filings could not be listed: {why}")
    asked = _asked(context.cursor)
    # what is no longer recent is forgotten; what could not be listed is remembered as it was
    still = {symbol: dict(times) for symbol, times in asked.items() if symbol not in listed}
    found: list[Filing] = []
    for symbol, of_one in listed.items():
        still[symbol] = {}
        for filing in of_one:
            times = asked.get(symbol, {}).get(filing.accession, 0)
            if times == 0 or (filing.accession in unread and times < MOST_TIMES):
                found.append(filing)
                times += 1
            still[symbol][filing.accession] = times
    cursor = json.dumps(still, sort_keys=True)
    if not found:
        why_not = f"no new filing; not listed: {', '.join(sorted(unlisted))}" if unlisted else "no new filing"
        return dg.SensorResult(skip_reason=why_not, cursor=cursor)
    numbers = ",".join(sorted(f"{filing.accession} {still[filing.symbol][filing.accession]}" for filing in found))
    run_key = hashlib.sha256(numbers.encode()).hexdigest()[:16]
    return dg.SensorResult([dg.RunRequest(run_key=run_key, run_config=dict(run_config(found)))], cursor=cursor)


def _unread_by_the_last_run(instance: dg.DagsterInstance) -> frozenset[str] | None:
    """What the last run was told of and did not read; None while it is under way."""
    runs = instance.get_runs(dg.RunsFilter(job_name=READ_FILINGS.name), limit=1)
    if not runs:
        return frozenset()
    if not runs[0].is_finished:
        return None
    event = instance.get_latest_materialization_event(CANDIDATES_KEY) if runs[0].is_success else None
    made = event.asset_materialization if event else None
    return not_read_by(runs[0].run_config, made.metadata if made else None)


def _asked(cursor: str | None) -> Mapping[str, Mapping[str, int]]:
    try:
        asked = json.loads(cursor or "{}")
    except ValueError:
        return {}
    if not isinstance(asked, dict):
        return {}
    # a cursor of an older version holds lists
    return {
        symbol: dict.fromkeys(of_one, 1) if isinstance(of_one, list) else of_one for symbol, of_one in asked.items()
    }
