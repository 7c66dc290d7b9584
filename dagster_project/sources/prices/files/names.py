"""Finds the symbol that a file name holds.

Belongs here: what vendors, browsers and people make of `CLSK.csv`. Does not belong here: whether a symbol is known.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from dagster_project.contracts.market import DAILY_PRICES

COPIES = (
    re.compile(r"(.+?) ?\(\d+\)", re.IGNORECASE),  # browsers
    re.compile(r"(.+) - (?:copy|kopie|copie|copia|kopia|cópia)(?: \(\d+\))?", re.IGNORECASE),  # Windows
    re.compile(r"(.+) (?:copy|kopie|copie|copia)(?: \d+)?", re.IGNORECASE),  # macOS
    re.compile(r"(?:copy|kopie|copie|copia) (?:of|von|de|di) (.+)", re.IGNORECASE),  # spreadsheets
    re.compile(r"(.+) \d{1,2}"),  # macOS
)
"""What marks a second download of the same file."""

_NUMBERED_COPY = re.compile(r"(.+)-\d{1,2}")  # some browsers; also how a share class might be written

VENDOR_NAMES = (
    re.compile(r"(.+), ?1?D", re.IGNORECASE),  # TradingView, daily
    re.compile(r"(.+?)(?:_us|\.us)?_d", re.IGNORECASE),  # Stooq, one symbol
    re.compile(r"(.+)\.us", re.IGNORECASE),  # Stooq, bulk
    re.compile(r"(?:time_series_)?daily(?:_adjusted)?_(.+)", re.IGNORECASE),  # Alpha Vantage
    re.compile(r"(.+?)[_ ](?:daily|1d|1day|prices?|ohlcv?|stock)", re.IGNORECASE),
    re.compile(
        r"(?:nasdaq|nyse|amex|nysearca|batsbats|bats|cboe|otc|tsx|lse|xetr|binance|bitstamp|coinbase|kraken|bitfinex"
        r"|index|crypto)[_ ](.+)",
        re.IGNORECASE,
    ),  # TradingView
    re.compile(r"(.+?)[_ -](?:\d{4}|\d{8}|\d{4}-\d{2}-\d{2})(?:[_ -](?:to[_ -])?(?:\d{4}|\d{8}|\d{4}-\d{2}-\d{2}))?"),
)
"""What vendors and people write around the symbol; taken off one after the other, as often as one fits."""

COMPANY_NAMES = (
    re.compile(r"(.+?)[_ ](?:historical[_ ](?:data|prices)|historische (?:daten|kurse))", re.IGNORECASE),
    re.compile(r"(?:dados|datos) históricos (.+)|(.+?)[_ ](?:dados|datos) históricos", re.IGNORECASE),
)
"""Names in which Investing.com writes either the symbol or what the instrument is called."""

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

    `listed` are the symbols of the reference list: a name that is on it is taken as it stands.
    """
    text, _ = bare_stem(stem)
    longest = _LONGEST_WORD
    while True:
        for candidate in (text.upper(), text.upper().replace("_", "-")):
            if candidate in listed:
                return candidate
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


def is_copy(stem: str, listed: Collection[str]) -> bool:
    """Whether the name is marked as a second copy."""
    if bare_stem(stem)[1]:
        return True
    match = _NUMBERED_COPY.fullmatch(stem.strip())
    return match is not None and match[1].upper() in listed and stem.upper() not in listed


def same_instrument(symbol: str) -> str:
    """A key under which two spellings of one share class meet: BRK.B and BRK-B."""
    return symbol.replace(".", "-")
