"""Vendors on this machine, and a clock that tests turn."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from fake_vendors import KEY, NEW_YORK, Listing, Vendors, serving
from pydantic import SecretStr

from dagster_project.sessions import exchange_sessions
from dagster_project.sources.http import Clock, Manners
from dagster_project.sources.prices.live import LivePrices
from dagster_project.sources.prices.tiingo import TiingoPrices
from dagster_project.sources.prices.yahoo import YahooPrices
from dagster_project.sources.ratings.yahoo import YahooRatings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANNERS = Manners(tries=3, first_wait=1.0, timeout=0.3, budget=300.0)


@dataclass
class TurnedClock:
    """A clock that stands still but for the waits, which take no time and are written down."""

    time: dt.datetime
    waits: list[float] = field(default_factory=list)

    def clock(self) -> Clock:
        """As sources want it."""
        return Clock(now=lambda: self.time, stopwatch=lambda: sum(self.waits), sleep=self.waits.append)

    def after_the_close_of(self, day: dt.date) -> None:
        """Turn it to 17:30 New York time."""
        self.time = dt.datetime.combine(day, dt.time(17, 30), NEW_YORK)


@dataclass
class House:
    """The vendors, the clock, and price sources that know both."""

    vendors: Vendors
    clock: TurnedClock
    cache_dir: Path
    manners: Manners = MANNERS

    def yahoo(self) -> YahooPrices:
        """Yahoo, as far as this machine."""
        return YahooPrices(self.manners, self.cache_dir, self.vendors.url)

    def tiingo(self, key: str = KEY) -> TiingoPrices:
        """Tiingo, as far as this machine."""
        return TiingoPrices(SecretStr(key), self.manners, self.vendors.url)

    def ratings(self) -> YahooRatings:
        """Yahoo's ratings, as far as this machine."""
        return YahooRatings(None, self.manners, self.clock.clock(), self.cache_dir, self.vendors.url)

    def prices(self, *names: str) -> LivePrices:
        """The live source with these vendors."""
        return LivePrices(tuple(getattr(self, name)() for name in names or ("yahoo",)), self.clock.clock())


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
