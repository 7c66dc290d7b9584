"""Ratings as Yahoo Finance lists them, in the format of yfinance's `Ticker.upgrades_downgrades`.

A frame per company: the index `GradeDate` is a time (UTC), the columns are Firm, ToGrade, FromGrade, Action (up, down,
init, main, reit) and, since 2025, priceTargetAction, currentPriceTarget and priorPriceTarget, where 0 means none.

Belongs here: reading those frames into a batch. Does not belong here: what a rating word is worth (`rating_scale.csv`),
which names are one firm (`firm_aliases.csv`), which source wins (the dbt models).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from dagster_project.contracts.ratings import YAHOO_RATING_CHANGES
from dagster_project.sessions import EXCHANGE_TIME_ZONE
from dagster_project.sources.base import Batch, EmptyFetchError, Reject, SourceError

if TYPE_CHECKING:
    import datetime as dt

    from dagster_project.sources.ratings.base import RatingRequest

FetchFrame = Callable[[str], pd.DataFrame]
"""Gives the frame of one symbol; an empty one where Yahoo lists nothing for it."""

REQUIRED = ("Firm", "ToGrade", "FromGrade", "Action")


class YahooRatings:
    """Yahoo's list of upgrades and downgrades, one request per company."""

    name = "yahoo"
    is_switched_on = True

    def __init__(self, fetch_frame: FetchFrame | None = None) -> None:
        """Use `fetch_frame` (tests hand over a recorded one), else yfinance, which is imported at the first fetch."""
        self._fetch_frame = fetch_frame or _from_yfinance

    def fetch(self, request: RatingRequest) -> Batch:
        """Every rating of these companies; a company that could not be read is a reject, and its old rows stand."""
        rows: list[dict[str, Any]] = []
        rejects: list[Reject] = []
        for symbol in request.symbols:
            try:
                rows += _rows(symbol, self._fetch_frame(symbol))
            except SourceError:
                raise
            except Exception as error:  # whatever a vendor's library raises is about this symbol only
                rejects.append(Reject(_request(symbol), None, f"{type(error).__name__}: {error}", symbol))
        if not rows:
            reasons = "; ".join(f"{reject.record}: {reject.reason}" for reject in rejects[:3])
            raise EmptyFetchError(f"Yahoo gave no rating for {len(request.symbols)} companies; {reasons or 'empty'}")
        return Batch(self.name, _table(rows), tuple(rejects))


def _from_yfinance(symbol: str) -> pd.DataFrame:
    try:
        import yfinance  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        raise SourceError("ratings from Yahoo need the package yfinance: pip install yfinance") from error
    frame = yfinance.Ticker(symbol).upgrades_downgrades
    return pd.DataFrame() if frame is None else pd.DataFrame(frame)


def _request(symbol: str) -> str:
    return f"yahoo:upgrades_downgrades:{symbol}"


def _rows(symbol: str, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The frame's rows, of several by one firm on one day the last."""
    if frame.empty:
        return []
    if missing := [column for column in REQUIRED if column not in frame.columns]:
        raise ValueError(f"the frame lacks {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}")
    times = pd.DatetimeIndex(pd.to_datetime(frame.index, utc=True))
    latest: dict[tuple[dt.date, str | None], dict[str, Any]] = {}
    for line, (time, record) in enumerate(zip(times, frame.to_dict("records"), strict=True), start=1):
        rating_date, firm = time.tz_convert(EXCHANGE_TIME_ZONE).date(), _text(record["Firm"])
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


def _text(value: object) -> str | None:
    """Words without blanks around them; nothing for an empty cell."""
    return value.strip() or None if isinstance(value, str) else None


def _target(value: object) -> str | None:
    """A price target as text for the gate; Yahoo writes 0 where there is none."""
    if value is None or pd.isna(value) or value == 0:  # type: ignore[call-overload]
        return None
    return str(value)


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    types = {"date": pa.date32(), "bigint": pa.int64(), "varchar": pa.string(), "double": pa.string()}
    schema = pa.schema(
        [(column.name, types[column.type]) for column in YAHOO_RATING_CHANGES.columns]
        + [("source_file", pa.string()), ("source_row", pa.int64())]
    )
    return pa.Table.from_pylist(rows, schema=schema)
