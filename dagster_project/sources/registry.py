"""Lists every source of prices, ratings and filings by the name that the settings give it.

Belongs here: one entry per source, with how it is made and which settings it needs. A new vendor is its file and its
line here. Does not belong here: how a source reads (its own module), the settings themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from pydantic import SecretStr

from dagster_project.sources.filings.edgar import Edgar
from dagster_project.sources.prices.base import PriceSource
from dagster_project.sources.prices.files import DateOrder, FilePrices
from dagster_project.sources.prices.live import LivePrices, Vendor
from dagster_project.sources.prices.sample import SamplePrices
from dagster_project.sources.prices.tiingo import TiingoPrices
from dagster_project.sources.prices.yahoo import YahooPrices
from dagster_project.sources.ratings.base import NoRatings, RatingSource
from dagster_project.sources.ratings.yahoo import YahooRatings

T = TypeVar("T")


class SourceSettings(Protocol):
    """What sources are made from; the settings of the project have it all."""

    @property
    def price_source(self) -> str:
        """A name of `PRICE_SOURCES`, or several of `VENDORS` separated by commas."""
        ...

    @property
    def rating_source(self) -> str:
        """A name of `RATING_SOURCES`."""
        ...

    @property
    def price_files(self) -> Path | None:
        """The folder of price files."""
        ...

    @property
    def price_date_order(self) -> DateOrder | None:
        """Which part of a date like 05/06/2025 comes first in price files; None: each file is asked."""
        ...

    @property
    def tiingo_key(self) -> SecretStr | None:
        """The key of a Tiingo account."""
        ...

    @property
    def sec_contact(self) -> SecretStr | None:
        """The address that the SEC asks for; None: it is not asked."""
        ...

    @property
    def vendor_cache_dir(self) -> Path:
        """Where a vendor's own library may keep files."""
        ...


@dataclass(frozen=True)
class Entry(Generic[T]):
    """How a source is made; `needs` names the settings that it cannot do without, with what they are."""

    make: Callable[[SourceSettings], T]
    needs: Mapping[str, str] = field(default_factory=dict)


LOCAL: Mapping[str, Entry[PriceSource]] = {
    "sample": Entry(lambda _: SamplePrices()),
    "files": Entry(
        lambda given: FilePrices(_given(given.price_files), given.price_date_order),
        {"price_files": "the folder of price files"},
    ),
}
"""Price sources that read this machine alone."""

VENDORS: Mapping[str, Entry[Vendor]] = {
    "yahoo": Entry(lambda given: YahooPrices(cache_dir=given.vendor_cache_dir / "yfinance")),
    "tiingo": Entry(lambda given: TiingoPrices(_given(given.tiingo_key)), {"tiingo_key": "a Tiingo account's key"}),
}
"""Price vendors on the network; several of them are tried in the order in which the settings list them."""

PRICE_SOURCES = (*LOCAL, *VENDORS)

RATING_SOURCES: Mapping[str, Entry[RatingSource]] = {
    "none": Entry(lambda _: NoRatings()),
    "yahoo": Entry(lambda given: YahooRatings(cache_dir=given.vendor_cache_dir / "yfinance")),
}
"""Sources of ratings beside the curated ones."""

FILING_SOURCES: Mapping[str, Entry[Edgar]] = {"edgar": Entry(lambda given: Edgar(given.sec_contact))}
"""Sources of filings; each is the resource of its name, and says itself when it is switched off."""


def price_source(given: SourceSettings) -> PriceSource:
    """The price source that the settings name."""
    if given.price_source in LOCAL:
        return LOCAL[given.price_source].make(given)
    return LivePrices(tuple(VENDORS[name].make(given) for name in given.price_source.split(",")))


def rating_source(given: SourceSettings) -> RatingSource:
    """The source of ratings beside the curated ones that the settings name."""
    return RATING_SOURCES[given.rating_source].make(given)


def filing_sources(given: SourceSettings) -> dict[str, Edgar]:
    """Every source of filings by name."""
    return {name: entry.make(given) for name, entry in FILING_SOURCES.items()}


def _given(value: T | None) -> T:
    """A setting that the entry needs; the settings have seen to it that it is there."""
    if value is None:
        raise ValueError("a price source was made without the setting that it needs")
    return value
