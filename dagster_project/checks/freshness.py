"""How old the data is, measured on the data itself.

Does not belong here: freshness policies of assets, which watch runs.
"""

import datetime as dt

import dagster as dg

from dagster_project.sessions import last_complete_session
from dagster_project.sources.prices.base import PriceSource
from dagster_project.warehouse.resource import Warehouse

TECHNICALS_KEY = dg.AssetKey(["marts", "fct_daily_technicals"])


@dg.asset_check(
    asset=TECHNICALS_KEY,
    description="The companies' latest row is that of the last complete exchange session. "
    "Simulated prices are never up to date.",
)
def technicals_reach_last_session(
    warehouse: dg.ResourceParam[Warehouse], price_source: dg.ResourceParam[PriceSource]
) -> dg.AssetCheckResult:
    """WARN where real prices end before the last complete session; simulated prices pass, and say so."""
    with warehouse.read() as connection:
        (latest,) = connection.execute(
            """select max(trade_date) from marts.fct_daily_technicals
               where symbol in (select symbol from marts.dim_miners where is_covered_company)"""
        ).fetchall()[0]
    if price_source.is_simulated:
        return dg.AssetCheckResult(passed=True, metadata={"observed": f"simulated prices end {latest}"})
    expected = last_complete_session(dt.datetime.now(dt.UTC))
    observed = f"prices end {latest}, the last complete session is {expected}"
    return dg.AssetCheckResult(
        passed=latest is not None and latest >= expected,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"observed": observed},
    )
