"""Ratings in the format of yfinance's `Ticker.upgrades_downgrades`, from Yahoo's JSON, written by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

COLUMNS = {
    "epochGradeDate": "GradeDate",
    "firm": "Firm",
    "toGrade": "ToGrade",
    "fromGrade": "FromGrade",
    "action": "Action",
}


def note(
    time_utc: str,
    firm: str,
    action: str,
    ratings: str,
    targets: tuple[float, float] = (0.0, 0.0),
    said: str = "Maintains",
) -> dict[str, Any]:
    """One entry of Yahoo's `upgradeDowngradeHistory`; `ratings` is "from > to", `targets` prior and current, 0 none."""
    before, _, after = ratings.rpartition(" > ")
    return {
        "epochGradeDate": int(dt.datetime.fromisoformat(time_utc).replace(tzinfo=dt.UTC).timestamp()),
        "firm": firm,
        "toGrade": after,
        "fromGrade": before,
        "action": action,
        "priceTargetAction": said,
        "currentPriceTarget": targets[1],
        "priorPriceTarget": targets[0],
    }


def frame(history: list[dict[str, Any]]) -> pd.DataFrame:
    """What yfinance makes of that history: its names, the time (UTC, without a zone) as the index."""
    if not history:
        return pd.DataFrame()
    rows = pd.DataFrame(history).rename(columns=COLUMNS).set_index("GradeDate")
    rows.index = pd.to_datetime(rows.index, unit="s")
    return rows
