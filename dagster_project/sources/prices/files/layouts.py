"""Says which column of a file is which, by tables of data: spellings of headers, languages, vendors.

Belongs here: what vendors call their columns and what their closes are adjusted for. Does not belong here: how a cell
is read (`dates`, `numbers`). A new vendor is a spelling or a line in a table below, and a fixture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dagster_project.sources.prices.files.errors import NoPriceTableError, shortened

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "trade_date": (
        "date", "datetime", "date time", "<date>", "<dtyyyymmdd>", "trade date", "trading date", "tradedate",
        "quote date", "datum", "data", "fecha", "dato", "tarih", "timestamp", "time", "day", "window start",
    ),
    "open": (
        "open", "<open>", "1. open", "open price", "opening price", "eröffn.", "eröffnung", "erster", "ouv.",
        "ouverture", "abertura", "apertura", "apert.", "otwarcie",
    ),
    "high": (
        "high", "<high>", "2. high", "high price", "hoch", "plus haut", "+ haut", "haut", "máxima", "máximo", "maximo",
        "máx.", "massimo", "max", "najwyzszy", "najwyższy",
    ),
    "low": (
        "low", "<low>", "3. low", "low price", "tief", "plus bas", "+ bas", "bas", "mínima", "mínimo", "minimo",
        "mín.", "min", "najnizszy", "najniższy",
    ),
    "close": (
        "close", "<close>", "4. close", "close/last", "close price", "closing price", "last", "last price", "price",
        "zuletzt", "schluss", "schlusskurs", "schlußkurs", "dernier", "clôture", "último", "ultimo", "cierre",
        "fechamento", "chiusura", "zamkniecie", "zamknięcie",
    ),
    "adj_close": (
        "adj close", "adjclose", "adj. close", "adjusted close", "5. adjusted close", "adjusted closing price",
    ),
    "volume": (
        "volume", "<vol>", "5. volume", "6. volume", "vol.", "vol", "total volume", "share volume", "volumen", "umsatz",
        "wolumen",
    ),
    "dividend_usd": ("dividends", "dividend", "divcash", "dividend amount", "7. dividend amount"),
    "split_ratio": (
        "stock splits", "splitfactor", "split factor", "split coefficient", "8. split coefficient", "split ratio",
    ),
    "symbol": ("symbol", "ticker", "<ticker>", "sym", "code", "name"),
    "period": ("<per>",),
}  # fmt: skip
"""Our column, and what files call it, in lower case with spaces for underscores; the first that is there counts."""

UNUSED = frozenset(
    {
        "<time>", "<openint>", "change %", "change", "% chg", "var%", "var. %", "variation %", "+/- %", "openint",
        "adjhigh", "adjlow", "adjopen", "adjvolume", "capital gains", "transactions", "vwap", "currency", "exchange",
    }
)  # fmt: skip
"""Headers that are known and not needed: nothing is said of them."""

NEEDED = {"trade_date": "date", "close": "close"}


@dataclass(frozen=True)
class Language:
    """How people who read a header in this language write dates and numbers."""

    words: frozenset[str]
    is_day_first: bool
    has_decimal_comma: bool


LANGUAGES: tuple[Language, ...] = (
    Language(frozenset({"zuletzt", "eröffn.", "hoch", "tief", "schlusskurs", "erster"}), True, True),
    Language(frozenset({"dernier", "ouv.", "plus haut", "plus bas", "ouverture", "clôture"}), True, True),
    Language(frozenset({"último", "máximo", "mínimo", "apertura", "cierre", "máx.", "mín."}), True, True),
    Language(frozenset({"último", "abertura", "máxima", "mínima", "fechamento"}), True, True),
    Language(frozenset({"ultimo", "apertura", "massimo", "minimo", "chiusura"}), True, True),
)
"""German, French, Spanish, Portuguese, Italian; a header counts as one where two of its words are."""

PriceBasis = Literal["split_adjusted", "split_and_dividend_adjusted", "as_traded"]


@dataclass(frozen=True)
class Vendor:
    """A layout by which a vendor is known, and what its closes are adjusted for.

    `has` names headers that must be there, `spelled` those that must be there with these very letters; `header` is the
    whole header in order.
    """

    name: str
    basis: PriceBasis
    has: frozenset[str] = frozenset()
    spelled: frozenset[str] = frozenset()
    header: tuple[str, ...] = ()
    is_month_first: bool = False


VENDORS: tuple[Vendor, ...] = (
    Vendor("Tiingo", "as_traded", has=frozenset({"divcash", "splitfactor"})),
    Vendor("Alpha Vantage, adjusted", "as_traded", has=frozenset({"8. split coefficient"})),
    Vendor("Alpha Vantage, adjusted", "as_traded", has=frozenset({"split coefficient"})),
    Vendor("Alpha Vantage", "as_traded", header=("timestamp", "open", "high", "low", "close", "volume")),
    Vendor("Alpha Vantage", "as_traded", has=frozenset({"1. open", "4. close"})),
    Vendor("Polygon day file", "as_traded", has=frozenset({"window start", "ticker"})),
    Vendor("EODHD", "as_traded", has=frozenset({"adjusted close"})),
    Vendor("yfinance history", "split_adjusted", has=frozenset({"adj close", "stock splits"})),
    Vendor("yfinance history", "split_and_dividend_adjusted", has=frozenset({"stock splits"})),
    Vendor("yfinance", "split_and_dividend_adjusted", header=("date", "close", "high", "low", "open", "volume")),
    Vendor("Yahoo", "split_adjusted", has=frozenset({"adj close"})),
    Vendor("Stooq bulk", "split_and_dividend_adjusted", has=frozenset({"<ticker>", "<per>"})),
    Vendor("Nasdaq.com", "split_adjusted", has=frozenset({"close/last"}), is_month_first=True),
    Vendor("TradingView", "split_adjusted", spelled=frozenset({"time", "open", "high", "low", "close", "Volume"})),
    Vendor("Investing.com", "split_adjusted", has=frozenset({"price", "vol.", "change %"})),
)
"""The first that fits counts; a file that fits none has no known basis."""


@dataclass(frozen=True)
class Layout:
    """What a header says: where each of our columns is, what is left out, and how its cells are written.

    `is_day_first` and `has_decimal_comma` are None where the header does not say.
    """

    places: Mapping[str, int]
    ignored: tuple[str, ...]
    basis: PriceBasis | None
    is_day_first: bool | None
    has_decimal_comma: bool | None


def _normalised(name: str) -> str:
    """A name of a header as the tables above spell it."""
    text = re.sub(r"\s+", " ", name.replace("_", " ").replace("*", " ")).strip().lower()
    # Yahoo's page repeats the name with its explanation when a table is copied from it
    return re.sub(r"^(close|adj close) (close|adjusted close) price adjusted for .*$", r"\1", text)


def layout_of(header: Sequence[str]) -> Layout:
    """Find our columns in a header; raises `NoPriceTableError` that names the column which is missing or double."""
    names = tuple(_normalised(name) for name in header)
    seen = ",".join(header)
    places: dict[str, int] = {}
    for ours, spellings in SPELLINGS.items():
        found = [at for spelling in spellings for at, name in enumerate(names) if name == spelling]
        if not found:
            continue
        if names.count(names[found[0]]) > 1:
            raise NoPriceTableError(f"unknown header: {shortened(seen)}: {header[found[0]]} stands twice", seen)
        places[ours] = found[0]
    if "trade_date" not in places and names and names[0] in ("", "unnamed: 0", "index"):
        places["trade_date"] = 0
    if missing := [english for ours, english in NEEDED.items() if ours not in places]:
        what = " and the ".join(missing)
        raise NoPriceTableError(f"unknown header: {shortened(seen)}: no column for the {what}", seen)
    language = next((language for language in LANGUAGES if len(language.words.intersection(names)) > 1), None)
    vendor = next((vendor for vendor in VENDORS if _fits(vendor, header, names)), None)
    is_day_first = language.is_day_first if language else None
    if is_day_first is None and vendor and vendor.is_month_first:
        is_day_first = False
    used = set(places.values())
    return Layout(
        places=places,
        ignored=tuple(
            header[at].strip()
            for at, name in enumerate(names)
            if at not in used and name not in UNUSED and name and name not in ("index", "unnamed: 0")
        ),
        basis=vendor.basis if vendor else None,
        is_day_first=is_day_first,
        has_decimal_comma=language.has_decimal_comma if language else None,
    )


def _fits(vendor: Vendor, header: Sequence[str], names: tuple[str, ...]) -> bool:
    return (
        vendor.has.issubset(names)
        and vendor.spelled.issubset(name.strip() for name in header)
        and vendor.header in ((), names)
    )
