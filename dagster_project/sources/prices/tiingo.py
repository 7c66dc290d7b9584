"""Reads daily bars from Tiingo, for whoever has a (free) key.

Belongs here: Tiingo's addresses, its format, and its price basis. Does not belong here: when it is asked, and for how
much (`live`), where the key comes from (`settings`).

Why Tiingo beside Yahoo: it is independent of it; it documents its API and allows its use with a key; one answer
holds unadjusted and adjusted prices, dividends and splits; and its free tier (50 requests an hour, 1000 a day, 500
symbols a month when this was written) serves two dozen symbols a day, with room for whole histories. Alpha Vantage's
25 requests a day would not survive one bad evening, and Twelve Data gives no dividends beside its bars.

Price basis: the warehouse wants closes that are adjusted for splits and not for dividends. Tiingo gives traded prices
and prices adjusted for both, so traded prices are divided here by the splits that came later; every request therefore
runs to the present. Bitcoin comes from the endpoint for crypto currencies, whose days end at midnight UTC.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dagster_project.sources.base import (
    AccessRefusedError,
    ChangedSchemaError,
    EmptyFetchError,
    RateLimitedError,
    TruncatedAnswerError,
)
from dagster_project.sources.http import Clock, Json, RetryingClient, RetryPolicy, json_of
from dagster_project.sources.prices.base import BARS
from dagster_project.sources.prices.live import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

HISTORY_START = dt.date(2015, 1, 1)

_PAIR = re.compile(r"([A-Z0-9]+)-(USD)")
_OVER_LIMIT = re.compile(r"you have run over your", re.IGNORECASE)


@dataclass(frozen=True)
class TiingoPrices:
    """Tiingo as a vendor; the key goes into a header and is shown nowhere."""

    key: SecretStr = field(repr=False)
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    server: str = "https://api.tiingo.com"
    name: str = "tiingo"

    def open(self, clock: Clock) -> Reader:
        """A reader for one run."""
        import requests

        client = RetryingClient(self.name, self.retry_policy, clock)
        session = requests.Session()
        session.headers["Authorization"] = f"Token {self.key.get_secret_value()}"

        def read(symbol: str, start: dt.date | None) -> pa.Table:
            first = (start or HISTORY_START).isoformat()
            pair = _PAIR.fullmatch(symbol)
            path = "/tiingo/crypto/prices" if pair else f"/tiingo/daily/{symbol.replace('.', '-')}/prices"
            params = {"startDate": first}
            if pair:
                params |= {"tickers": "".join(pair.groups()).lower(), "resampleFreq": "1day"}
            who = f"{self.name} {symbol}"

            def send(timeout: float) -> requests.Response:
                return session.get(f"{self.server}{path}", params=params, timeout=timeout, allow_redirects=False)

            answer = client.ask(send, symbol, remember_as=(path, *sorted(params.items())))
            if _OVER_LIMIT.search(answer.text[:500]):  # said with status 200, and not as JSON
                raise RateLimitedError(f"{who}: the key's allowance is used up")
            try:
                body = json_of(answer, who)
            except TruncatedAnswerError:
                if "token" in answer.text[:200].lower():
                    raise AccessRefusedError(f"{who}: the key was refused") from None
                raise
            return crypto_bars(body, symbol, who) if pair else daily_bars(body, symbol, who)

        return read


def daily_bars(body: Json, symbol: str, who: str) -> pa.Table:
    """The rows of the end-of-day endpoint, split-adjusted."""
    rows = _rows(body, who)
    columns: dict[str, list[Any]] = {name: [] for name in BARS.names}
    later_splits = 1.0
    for row in sorted(rows, key=lambda row: _day(row, who), reverse=True):
        split, dividend = _number(row, "splitFactor", who), _number(row, "divCash", who)
        volume = _number(row, "volume", who)
        cells: dict[str, Any] = {name: _scaled(_number(row, name, who), later_splits) for name in _PRICES}
        cells |= {
            "symbol": symbol,
            "trade_date": _day(row, who),
            "adj_close": _number(row, "adjClose", who),
            "volume": None if volume is None else round(volume * later_splits),
            "dividend_usd": _scaled(dividend, later_splits) if dividend else None,
            "split_ratio": split if split not in (None, 1.0, 0.0) else None,
            "price_basis": "split_adjusted",
        }
        for name in BARS.names:
            columns[name].append(cells.get(name))
        later_splits *= split or 1.0
    return pa.table({name: list(reversed(cells)) for name, cells in columns.items()}, schema=BARS)


def crypto_bars(body: Json, symbol: str, who: str) -> pa.Table:
    """The rows of the crypto endpoint: UTC days, no dividends, and no splits that a price could be adjusted for."""
    series = _rows(body, who)[0].get("priceData")
    columns: dict[str, list[Any]] = {name: [] for name in BARS.names}
    for row in sorted(_rows(series, who), key=lambda row: _day(row, who)):
        volume, close = _number(row, "volume", who), _number(row, "close", who)
        cells: dict[str, Any] = {name: _number(row, name, who) for name in _PRICES}
        cells |= {"symbol": symbol, "trade_date": _day(row, who), "adj_close": close, "price_basis": "split_adjusted"}
        cells["volume"] = None if volume is None else round(volume)
        for name in BARS.names:
            columns[name].append(cells.get(name))
    return pa.table(columns, schema=BARS)


_PRICES = ("open", "high", "low", "close")


def _rows(body: Json, who: str) -> list[Mapping[str, Any]]:
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        raise ChangedSchemaError(f"{who}: a list of rows was expected, {type(body).__name__} came")
    if not body:
        raise EmptyFetchError(f"{who}: the answer holds no row")
    return body


def _day(row: Mapping[str, Any], who: str) -> dt.date:
    try:
        return dt.date.fromisoformat(str(row["date"])[:10])
    except (KeyError, ValueError) as error:
        raise ChangedSchemaError(f"{who}: a row without a date") from error


def _number(row: Mapping[str, Any], name: str, who: str) -> float | None:
    if name not in row:
        raise ChangedSchemaError(f"{who}: rows have no {name} any more, but {', '.join(sorted(row)[:20])}")
    value = row[name]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ChangedSchemaError(f"{who}: {name} is no number but {type(value).__name__}")
    return float(value)


def _scaled(value: float | None, splits: float) -> float | None:
    return value if value is None or splits == 1.0 else value / splits
