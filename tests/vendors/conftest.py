"""Vendors on this machine, as fixtures."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from fake_vendors import NEW_YORK, Listing, serving
from vendor_house import House, TurnedClock

from dagster_project.sessions import exchange_sessions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def turned_clock() -> TurnedClock:
    """A clock of a Friday afternoon."""
    return TurnedClock(dt.datetime(2025, 11, 21, 15, 0, tzinfo=dt.UTC))


def sessions(last: dt.date, count: int) -> list[dt.date]:
    """The last so many sessions up to a day."""
    days: list[dt.date] = exchange_sessions(last)["session_date"].to_pylist()
    return days[-count:]


def listing(days: list[dt.date], first_close: float = 10.0) -> Listing:
    """Closes that rise by a quarter a day."""
    return Listing({day: first_close + at / 4 for at, day in enumerate(days)})


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all: the library opens its caches once in a process."""
    return tmp_path_factory.mktemp("yfinance")


@pytest.fixture
def house(cache_dir: Path) -> Iterator[House]:
    """Three listings with 40 sessions up to Friday 2025-10-31, and bitcoin; it is that day's evening."""
    with serving() as vendors:
        days = sessions(dt.date(2025, 10, 31), 40)
        for at, symbol in enumerate(("CLSK", "IREN", "SPY")):
            vendors.listings[symbol] = listing(days, 10.0 * (at + 1))
        whole_days = [days[0] + dt.timedelta(days=at) for at in range((days[-1] - days[0]).days + 1)]
        vendors.listings["BTC-USD"] = listing(whole_days, 100_000.0)
        vendors.listings["BTC-USD"].around_the_clock = True
        clock = TurnedClock(dt.datetime(2025, 10, 31, 17, 30, tzinfo=NEW_YORK))
        yield House(vendors, clock, cache_dir)
