"""When filings are read: as soon as the SEC lists a new 8-K or 6-K of the watch list.

Does not belong here: which filings are of interest, or what is read in them (`sources.filings`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

import dagster as dg

from dagster_project.assets.filings import CANDIDATES_KEY, OFF, run_config, watch_list
from dagster_project.sources.base import SourceError
from dagster_project.sources.curated import CuratedFacts
from dagster_project.sources.filings.deals import not_among, recent_filings
from dagster_project.sources.filings.edgar import Edgar

READ_FILINGS = dg.define_asset_job(
    "read_filings",
    selection=dg.AssetSelection.assets(CANDIDATES_KEY),
    description="Reads new 8-K and 6-K filings and keeps those that may announce a deal.",
    executor_def=dg.in_process_executor,
)

BUDGET = 40.0
"""Seconds for one look at the lists; Dagster ends an evaluation after sixty."""


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
    """Ask for one run per look that found something; the cursor holds the accession numbers seen, by symbol."""
    if not edgar.is_on:
        return dg.SensorResult(skip_reason=OFF)
    patient = replace(edgar, manners=replace(edgar.manners, budget=min(BUDGET, edgar.manners.budget)))
    try:
        listed, unlisted = recent_filings(patient, watch_list(curated_facts), edgar.clock.now().date())
    except SourceError as error:
        return dg.SensorResult(skip_reason=str(error))
    for symbol, why in unlisted.items():
        context.log.warning(f"{symbol}: its filings could not be listed: {why}")
    seen = _seen(context.cursor)
    found = [
        filing for symbol, of_one in listed.items() for filing in not_among(of_one, frozenset(seen.get(symbol, ())))
    ]
    # what is no longer recent is forgotten; what could not be listed is remembered as it was
    still = {**seen, **{symbol: sorted(filing.accession for filing in of_one) for symbol, of_one in listed.items()}}
    cursor = json.dumps(still, sort_keys=True)
    if not found:
        why_not = f"no new filing; not listed: {', '.join(sorted(unlisted))}" if unlisted else "no new filing"
        return dg.SensorResult(skip_reason=why_not, cursor=cursor)
    numbers = ",".join(sorted(filing.accession for filing in found))
    run_key = hashlib.sha256(numbers.encode()).hexdigest()[:16]
    return dg.SensorResult([dg.RunRequest(run_key=run_key, run_config=dict(run_config(found)))], cursor=cursor)


def _seen(cursor: str | None) -> Mapping[str, list[str]]:
    try:
        seen = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return seen if isinstance(seen, dict) else {}
