"""Reads ratings as Yahoo Finance lists them, in the format of yfinance's `Ticker.upgrades_downgrades`.

A frame per company: the index `GradeDate` is a time (UTC), the columns are Firm, ToGrade, FromGrade, Action (up, down,
init, main, reit) and, since 2025, priceTargetAction, currentPriceTarget and priorPriceTarget, where 0 means none.

Belongs here: reading those frames into a batch. Does not belong here: the session that yfinance speaks through
(`sources.yahoo`), what a rating word is worth (`rating_scale.csv`), which names are one firm (`firm_aliases.csv`),
which source wins (the dbt models).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dagster_project.contracts.batch import Batch, Reject
from dagster_project.contracts.ratings import YAHOO_RATING_CHANGES
from dagster_project.sessions import EXCHANGE_TIME_ZONE
from dagster_project.sources import yahoo
from dagster_project.sources.base import ChangedSchemaError, EmptyFetchError, UnknownSymbolError
from dagster_project.sources.http import Clock, Json, RetryingClient, RetryPolicy, first_known, one_by_one

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from dagster_project.sources.ratings.base import RatingRequest

FetchFrame = Callable[[str], "pd.DataFrame"]
"""Gives the frame of one symbol, an empty one where Yahoo lists nothing for it; raises `SourceError`."""

REQUIRED = ("Firm", "ToGrade", "FromGrade", "Action")

_SUMMARY = "/v10/finance/quoteSummary/"
_NOTHING_LISTED = "No fundamentals data found"
"""What Yahoo says, with status 404, of a company that it knows and has no ratings of."""


@dataclass
class YahooRatings:
    """Yahoo's list of upgrades and downgrades, one request per company.

    `cache_dir` is where yfinance keeps cookies between runs; `server` takes the place of every Yahoo host. A test may
    hand over `fetch_frame`, which then stands for all of that.
    """

    fetch_frame: FetchFrame | None = None
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    clock: Clock = field(default_factory=Clock, repr=False)
    cache_dir: Path | None = None
    server: str | None = None
    name: str = "yahoo"

    def fetch(self, request: RatingRequest) -> Batch:
        """Every rating of these companies; a company that could not be read is a reject, and its old rows stand.

        Raises `EmptyFetchError` where no company has a rating.
        """
        fetch_frame = self.fetch_frame or self._open()

        def read(symbol: str) -> list[dict[str, Any]]:
            tickers = (symbol, *request.other_tickers.get(symbol, ()))
            return _rows(symbol, first_known(tickers, fetch_frame))

        done, failed = one_by_one(request.symbols, read)
        rows = [row for _, of_one in done for row in of_one]
        if not rows:
            reasons = "; ".join(dict.fromkeys(why for _, why in failed))[:600]
            raise EmptyFetchError(f"Yahoo gave no rating for {len(request.symbols)} companies; {reasons or 'empty'}")
        rejects = tuple(
            Reject(_request(symbol), None, f"{symbol} is missing: {why}", json.dumps({"ticker": symbol}))
            for symbol, why in failed
        )
        return Batch(self.name, _table(rows), rejects, missing=dict(failed))

    def _open(self) -> FetchFrame:
        """Reads one company's frame, with a time budget and a memory of one run."""
        import yfinance

        client = RetryingClient(self.name, self.retry_policy, self.clock)
        session = yahoo.open_session(client, {_SUMMARY: _check_summary}, self.server, self.cache_dir)

        def fetch_frame(symbol: str) -> pd.DataFrame:
            try:
                frame: pd.DataFrame = yahoo.read(
                    session,
                    symbol,
                    lambda: yfinance.Ticker(symbol.replace(".", "-"), session=session).upgrades_downgrades,
                )
            except (UnknownSymbolError, EmptyFetchError) as error:
                if isinstance(error, EmptyFetchError) or _NOTHING_LISTED in session.refused_with:
                    import pandas as pd

                    return pd.DataFrame()
                raise
            return frame

        return fetch_frame


def _check_summary(body: Json, asked: Mapping[str, Any], who: str) -> None:  # noqa: ARG001
    """Refuse an answer that yfinance would take for a company without ratings."""
    try:
        history = body["quoteSummary"]["result"][0]["upgradeDowngradeHistory"]["history"]
    except (KeyError, TypeError, IndexError) as error:
        raise ChangedSchemaError(f"{who}: not laid out as a list of ratings") from error
    if not isinstance(history, list) or not all(isinstance(note, dict) for note in history):
        raise ChangedSchemaError(f"{who}: its ratings are no list")
    if not history:
        raise EmptyFetchError(f"{who}: no ratings")


def _request(symbol: str) -> str:
    return f"yahoo:upgrades_downgrades:{symbol}"


def _rows(symbol: str, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The frame's rows, of several by one firm on one day the last."""
    if frame.empty:
        return []
    if missing := [column for column in REQUIRED if column not in frame.columns]:
        raise ChangedSchemaError(
            f"yahoo {symbol}: the frame lacks {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}"
        )
    import pandas as pd

    times = pd.DatetimeIndex(pd.to_datetime(frame.index, utc=True))
    latest: dict[tuple[dt.date, str | None], dict[str, Any]] = {}
    for line, (time, record) in enumerate(zip(times, frame.to_dict("records"), strict=True), start=1):
        rating_date, firm = _day(time), _text(record["Firm"])
        row = {
            "rating_date": rating_date,
            "graded_at_epoch": int(time.timestamp()),
            "ticker": symbol,
            "firm": firm,
            "action": _text(record["Action"]),
            "from_grade": _text(record["FromGrade"]),
            "to_grade": _text(record["ToGrade"]),
            "price_target_action": _text(record.get("priceTargetAction")),
            "price_target_prior": _target(record.get("priorPriceTarget")),
            "price_target_new": _target(record.get("currentPriceTarget")),
            "source_url": f"https://finance.yahoo.com/quote/{symbol}/",
            "source_file": _request(symbol),
            "source_row": line,
        }
        known = latest.get((rating_date, firm))
        if known is None or row["graded_at_epoch"] > known["graded_at_epoch"]:
            latest[(rating_date, firm)] = row
    return list(latest.values())


def _day(time: pd.Timestamp) -> dt.date:
    """The day in New York; midnight UTC to the second is a date without a time, and no evening before."""
    day: dt.date = (time if time == time.normalize() else time.tz_convert(EXCHANGE_TIME_ZONE)).date()
    return day


def _text(value: object) -> str | None:
    """Words without blanks around them; nothing for an empty cell."""
    return value.strip() or None if isinstance(value, str) else None


def _target(value: object) -> str | None:
    """A price target as text for the gate; Yahoo writes 0 where there is none."""
    # a cell without a number is NaN, which equals nothing, itself included
    if value is None or value != value or value == 0:
        return None
    return str(value)


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    types = {"date": pa.date32(), "bigint": pa.int64(), "varchar": pa.string(), "double": pa.string()}
    schema = pa.schema(
        [(column.name, types[column.type]) for column in YAHOO_RATING_CHANGES.columns]
        + [("source_file", pa.string()), ("source_row", pa.int64())]
    )
    return pa.Table.from_pylist(rows, schema=schema)
