"""Price and rating sources that know no vendor but those on this machine, and a clock that tests turn."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fake_vendors import KEY, NEW_YORK, Vendors
from pydantic import SecretStr

from dagster_project.sources.http import Clock, RetryPolicy
from dagster_project.sources.prices.live import LivePrices
from dagster_project.sources.prices.tiingo import TiingoPrices
from dagster_project.sources.prices.yahoo import YahooPrices
from dagster_project.sources.ratings.yahoo import YahooRatings

if TYPE_CHECKING:
    from pathlib import Path

RETRY_POLICY = RetryPolicy(tries=3, first_wait=1.0, timeout=10.0, budget=300.0)


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
    retry_policy: RetryPolicy = RETRY_POLICY

    def yahoo(self) -> YahooPrices:
        """Yahoo, as far as this machine."""
        return YahooPrices(self.retry_policy, self.cache_dir, self.vendors.url)

    def tiingo(self, key: str = KEY) -> TiingoPrices:
        """Tiingo, as far as this machine."""
        return TiingoPrices(SecretStr(key), self.retry_policy, self.vendors.url)

    def ratings(self) -> YahooRatings:
        """Yahoo's ratings, as far as this machine."""
        return YahooRatings(None, self.retry_policy, self.clock.clock(), self.cache_dir, self.vendors.url)

    def prices(self, *names: str) -> LivePrices:
        """The live source with these vendors."""
        return LivePrices(tuple(getattr(self, name)() for name in names or ("yahoo",)), self.clock.clock())
