"""The exchange calendar against days that everyone can look up."""

import datetime as dt

import pytest

from dagster_project.sessions import exchange_sessions, last_complete_session


def test_known_holidays_and_half_days() -> None:
    rows = {row["session_date"]: row["is_half_day"] for row in exchange_sessions(dt.date(2025, 12, 31)).to_pylist()}
    assert dt.date(2025, 11, 27) not in rows, "Thanksgiving"
    assert rows[dt.date(2025, 11, 28)] is True, "the day after closes at 13:00"
    assert rows[dt.date(2025, 11, 24)] is False
    assert dt.date(2025, 11, 22) not in rows, "a Saturday"
    assert dt.date(1970, 1, 1) not in rows
    assert len([day for day in rows if day.year == 2024]) == 252


@pytest.mark.parametrize(
    ("day", "bell"),
    [("2025-11-24", "21:00"), ("2025-07-01", "20:00"), ("2025-07-03", "17:00"), ("2025-11-28", "18:00")],
)
def test_the_bell_rings_in_new_york_whatever_it_is_in_utc(day: str, bell: str) -> None:
    """Winter, summer, and half days of both; the last complete session agrees to the minute."""
    sessions = exchange_sessions(dt.date(2025, 12, 31)).to_pylist()
    minutes = {row["session_date"]: row["close_utc_minutes"] for row in sessions}
    date = dt.date.fromisoformat(day)
    rings = dt.datetime.combine(date, dt.time.fromisoformat(bell), dt.UTC)
    assert minutes[date] == rings.hour * 60 + rings.minute
    assert last_complete_session(rings) == date > last_complete_session(rings - dt.timedelta(minutes=1))


@pytest.mark.parametrize(
    ("now", "session"),
    [
        ("2025-11-24T20:59:00+00:00", "2025-11-21"),
        ("2025-11-24T21:00:00+00:00", "2025-11-24"),
        ("2025-11-28T18:00:00+00:00", "2025-11-28"),
        ("2025-11-30T12:00:00+00:00", "2025-11-28"),
        ("2025-07-01T20:00:00+00:00", "2025-07-01"),
    ],
)
def test_last_complete_session_follows_the_bell(now: str, session: str) -> None:
    assert last_complete_session(dt.datetime.fromisoformat(now)) == dt.date.fromisoformat(session)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        last_complete_session(dt.datetime(2025, 11, 24, 12))  # noqa: DTZ001
