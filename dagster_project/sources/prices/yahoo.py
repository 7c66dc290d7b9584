"""Reads daily bars from Yahoo Finance, through the `yfinance` library; no key is needed.

Belongs here: how yfinance is asked for bars, what a chart must hold, what its frames mean. Does not belong here: the
session that yfinance speaks through (`sources.yahoo`), when it is asked, and for how much (`live`).

`auto_adjust=False` is said outright because its default has changed before: `close` is adjusted for splits alone,
`adj_close` for dividends as well.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dagster_project.sources import yahoo
from dagster_project.sources.base import ChangedSchemaError, EmptyFetchError
from dagster_project.sources.http import Clock, Json, RetryingClient, RetryPolicy
from dagster_project.sources.prices.base import BARS
from dagster_project.sources.prices.live import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

HISTORY_START = dt.date(2015, 1, 1)

_CHART = "/v8/finance/chart/"
_COLUMNS = {
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Adj Close": "adj_close",
    "Volume": "volume",
    "Dividends": "dividend_usd",
    "Stock Splits": "split_ratio",
}


@dataclass(frozen=True)
class YahooPrices:
    """Yahoo as a vendor. `cache_dir` is where yfinance keeps cookies and time zones between runs.

    `server` takes the place of every Yahoo host: a test's, or a proxy's.
    """

    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    cache_dir: Path | None = None
    server: str | None = None
    name: str = "yahoo"

    def open(self, clock: Clock) -> Reader:
        """A reader for one run."""
        import yfinance

        client = RetryingClient(self.name, self.retry_policy, clock)
        session = yahoo.open_session(client, {_CHART: _check_chart}, self.server, self.cache_dir)

        def read(symbol: str, start: dt.date | None) -> pa.Table:
            who = f"{self.name} {symbol}"
            frame = yahoo.read(
                session,
                symbol,
                lambda: yfinance.Ticker(symbol.replace(".", "-"), session=session).history(
                    start=(start or HISTORY_START).isoformat(),
                    interval="1d",
                    auto_adjust=False,
                    back_adjust=False,
                    repair=False,
                    actions=True,
                    keepna=True,
                    timeout=self.retry_policy.timeout,
                ),
            )
            if frame is None or frame.empty:
                raise EmptyFetchError(f"{who}: the answer holds no bar")
            return bars_of(frame, symbol, who)

        return read


def bars_of(frame: pd.DataFrame, symbol: str, who: str) -> pa.Table:
    """The frame of `yfinance` as a table of bars."""
    if absent := [name for name in _COLUMNS if name not in frame.columns]:
        raise ChangedSchemaError(f"{who}: the frame has no {', '.join(absent)}")
    columns: dict[str, pa.Array] = {
        "symbol": pa.repeat(pa.scalar(symbol), len(frame)),
        "trade_date": pa.array([moment.date() for moment in frame.index], pa.date32()),
    }
    for theirs, ours in _COLUMNS.items():
        values = frame[theirs].where(frame[theirs] != 0) if theirs in ("Dividends", "Stock Splits") else frame[theirs]
        columns[ours] = pa.array(values, BARS.field(ours).type, from_pandas=True)
    columns["price_basis"] = pa.repeat(pa.scalar("split_adjusted"), len(frame))
    columns["is_repaired"] = pa.nulls(len(frame), pa.bool_())
    return pa.table(columns, schema=BARS)


def _check_chart(body: Json, asked: Mapping[str, Any], who: str) -> None:
    """Refuse a chart that is not laid out as it always was, before yfinance calls it a delisted symbol."""
    # yfinance keeps the answer to a look-up of the time zone as long as the process lives: it is looked at as well
    if not isinstance(body, dict) or not isinstance(body.get("chart"), dict):
        raise ChangedSchemaError(f"{who}: not laid out as a chart")
    if "period1" not in asked:
        return
    try:
        (result,) = body["chart"]["result"]
        zone = result["meta"]["exchangeTimezoneName"]
    except (KeyError, TypeError, ValueError) as error:
        raise ChangedSchemaError(f"{who}: not laid out as a chart") from error
    if not zone:
        raise ChangedSchemaError(f"{who}: the chart names no time zone")
    days = result.get("timestamp")
    if days is None:
        raise EmptyFetchError(f"{who}: the chart holds no bar")
    try:
        (quote,), (adjusted,) = result["indicators"]["quote"], result["indicators"]["adjclose"]
        lists = {name: quote[name] for name in ("open", "high", "low", "close", "volume")}
        lists["adjclose"] = adjusted["adjclose"]
    except (KeyError, TypeError, ValueError) as error:
        raise ChangedSchemaError(f"{who}: the chart has no {error}") from error
    for name, values in lists.items():
        if not isinstance(values, list) or len(values) != len(days):
            raise ChangedSchemaError(f"{who}: {name} of the chart does not have one value per day")
        if strange := [value for value in values if not isinstance(value, int | float | None) or value is True]:
            raise ChangedSchemaError(f"{who}: {name} of the chart holds {strange[0]!r}")
