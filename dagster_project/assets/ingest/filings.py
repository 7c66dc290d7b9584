"""Defines the raw tables read from company filings: balance-sheet facts, and filings that may announce a deal.

Belongs here: for which companies EDGAR is asked, and when not. Does not belong here: how it is asked and what is looked
for (`sources.filings`), how rows are judged and written (`assets.ingest.raw_table`).

Without a contact address EDGAR is switched off: the tables are made, and stay as they are.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from dagster_project.assets.ingest.raw_table import Feed, LoadPolicy, ingest_batch, raw_asset
from dagster_project.contracts import curated, filings
from dagster_project.contracts.batch import Batch, Reject
from dagster_project.sources.base import NothingToLoadError
from dagster_project.sources.curated import CuratedFacts
from dagster_project.sources.filings.capital import fetch_capital_facts
from dagster_project.sources.filings.deals import fetch_candidates, recent_filings
from dagster_project.sources.filings.edgar import Company, Edgar, Filing
from dagster_project.warehouse.resource import Warehouse

_FROM_THE_SEC = "From filings at the SEC (EDGAR), where MINEHOUSE_SEC_CONTACT switches them on; empty otherwise."
CAPITAL_FEED = Feed(filings.CAPITAL_FACTS, "filed_date", frozenset({"edgar"}), _FROM_THE_SEC, may_be_empty=True)
CANDIDATES_FEED = Feed(filings.DEAL_CANDIDATES, "filed_date", frozenset({"edgar"}), _FROM_THE_SEC, may_be_empty=True)
CANDIDATES_KEY = dg.AssetKey(["raw", filings.DEAL_CANDIDATES.table])

NOT_READ = "filings_not_read"
"""The metadata that names the filings which a run was told of and could not read."""

_CIK = re.compile(r"\d{10}")
_COMPANIES_KEY = dg.AssetKey(["raw", curated.COMPANIES.table])


class FilingToRead(dg.Config):
    """A filing as a run is told of it."""

    symbol: str
    cik: str
    company_name: str
    accession: str
    form: str
    filed_date: str
    items: str
    primary_document: str


class FilingsToRead(dg.Config):
    """Which filings a run reads; none given means the recent ones that are no candidates yet."""

    filings: list[FilingToRead] = []  # noqa: RUF012  # the default of a pydantic field, copied for each


def filing_assets() -> list[dg.AssetsDefinition]:
    """The raw assets that come from filings."""
    return [_capital_facts_asset(), _deal_candidates_asset()]


def _capital_facts_asset() -> dg.AssetsDefinition:
    @raw_asset(CAPITAL_FEED, deps=[_COMPANIES_KEY])
    def capital_facts(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        curated_facts: dg.ResourceParam[CuratedFacts],
        edgar: dg.ResourceParam[Edgar],
        load_policy: dg.ResourceParam[LoadPolicy],
    ) -> dg.MaterializeResult:
        def fetch() -> Batch:
            edgar.ensure_on()
            return fetch_capital_facts(edgar, watch_list(curated_facts))

        return ingest_batch(context, warehouse, CAPITAL_FEED, fetch, known=_known(warehouse), policy=load_policy)

    return capital_facts


def _deal_candidates_asset() -> dg.AssetsDefinition:
    @raw_asset(CANDIDATES_FEED, deps=[_COMPANIES_KEY])
    def deal_candidates(
        context: dg.AssetExecutionContext,
        config: FilingsToRead,
        warehouse: dg.ResourceParam[Warehouse],
        curated_facts: dg.ResourceParam[CuratedFacts],
        edgar: dg.ResourceParam[Edgar],
        load_policy: dg.ResourceParam[LoadPolicy],
    ) -> dg.MaterializeResult:
        to_read = [_filing(filing) for filing in config.filings]
        not_read = {filing.accession for filing in to_read}

        def fetch() -> Batch:
            edgar.ensure_on()
            new, unlisted = (to_read, {}) if to_read else _new_filings(edgar, curated_facts, warehouse)
            not_read.update(filing.accession for filing in new)
            batch = fetch_candidates(edgar, new, unlisted)
            not_read.intersection_update(batch.missing)
            return batch

        result = ingest_batch(context, warehouse, CANDIDATES_FEED, fetch, known=_known(warehouse), policy=load_policy)
        return dg.MaterializeResult(
            metadata={**(result.metadata or {}), NOT_READ: ", ".join(sorted(not_read))},
            check_results=result.check_results,
        )

    return deal_candidates


def _new_filings(
    edgar: Edgar, curated_facts: CuratedFacts, warehouse: Warehouse
) -> tuple[list[Filing], dict[str, str]]:
    """The recent filings that are no candidates yet, and by symbol why a company's could not be listed.

    Raises `NothingToLoadError` where there are none, `SwitchedOffError` where EDGAR is off.
    """
    listed, unlisted = recent_filings(edgar, watch_list(curated_facts), edgar.clock.now().date())
    known = warehouse.current_values(filings.DEAL_CANDIDATES, "candidate_id")
    new = [filing for of_one in listed.values() for filing in of_one if filing.accession not in known]
    if listed and not new:
        rejects = tuple(Reject(f"edgar {symbol}", None, why, symbol) for symbol, why in unlisted.items())
        raise NothingToLoadError("nothing new", rejects)
    return new, unlisted


def watch_list(curated_facts: CuratedFacts) -> tuple[Company, ...]:
    """The companies of the reference folder, by symbol; read from the file, so that no database is opened."""
    rows = curated_facts.fetch(curated.COMPANIES).rows.select(["ticker", "cik"]).to_pylist()
    whole = (row for row in rows if row["ticker"] and _CIK.fullmatch(row["cik"] or ""))  # the others are quarantined
    return tuple(sorted((Company(row["ticker"], row["cik"]) for row in whole), key=lambda company: company.symbol))


def run_config(found: Sequence[Filing]) -> Mapping[str, object]:
    """The run configuration that makes the candidates asset read these filings."""
    requested = [{**vars(filing), "filed_date": filing.filed_date.isoformat()} for filing in found]
    return {"ops": {CANDIDATES_KEY.to_python_identifier(): {"config": {"filings": requested}}}}


def not_read_by(config: Mapping[str, Any], metadata: Mapping[str, dg.MetadataValue] | None) -> frozenset[str]:
    """The accession numbers that a run was told of and did not read: all of them without a materialization."""
    op = config.get("ops", {}).get(CANDIDATES_KEY.to_python_identifier(), {})
    requested = frozenset(filing["accession"] for filing in op.get("config", {}).get("filings", ()))
    if metadata is None:
        return requested
    said = metadata.get(NOT_READ)
    return requested & frozenset(str(said.value).split(", ") if said else ())


def _filing(filing: FilingToRead) -> Filing:
    return Filing(**{**filing.model_dump(), "filed_date": dt.date.fromisoformat(filing.filed_date)})


def _known(warehouse: Warehouse) -> dict[str, frozenset[str]]:
    return {"companies": warehouse.current_values(curated.COMPANIES, "ticker")}
