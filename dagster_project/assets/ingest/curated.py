"""Defines the raw tables that are kept by hand in `reference/`.

Belongs here: which tables these are and which of them the others refer to. Does not belong here: how a file is read
(`sources.curated`).
"""

import dagster as dg

from dagster_project.assets.ingest.raw_table import Feed, LoadPolicy, ingest_batch, raw_asset
from dagster_project.contracts import curated
from dagster_project.sources.curated import PREFIX, CuratedFacts
from dagster_project.warehouse.resource import Warehouse

REFERENCED = {"companies": (curated.COMPANIES,), "instruments": (curated.COMPANIES, curated.PEERS)}
"""The sets of known values that columns point to by name: the tickers of these tables."""

CURATED_FEEDS: tuple[Feed, ...] = tuple(
    Feed(
        contract,
        date_column=next((column.name for column in contract.columns if column.not_in_future), None),
        kinds=frozenset({"csv"}),
        origin=f"Kept by hand in `reference/{contract.table.removeprefix(PREFIX)}.csv`, read anew on every refresh.",
        essential=contract in (curated.COMPANIES, curated.PEERS, curated.HPC_DEALS_AS_ANNOUNCED),
        takes_away=contract is curated.HPC_DEALS_AS_ANNOUNCED,
    )
    for contract in curated.CURATED_CONTRACTS
)


def curated_assets() -> list[dg.AssetsDefinition]:
    """The assets of the curated raw tables, one per file in `reference/`."""
    return [_curated_asset(feed) for feed in CURATED_FEEDS]


def _curated_asset(feed: Feed) -> dg.AssetsDefinition:
    tables = {name: REFERENCED[name] for name in feed.contract.known_sets}
    deps = [dg.AssetKey(["raw", table.table]) for one_set in tables.values() for table in one_set]

    @raw_asset(feed, deps=deps)
    def facts(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        curated_facts: dg.ResourceParam[CuratedFacts],
        load_policy: dg.ResourceParam[LoadPolicy],
    ) -> dg.MaterializeResult:
        with warehouse.write():  # a small file is read in no time: open once for all
            known = {
                name: frozenset().union(*(warehouse.current_values(table, "ticker") for table in one_set))
                for name, one_set in tables.items()
            }
            return ingest_batch(
                context, warehouse, feed, lambda: curated_facts.fetch(feed.contract), known=known, policy=load_policy
            )

    return facts
