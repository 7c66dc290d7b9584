"""Says which column of a file is which, by tables of data: spellings of headers, languages, vendors.

Belongs here: what vendors call their columns and what their closes are adjusted for. Does not belong here: how a cell
is read (`dates`, `numbers`). A new vendor is a spelling or a line in a table below, and a fixture.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from dagster_project.sources.prices.files.errors import NoPriceTableError, UnreadableFileError, shortened

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "trade_date": (
        "date", "datetime", "date time", "<date>", "<dtyyyymmdd>", "dates", "trade date", "trading date", "tradedate",
        "quote date", "exchange date", "session date", "date (et)", "datum", "data", "fecha", "dato", "tarih", "dátum",
        "päivämäärä", "дата", "ημερομηνία", "ngày", "tanggal", "日付", "日時", "日期", "날짜", "일자", "timeopen",
        "open time", "snapped at", "timestamp", "time", "day", "window start", "t",
    ),
    "trade_time": ("time", "<time>", "trade time", "zeit", "uhrzeit", "heure", "hora", "ora", "godzina", "время"),
    "open": (
        "open", "<open>", "1. open", "open price", "opening price", "priceopen", "px open", "open prc", "eröffn.",
        "eröffnung", "eröffnungskurs", "erster", "ouv.", "ouverture", "abertura", "apertura", "apert.", "otwarcie",
        "açılış", "öppen", "öppningskurs", "åben", "åpning", "avaus", "откр.", "открытие", "άνοιγμα", "mở", "pembukaan",
        "始値", "开盘", "開盤", "開市", "开盘价", "시가", "오픈", "o",
    ),
    "high": (
        "high", "<high>", "2. high", "high price", "day high", "px high", "high 1", "hoch", "tageshoch", "plus haut",
        "+ haut", "haut", "máxima", "máximo", "maximo", "máx.", "massimo", "max", "max.", "najwyzszy", "najwyższy",
        "yüksek", "hoog", "högst", "högstapris", "høj", "høy", "ylin", "макс.", "максимум", "υψηλό", "cao", "tertinggi",
        "高値", "高", "最高", "最高价", "고가", "h",
    ),
    "low": (
        "low", "<low>", "3. low", "low price", "day low", "px low", "low 1", "tief", "tagestief", "plus bas", "+ bas",
        "bas", "mínima", "mínimo", "minimo", "mín.", "min", "min.", "najnizszy", "najniższy", "düşük", "laag", "lägst",
        "lägstapris", "lav", "alin", "мин.", "минимум", "χαμηλό", "thấp", "terendah", "安値", "低", "最低", "最低价",
        "저가", "l",
    ),
    "close": (
        "close", "<close>", "4. close", "close/last", "close price", "closing price", "px last", "trdprc 1", "last",
        "last price", "price", "zuletzt", "schluss", "schlusskurs", "schlußkurs", "dernier", "clôture", "último",
        "ultimo", "cierre", "fechamento", "chiusura", "zamkniecie", "zamknięcie", "ostatnio", "şimdi", "kapanış",
        "laatst", "slot", "slotkoers", "senast", "stängningskurs", "seneste", "siste", "viimeisin", "цена", "закрытие",
        "τελευταία", "lần cuối", "terakhir", "終値", "收盘", "收盤", "收市", "收市價", "收盘价", "종가", "c",
    ),
    "adj_close": (
        "adj close", "adjclose", "adj. close", "adjusted close", "5. adjusted close", "adjusted closing price",
    ),
    "volume": (
        "volume", "<vol>", "5. volume", "6. volume", "vol.", "vol", "total volume", "share volume", "px volume",
        "acvol uns", "volumen", "umsatz", "wolumen", "wol.", "hac.", "hacim", "volym", "объём", "объем", "όγκος", "kl",
        "出来高", "交易量", "成交量", "거래량", "v",
    ),
    "dividend_usd": ("dividends", "dividend", "divcash", "dividend amount", "7. dividend amount"),
    "split_ratio": (
        "stock splits", "splitfactor", "split factor", "split coefficient", "8. split coefficient", "split ratio",
    ),
    "symbol": ("symbol", "ticker", "<ticker>", "sym", "code", "name"),
    "period": ("<per>", "interval", "timeframe", "resolution"),
    "currency": ("currency", "währung", "devise", "divisa", "moneda", "valuta", "ccy"),
    "exchange": ("exchange", "exchange code", "mic"),
}  # fmt: skip
"""Our column, and what files call it, in lower case with spaces for underscores; the first that is there counts."""

PRICES = ("open", "high", "low", "close", "adj_close")
DOLLARS = frozenset({"USD", "US$", "$", "US DOLLAR", "DOLLAR", "DOLLARS", "US-DOLLAR"})
DAILY = frozenset({"D", "1D", "DAY", "1DAY", "DAILY", "1440"})

UNUSED = frozenset(
    {
        "<openint>", "change %", "change", "%chg", "% chg", "var%", "var. %", "variation %", "+/- %", "openint",
        "openinterest", "adjhigh", "adjlow", "adjopen", "adjvolume", "capital gains", "transactions", "trades", "vwap",
        "vw", "n", "exchange", "net", "% var.", "fark %", "変化率 %", "涨跌幅", "변동 %", "изм. %", "close time",
        "quote volume", "count", "taker buy volume", "taker buy quote volume", "ignore", "market cap", "timeclose",
        "timehigh", "timelow", "marketcap", "circulatingsupply", "timestamp", "unix",
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
    Language(frozenset({"zuletzt", "eröffn.", "eröffnung", "hoch", "tief", "schlusskurs", "erster"}), True, True),
    Language(frozenset({"dernier", "ouv.", "plus haut", "plus bas", "ouverture", "clôture"}), True, True),
    Language(frozenset({"último", "máximo", "mínimo", "apertura", "cierre", "máx.", "mín."}), True, True),
    Language(frozenset({"último", "abertura", "máxima", "mínima", "fechamento"}), True, True),
    Language(frozenset({"ultimo", "apertura", "massimo", "minimo", "chiusura"}), True, True),
    Language(frozenset({"laatst", "hoog", "laag", "slotkoers"}), True, True),
    Language(frozenset({"ostatnio", "otwarcie", "max.", "min.", "wol."}), True, True),
    Language(frozenset({"şimdi", "açılış", "yüksek", "düşük", "kapanış", "hacim"}), True, True),
    Language(frozenset({"цена", "откр.", "макс.", "мин.", "закрытие", "открытие"}), True, True),
    Language(frozenset({"senast", "öppen", "högst", "lägst", "seneste", "åben", "høj", "siste", "åpning"}), True, True),
    Language(frozenset({"viimeisin", "avaus", "ylin", "alin"}), True, True),
    Language(frozenset({"τελευταία", "άνοιγμα", "υψηλό", "χαμηλό"}), True, True),
    Language(
        frozenset({"lần cuối", "mở", "cao", "thấp", "terakhir", "pembukaan", "tertinggi", "terendah"}), True, True
    ),
    Language(frozenset({"終値", "始値", "高値", "安値", "收盘", "开盘", "收市", "開市", "종가", "시가"}), False, False),
)
"""German, French, Spanish, Portuguese, Italian, Dutch, Polish, Turkish, Russian, the Nordic ones, Finnish, Greek,
Vietnamese and Indonesian, then Japanese, Chinese and Korean; a header counts as one where two of its words are."""

PriceBasis = Literal["split_adjusted", "split_and_dividend_adjusted", "as_traded"]


@dataclass(frozen=True)
class Vendor:
    """A layout by which a vendor is known, and what its closes are adjusted for.

    `has` names headers that must be there, `spelled` those that must be there with these very letters; `header` is the
    whole header in order. `is_stamped_at_end`: a day is stamped with the midnight that ends it, so that the date is
    that of the day after.
    """

    name: str
    basis: PriceBasis | None
    has: frozenset[str] = frozenset()
    spelled: frozenset[str] = frozenset()
    header: tuple[str, ...] = ()
    is_month_first: bool = False
    is_stamped_at_end: bool = False


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
    Vendor("Barchart", None, has=frozenset({"last", "change", "%chg"}), is_month_first=True),
    Vendor("CoinGecko", None, has=frozenset({"snapped at", "price"}), is_stamped_at_end=True),
)
"""The first that fits counts; a file that fits none has no known basis."""


@dataclass(frozen=True)
class Headerless:
    """A vendor's file that begins with its first row: the names of its columns, and how its first cell is written."""

    name: str
    header: tuple[str, ...]
    first: str


HEADERLESS: tuple[Headerless, ...] = (
    Headerless(
        "Binance",
        ("open time", "open", "high", "low", "close", "volume", "close time", "quote volume", "count",
         "taker buy volume", "taker buy quote volume", "ignore"),
        r"\d{13}|\d{16}",
    ),
    Headerless("Kraken", ("time", "open", "high", "low", "close", "volume", "trades"), r"\d{10}"),
)  # fmt: skip

NOTICES: tuple[tuple[str, str], ...] = (
    (r"thank you for using alpha vantage|api call frequency|api rate limit|daily hits limit|too many requests"
     r"|rate limit|exceeded.{0,30}limit", "the vendor's limit of requests was reached: wait, and download it again"),
    (r"premium endpoint|upgrade your (?:plan|account)|subscription", "the vendor wants a subscription for it"),
    (r"^no data|n/d$|no data found|delisted|not found|invalid (?:symbol|ticker|api call)",
     "the vendor has no prices under this symbol: check the symbol, and download it again"),
    (r"unauthori[sz]ed|forbidden|access denied|invalid (?:cookie|crumb|api ?key)|log ?in|sign in",
     "the vendor wants a login or key: sign in, and download it again"),
    (r"version https://git-lfs", "a pointer of Git LFS, not the file: fetch it with git lfs pull"),
    (r"^#(?:name|ref|value|n/a)", "a formula that failed: let it compute, and export again"),
)  # fmt: skip
"""What vendors send instead of a table, and what to do."""

_TITLE_SYMBOLS = (
    re.compile(r"\b([A-Z][A-Z0-9./-]{0,7}) (?P<listing>[A-Z]{2}) Equity\b"),  # Bloomberg
    re.compile(r"(?:[Pp]rice [Hh]istory|[Hh]istorical (?:[Dd]ata|[Pp]rices)) (?:for|of) ([A-Z]{1,5}(?:[.-][A-Z]+)?)\b"),
    re.compile(r"\b(?:[Ss]ymbol|[Tt]icker)\W{1,4}([A-Z]{1,5}(?:[.-][A-Z]+)?)\b"),
)
_TITLE_CURRENCY = re.compile(
    r"\b(?:currency|währung|devise|divisa|moneda|valuta)(?: in)?\W{1,4}([a-z]{3})\b", re.IGNORECASE
)
_US_LISTINGS = frozenset({"US", "UA", "UF", "UN", "UP", "UQ", "UR", "UW"})
_PRICE_UNIT = re.compile(
    r"(.+?) ?[-:/,]? ?[\[(]?(\$|us\$|usd|us dollars?|dollars?|c\$|cad|€|eur|euro|£|gbp|gbx|inr|rs\.?|₹|¥|jpy|cny|hkd"
    r"|chf|aud|pence|cents?)[\])]?"
)
_DOLLAR_UNITS = frozenset({"$", "us$", "usd", "us dollar", "us dollars", "dollar", "dollars"})
_MANGLED = re.compile(r"(.+)\.\d+")
_TICKER = re.compile(r"[A-Z][A-Z0-9.^=\-]{0,9}")
_OF_A_SYMBOL = re.compile(
    r"(.+)[ _.-](?:adj\.?[ _]?close|close|price|last)|(?:adj\.?[ _]?close|close|price|last)[ _.-](.+)", re.IGNORECASE
)


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
    is_stamped_at_end: bool = False


def notice(text: str) -> str | None:
    """What a text that a vendor sent instead of a table comes to; None where it is none that is known."""
    if text.lstrip()[:1] in ("{", "["):
        said = next((what for pattern, what in NOTICES if re.search(pattern, text.strip(), re.IGNORECASE)), None)
        return said or "JSON, which is not read: download it as CSV"
    return next((what for pattern, what in NOTICES if re.search(pattern, text.strip(), re.IGNORECASE)), None)


def names_prices(cells: Sequence[str]) -> bool:
    """Whether these cells are a header: they name a date and a close."""
    names = _names(cells)
    return len(names) > 1 and all(any(name in SPELLINGS[ours] for name in names) for ours in NEEDED)


def header_of_headerless(cells: Sequence[str]) -> tuple[str, ...] | None:
    """The header that a vendor leaves out, where a first row is that vendor's."""
    for known in HEADERLESS:
        if len(cells) == len(known.header) and re.fullmatch(known.first, cells[0].strip()):
            return known.header
    return None


def symbol_in_titles(titles: Sequence[str]) -> str | None:
    """The symbol that lines above a header name; raises `UnreadableFileError` where they name another currency."""
    text = "\n".join(titles)
    if (match := _TITLE_CURRENCY.search(text)) and match[1].upper() not in DOLLARS:
        raise UnreadableFileError(f"prices in {match[1].upper()}: US dollars are needed", match[0])
    for pattern in _TITLE_SYMBOLS:
        if match := pattern.search(text):
            if match.groupdict().get("listing", "US") not in _US_LISTINGS:
                raise UnreadableFileError(f"{match[0]} is no listing in the United States", match[0])
            return match[1]
    return None


def _names(header: Sequence[str]) -> tuple[str, ...]:
    """The header as the tables above spell it, US dollars left out of the names of prices."""
    names = []
    for cell in header:
        name = _normalised(cell)
        match = _PRICE_UNIT.fullmatch(name)
        is_price = match is not None and any(match[1] in SPELLINGS[ours] for ours in PRICES)
        names.append(match[1] if match and is_price and match[2] in _DOLLAR_UNITS else name)
    return tuple(names)


def _normalised(name: str) -> str:
    """A name of a header as the tables above spell it."""
    text = unicodedata.normalize("NFC", name.replace("_", " ").replace("*", " "))
    text = re.sub(r"\s+", " ", text).strip(" \ufeff'").lower()
    # Yahoo's page repeats the name with its explanation when a table is copied from it
    return re.sub(r"^(close|adj close) (close|adjusted close) price adjusted for .*$", r"\1", text)


def layout_of(header: Sequence[str]) -> Layout:
    """Find our columns in a header; raises `NoPriceTableError` that names the column which is missing or double."""
    return _layout_of(tuple(header))


# most files of a folder have the same header
@lru_cache(maxsize=128)
def _layout_of(header: tuple[str, ...]) -> Layout:
    names = _names(header)
    seen = ",".join(header)
    places: dict[str, int] = {}
    for ours, spellings in SPELLINGS.items():
        found = [at for spelling in spellings for at, name in enumerate(names) if name == spelling]
        if not found:
            continue
        # a second column of the name, or pandas' mark of one: of another symbol, or adjusted otherwise
        bases = [match[1] for name in names if (match := _MANGLED.fullmatch(name))]
        if names.count(names[found[0]]) > 1 or names[found[0]] in bases:
            raise NoPriceTableError(f"unknown header: {shortened(seen)}: {header[found[0]]} stands twice", seen)
        if found[0] not in places.values():
            places[ours] = found[0]
    if "trade_date" not in places and names and names[0] in ("", "unnamed: 0", "index"):
        places["trade_date"] = 0
    if missing := [english for ours, english in NEEDED.items() if ours not in places]:
        what = " and the ".join(missing)
        if missing == ["close"]:
            _refuse_other_tables(header, names)
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
        is_stamped_at_end=vendor is not None and vendor.is_stamped_at_end,
    )


def _refuse_other_tables(header: Sequence[str], names: Sequence[str]) -> None:
    """Raise `NoPriceTableError` with what to do where a table has dates, and closes in a form that is not read."""
    seen = ",".join(header)
    for cell, name in zip(header, names, strict=True):
        if (match := _PRICE_UNIT.fullmatch(name)) and match[1] in SPELLINGS["close"]:
            raise NoPriceTableError(f"{cell.strip()}: prices in US dollars are needed", seen)
    known = {spelling for spellings in SPELLINGS.values() for spelling in spellings}
    others = [cell.strip() for cell, name in zip(header, names, strict=True) if name and name not in known | UNUSED]
    closes = [match[1] or match[2] for cell in others if (match := _OF_A_SYMBOL.fullmatch(cell))]
    symbols = closes if len(closes) > 1 else [cell for cell in others if _TICKER.fullmatch(cell)]
    if symbols and (len(symbols) > 1 or len(header) == 2):
        shown = ", ".join(symbols[:3]) + (" ..." if len(symbols) > 3 else "")
        raise NoPriceTableError(
            f"a column for each symbol ({shown}): save a row for each day and symbol, with the columns date, symbol, "
            "close, or a file for each symbol",
            seen,
        )


def _fits(vendor: Vendor, header: Sequence[str], names: tuple[str, ...]) -> bool:
    return (
        vendor.has.issubset(names)
        and vendor.spelled.issubset(name.strip() for name in header)
        and vendor.header in ((), names)
    )
