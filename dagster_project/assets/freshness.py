"""Defines how often a table has to be refreshed before Dagster calls it stale.

Belongs here: policies, which watch runs. Does not belong here: checks of how old the data itself is
(`checks.freshness`).
"""

import datetime as dt

import dagster as dg

from dagster_project.sessions import EXCHANGE_TIME_ZONE


def after_every_close() -> dg.FreshnessPolicy:
    """Refreshed on every weekday between the closing bell and 19:00 New York time; stale from then on."""
    return dg.FreshnessPolicy.cron(
        deadline_cron="0 19 * * 1-5", lower_bound_delta=dt.timedelta(hours=3), timezone=EXCHANGE_TIME_ZONE
    )


def within_days() -> dg.FreshnessPolicy:
    """Refreshed within ten days, with a warning after five, which a long weekend stays below: facts change slowly."""
    return dg.FreshnessPolicy.time_window(fail_window=dt.timedelta(days=10), warn_window=dt.timedelta(days=5))
