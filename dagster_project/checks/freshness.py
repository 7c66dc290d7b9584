"""How old the data is, measured on the data itself, area by area.

Belongs here: what is asked of each area and how old is too old. Does not belong here: freshness policies of assets,
which watch runs.
"""

import datetime as dt
from dataclasses import dataclass

import dagster as dg

from dagster_project.sessions import last_complete_session
from dagster_project.sources.prices.base import PriceSource
from dagster_project.warehouse.resource import Warehouse

_LAST_SIMULATED = "select max(trade_date) from marts.fct_daily_technicals"


@dataclass(frozen=True)
class Age:
    """One question of age: `name` of the check, the mart it is about, and how old it may be.

    `query` gives rows of a name and its newest day; each must lie within `max_days` before the last complete session.
    `because` says why no more.
    """

    name: str
    mart: str
    what: str
    query: str
    max_days: int
    because: str

    @property
    def description(self) -> str:
        """What the check means, in a sentence or two."""
        allowed = f"at most {self.max_days} days before" if self.max_days else "that of"
        return (
            f"{self.what}: {allowed} the last complete exchange session. {self.because} With simulated prices the last "
            "simulated session counts instead."
        )


AGES = (
    Age(
        "technicals_reach_last_session",
        "fct_daily_technicals",
        "The latest row of every company that has prices",
        """select symbol, max(trade_date) from marts.fct_daily_technicals
           where symbol in (select symbol from marts.dim_miners where is_covered_company) group by symbol""",
        0,
        "A source has the close by then.",
    ),
    Age(
        "ratings_are_recent",
        "fct_rating_changes",
        "The newest note of an analyst",
        "select 'ratings', max(rating_date) from marts.fct_rating_changes",
        30,
        "With sixteen companies a month without a note has not been seen.",
    ),
    Age(
        "deals_are_recent",
        "fct_hpc_deals",
        "The newest announcement of a contract",
        "select 'deals', max(announced_date) from marts.fct_hpc_deals",
        92,
        "No quarter since 2025 went by without a contract.",
    ),
    Age(
        "balance_sheets_are_recent",
        "fct_capital_structure",
        "The newest balance sheet of every company that has one",
        "select symbol, max(period_end_date) from marts.fct_capital_structure group by symbol",
        190,
        "A quarter (92 days) and the longest term for the next report (90 days), and a week.",
    ),
)
"""Every question of age, one check each."""


def freshness_checks() -> list[dg.AssetChecksDefinition]:
    """The checks of `AGES`; WARN where something is too old."""
    return [_check(age) for age in AGES]


def _check(age: Age) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=dg.AssetKey(["marts", age.mart]), name=age.name, description=age.description)
    def is_recent(
        warehouse: dg.ResourceParam[Warehouse], price_source: dg.ResourceParam[PriceSource]
    ) -> dg.AssetCheckResult:
        return answer(age, warehouse, is_simulated=price_source.is_simulated, now=dt.datetime.now(dt.UTC))

    return is_recent


def answer(age: Age, warehouse: Warehouse, *, is_simulated: bool, now: dt.datetime) -> dg.AssetCheckResult:
    """Whether everything that `age` asks about is recent at the moment `now` (an aware time), and what is not.

    `days_behind`, which Dagster draws over the runs, is that of the oldest of what is asked about.
    """
    with warehouse.read() as connection:
        newest: dict[str, dt.date | None] = dict(connection.execute(age.query).fetchall())
        simulated = connection.execute(_LAST_SIMULATED).fetchall()[0][0] if is_simulated else None
    # simulated prices are never up to date, and facts are held against the day that they tell
    expected: dt.date = simulated or last_complete_session(now)
    oldest_allowed = expected - dt.timedelta(days=age.max_days)
    old = {name: day for name, day in newest.items() if day is None or day < oldest_allowed}
    if is_simulated and not age.max_days:
        old = {}
    known = [day for day in newest.values() if day]
    latest = max(known, default=None)
    session = f"the last {'simulated' if is_simulated else 'complete'} session is {expected}"
    listed = ", ".join(f"{name} {day or 'never'}" for name, day in sorted(old.items())) if len(newest) > 1 else ""
    return dg.AssetCheckResult(
        passed=bool(newest) and not old,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "observed": f"newest {latest}, {session}" + (f"; too old: {listed}" if listed else ""),
            "threshold": f"{age.max_days} days",
            "failing_rows": len(old),
            **({"days_behind": (expected - min(known)).days} if known else {}),
        },
    )
