"""Defines which symbols and days of prices a person can ask for in Dagster's launchpad.

Belongs here: the run configuration of the prices and its refusals. Does not belong here: what a source makes of it
(`sources.prices`), how a part is loaded (`warehouse.load`).
"""

import datetime as dt

import dagster as dg
from pydantic import Field


class SelectionError(ValueError):
    """The run configuration asks for what cannot be."""


class PriceSelection(dg.Config):
    """Symbols and days to fetch; as it stands, all symbols, and of each what the price source sees fit."""

    symbols: list[str] = Field(
        default_factory=list, description="Tickers to refresh, such as [CLSK, IREN]. Empty: all on the reference list."
    )
    start: str | None = Field(
        default=None,
        description="First day, ISO (2025-01-01). With start or end, every day of the range is fetched anew, whether "
        "it is missing or not. Empty: what the source would fetch by itself.",
    )
    end: str | None = Field(default=None, description="Last day, inclusive, ISO (2025-12-31). Empty: the latest.")
    full_history: bool = Field(
        default=False,
        description="Fetch whole histories and compare every day that stands, not only the last ten: finds corrections "
        "of days long ago. Not together with start or end.",
    )

    def picked_symbols(self, known: frozenset[str]) -> frozenset[str]:
        """The symbols asked for, all known ones where none is named. Raises `SelectionError` for an unknown one."""
        picked = frozenset(symbol.strip().upper() for symbol in self.symbols)
        if unknown := sorted(picked - known):
            raise SelectionError(
                f"symbols: {', '.join(map(repr, unknown))} not on the reference list; known are "
                f"{', '.join(sorted(known)) or 'none yet: load companies and peers first'}"
            )
        return picked or known

    def days(self, today: dt.date) -> tuple[dt.date | None, dt.date | None]:
        """First and last day.

        Raises `SelectionError` for what is no date, a start after the end or in the future, and days of a full history.
        """
        start, end = _day("start", self.start), _day("end", self.end)
        if start and end and start > end:
            raise SelectionError(f"start: {start} lies after end: {end}")
        if start and start > today:
            raise SelectionError(f"start: {start} lies in the future")
        if self.full_history and (start or end):
            raise SelectionError("full_history: a whole history has no start and no end")
        return start, end


def _day(name: str, given: str | None) -> dt.date | None:
    text = (given or "").strip()
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise SelectionError(f"{name}: {text!r} is not an ISO date such as 2025-01-31") from None
