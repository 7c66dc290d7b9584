"""Answers which days New York traded, and which session is complete.

Belongs here: questions about sessions, answered by `exchange_calendars` and nothing else (pure). Does not belong
here: prices, the clock (a caller hands over the time), storage.
"""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

EXCHANGE = "XNYS"
EXCHANGE_TIME_ZONE = "America/New_York"
FIRST_SESSION = dt.date(1970, 1, 1)
"""The calendar is reliable from here on: before 1970 it takes holidays for sessions."""


def exchange_sessions(end: dt.date) -> pa.Table:
    """All sessions from `FIRST_SESSION` to `end` inclusive, a row each.

    `session_date` (date32), `is_half_day` (bool), and `close_utc_minutes` (int64), when the closing bell rings, in
    minutes after midnight UTC of that day.
    """
    import exchange_calendars

    calendar = exchange_calendars.get_calendar(EXCHANGE, start=FIRST_SESSION.isoformat(), end=end.isoformat())
    dates = [session.date() for session in calendar.sessions]
    closes = calendar.closes.dt.hour * 60 + calendar.closes.dt.minute
    half_days = {session.date() for session in calendar.early_closes}
    return pa.table(
        {
            "session_date": pa.array(dates, pa.date32()),
            "is_half_day": pa.array([date in half_days for date in dates], pa.bool_()),
            "close_utc_minutes": pa.array(closes.to_numpy(), pa.int64()),
        }
    )


def last_complete_utc_day(now: dt.datetime) -> dt.date:
    """The latest whole day of what trades around the clock, whose day ends at midnight UTC."""
    if now.tzinfo is None:
        raise ValueError("a time without a zone says nothing about a day")
    return now.astimezone(dt.UTC).date() - dt.timedelta(days=1)


def last_complete_session(now: dt.datetime) -> dt.date:
    """The latest session whose closing bell lies before `now` (an aware time)."""
    import exchange_calendars

    if now.tzinfo is None:
        raise ValueError("a time without a zone says nothing about an exchange session")
    calendar = exchange_calendars.get_calendar(
        EXCHANGE,
        start=(now - dt.timedelta(days=30)).date().isoformat(),
        end=(now + dt.timedelta(days=7)).date().isoformat(),
    )
    closes = calendar.closes
    complete = closes[closes <= now.astimezone(dt.UTC)]
    session: dt.date = complete.index[-1].date()
    return session
