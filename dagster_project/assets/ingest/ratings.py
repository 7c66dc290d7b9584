"""Defines the raw table of rating changes that a vendor reports, beside the curated ones.

Belongs here: for which companies the vendor is asked, and when not. Does not belong here: how a source reads
(`sources.ratings`).
"""

import dagster as dg

from dagster_project.assets.ingest.raw_table import (
    Feed,
    LoadPolicy,
    ingest_batch,
    other_tickers,
    raw_asset,
)
from dagster_project.contracts import curated
from dagster_project.contracts import ratings as contracts
from dagster_project.sources.ratings.base import RatingRequest, RatingSource
from dagster_project.warehouse.resource import Warehouse

RATINGS_FEED = Feed(
    contracts.YAHOO_RATING_CHANGES,
    "rating_date",
    frozenset({"yahoo"}),
    "From Yahoo Finance, where MINEHOUSE_RATING_SOURCE=yahoo switches it on; empty otherwise.",
    may_be_empty=True,
)


def ratings_asset() -> dg.AssetsDefinition:
    """The asset of `raw.yahoo__rating_changes`."""
    read = (curated.COMPANIES, curated.SYMBOL_CHANGES)

    @raw_asset(RATINGS_FEED, deps=[dg.AssetKey(["raw", contract.table]) for contract in read])
    def rating_changes(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        rating_source: dg.ResourceParam[RatingSource],
        load_policy: dg.ResourceParam[LoadPolicy],
    ) -> dg.MaterializeResult:
        companies = warehouse.current_values(curated.COMPANIES, "ticker")
        return ingest_batch(
            context,
            warehouse,
            RATINGS_FEED,
            lambda: rating_source.fetch(RatingRequest(tuple(sorted(companies)), other_tickers(warehouse))),
            known={"companies": companies},
            policy=load_policy,
        )

    return rating_changes
