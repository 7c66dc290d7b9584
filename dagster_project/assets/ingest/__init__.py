"""Defines the raw tables as assets, one module per feed; what they share is in `raw_table`.

Belongs here: the list of the feeds. Does not belong here: how a source reads (`sources`), what is allowed
(`contracts`).
"""

import dagster as dg

from dagster_project.assets.ingest.curated import curated_assets
from dagster_project.assets.ingest.filings import filing_assets
from dagster_project.assets.ingest.prices import prices_asset
from dagster_project.assets.ingest.ratings import ratings_asset
from dagster_project.assets.ingest.sessions import sessions_asset


def ingest_assets() -> list[dg.AssetsDefinition]:
    """Every raw asset, in order of flow."""
    return [sessions_asset(), prices_asset(), ratings_asset(), *curated_assets(), *filing_assets()]
