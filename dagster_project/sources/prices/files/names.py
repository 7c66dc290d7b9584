"""Finds the symbol that a file name holds.

Belongs here: what vendors, browsers and people make of `CLSK.csv`. Does not belong here: whether a symbol is known.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from dagster_project.contracts.market import DAILY_PRICES
from dagster_project.sources.prices.files.errors import UnreadableFileError

COPIES = (
    re.compile(r"(.+?) ?\(\d+\)", re.IGNORECASE),  # browsers
    re.compile(r"(.+) - (?:copy|kopie|copie|copia|kopia|cópia)(?: \(\d+\))?", re.IGNORECASE),  # Windows
    re.compile(r"(.+) (?:copy|kopie|copie|copia)(?: \d+)?", re.IGNORECASE),  # macOS
    re.compile(r"(?:copy|kopie|copie|copia) (?:of|von|de|di) (.+)", re.IGNORECASE),  # spreadsheets
    re.compile(r"(.+) \d{1,2}"),  # macOS
)
"""What marks a second download of the same file."""

_NUMBERED_COPY = re.compile(r"(.+)-\d{1,2}")  # some browsers; also how a share class might be written

_DAY = r"\d{4}|\d{8}|\d{4}-\d{2}(?:-\d{2})?|\d{2}-\d{2}-\d{4}"

VENDOR_NAMES = (
    re.compile(r"(.+), ?1?D", re.IGNORECASE),  # TradingView, daily
    re.compile(r"(.+?)(?:_us|\.us)?_d", re.IGNORECASE),  # Stooq, one symbol
    re.compile(r"(.+)\.us", re.IGNORECASE),  # Stooq, bulk
    re.compile(r"macrotrends_data_download_(.+)", re.IGNORECASE),
    re.compile(r"(?:time_series_)?daily(?:_adjusted)?_(.+)", re.IGNORECASE),  # Alpha Vantage
    re.compile(
        r"(.+?)(?:[_ -](?:full|daily|1d|1day|1440|prices?|ohlcv?t?|stock|max|ytd|\d+y|\d+mo|us equity|quotes?"
        r"|adjsplit(?:div)?|unadjusted))",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?:nasdaq|nyse|amex|nysearca|batsbats|bats|cboe|otc|binance|bitstamp|coinbase|kraken|bitfinex|index|crypto)"
        r"[_ ](.+)",
        re.IGNORECASE,
    ),  # TradingView
    re.compile(r"(?:download data - )?stock_us_x[a-z]{3}_(.+)", re.IGNORECASE),  # MarketWatch
    re.compile(
        rf"(.+?)[_ -](?:{_DAY})(?:[_ -](?:to[_ -])?(?:{_DAY}))?",
    ),
)
"""What vendors and people write around the symbol; taken off one after the other, as often as one fits."""

_EXCHANGES_ABROAD = (
    r"tsx|tsxv|neo|cse|lse|lsin|xetr|xetra|fwb|swb|mun|gettex|tradegate|euronext|six|mil|bme|asx|hkex|tse|krx|nse|bse|bmv"
    r"|bmfbovespa|moex|bist|omx[a-z]*|xtse|xtsx|xlon|xfra|xpar|xams|xasx|xhkg"
)
ABROAD = (
    re.compile(rf"({_EXCHANGES_ABROAD})[_ ].+", re.IGNORECASE),  # TradingView
    re.compile(r"(?:download data - )?stock_(?!us)([a-z]{2}_x[a-z]{3})_.+", re.IGNORECASE),  # MarketWatch
)
"""Names that say an exchange outside the United States, where prices are in another currency."""

_REUTERS = re.compile(r"(.+)\.(?:OQ?|N|K|P|A|PK)")

COMPANY_NAMES = (
    re.compile(
        r"(.+?)[_ -](?:(?:stock[_ -])?(?:price|historical)[_ -](?:history|data|prices)|historische (?:daten|kurse))",
        re.I,
    ),
    re.compile(r"(?:dados|datos) históricos (.+)|(.+?)[_ ](?:dados|datos) históricos", re.IGNORECASE),
)
"""Names in which Investing.com and Barchart write either the symbol or what the instrument is called."""

NO_SYMBOL = frozenset(
    """
    all allstocks bitcoin book book1 close closes csv daily data dataset date download downloads ethereum export file
    history historical historicaldata index market mappe1 notes ohlc ohlcv output price prices quote quotes sheet sheet1
    series stock stocks symbol symbols table tabelle1 temp test ticker tickers unconfirmed untitled
    """.split()
)
"""Words that name a file and no instrument."""

_LONGEST_WORD = 10
_LONGEST_SYMBOL = 5
"""Longer words without a digit or a sign in them are names, not symbols; the second where names are to be expected."""

_SYMBOL = re.compile(DAILY_PRICES.column("symbol").pattern or ".+")


def bare_stem(stem: str) -> tuple[str, bool]:
    """A name without its ending, bare of marks of a copy; and whether it had one."""
    for pattern in COPIES:
        if match := pattern.fullmatch(stem.strip()):
            return match[1].strip(), True
    return stem.strip(), False


def symbol_in(stem: str, listed: Collection[str]) -> str | None:
    """The symbol in a file name without its ending; None where there is none.

    `listed` are the symbols of the reference list: a name that is on it is taken as it stands. Raises
    `UnreadableFileError` where the name says an exchange abroad.
    """
    text, _ = bare_stem(unicodedata.normalize("NFC", stem))
    if abroad := next((match for pattern in ABROAD if (match := pattern.fullmatch(text))), None):
        raise UnreadableFileError(
            f"{abroad[1].upper()} is an exchange outside the United States, with prices in another currency: "
            "download the listing in US dollars",
            stem,
        )
    without_signs = {symbol.replace("-", ""): symbol for symbol in listed if "-" in symbol}
    longest = _LONGEST_WORD
    while True:
        for candidate in (text.upper(), text.upper().replace("_", "-")):
            if candidate in listed:
                return candidate
        if text.upper() in without_signs:
            return without_signs[text.upper()]
        if (match := _REUTERS.fullmatch(text)) and match[1].upper() in listed:
            return match[1].upper()
        if (match := _NUMBERED_COPY.fullmatch(text)) and match[1].upper() in listed:
            return match[1].upper()
        named = next((match for pattern in COMPANY_NAMES if (match := pattern.fullmatch(text))), None)
        match = named or next((match for pattern in VENDOR_NAMES if (match := pattern.fullmatch(text))), None)
        if match is None:
            break
        longest = _LONGEST_SYMBOL if named else longest
        text = next(found for found in match.groups() if found).strip()
    symbol = text.upper()
    is_word = symbol.isalpha() and len(symbol) > longest
    if is_word or symbol.lower() in NO_SYMBOL or not symbol.isascii() or not _SYMBOL.fullmatch(symbol):
        return None
    return symbol


def is_abroad(exchange: str) -> bool:
    """Whether a code is that of an exchange outside the United States."""
    return re.fullmatch(_EXCHANGES_ABROAD, exchange, re.IGNORECASE) is not None


def is_copy(stem: str, listed: Collection[str]) -> bool:
    """Whether the name is marked as a second copy."""
    if bare_stem(stem)[1]:
        return True
    match = _NUMBERED_COPY.fullmatch(stem.strip())
    return match is not None and match[1].upper() in listed and stem.upper() not in listed


def same_instrument(symbol: str) -> str:
    """A key under which two spellings of one share class meet: BRK.B and BRK-B."""
    return symbol.replace(".", "-")
