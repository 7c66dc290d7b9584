"""Defines the raw table of exchange sessions.

Belongs here: how far the calendar reaches. Does not belong here: which days are sessions (`dagster_project.sessions`).
"""

import datetime as dt
from dataclasses import replace

import dagster as dg

from dagster_project.assets.ingest.raw_table import Feed, LoadPolicy, ingest_batch, raw_asset, today
from dagster_project.contracts import market
from dagster_project.contracts.batch import Batch
from dagster_project.sessions import exchange_sessions
from dagster_project.warehouse.resource import Warehouse

SESSIONS_FEED = Feed(
    market.SESSIONS,
    "session_date",
    frozenset({"python"}),
    "Worked out by the package exchange_calendars, to the end of next year.",
    essential=True,
)


def sessions_asset() -> dg.AssetsDefinition:
    """The asset of `raw.calendar__sessions`."""

    @raw_asset(SESSIONS_FEED, deps=())
    def sessions(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        load_policy: dg.ResourceParam[LoadPolicy],
    ) -> dg.MaterializeResult:
        def fetch() -> Batch:
            rows = load_policy.call(exchange_sessions, end=dt.date(today().year + 1, 12, 31))
            rows = rows.append_column("source_file", [["exchange_calendars"] * rows.num_rows])
            rows = rows.append_column("source_row", [list(range(1, rows.num_rows + 1))])
            return Batch("exchange_calendars", rows)

        policy = replace(load_policy, allow_shrink=True)
        return ingest_batch(context, warehouse, SESSIONS_FEED, fetch, known={}, policy=policy)

    return sessions
