"""By which day a report is on time: against the holidays that pandas knows, and days that were announced."""

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from dbt_harness import BuiltModels, build_models
from pandas.tseries.holiday import USFederalHolidayCalendar
from pandas.tseries.offsets import CustomBusinessDay


@pytest.fixture(scope="module")
def filing_days(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Every day of the model."""
    workdir: Path = tmp_path_factory.mktemp("filing_days")
    built: BuiltModels = build_models(workdir, ["int_filing_days"], {})
    return built.query("select * from intermediate.int_filing_days order by calendar_date")


def test_every_day_agrees_with_the_federal_holidays_of_pandas(filing_days: pd.DataFrame) -> None:
    days = filing_days[filing_days["calendar_date"] >= "2011-01-01"]
    days = days[days["calendar_date"] < "2051-12-01"]
    business_day = CustomBusinessDay(calendar=USFederalHolidayCalendar())
    expected = [business_day.rollforward(day) for day in days["calendar_date"]]
    assert pd.to_datetime(days["filing_date"]).tolist() == expected


@pytest.mark.parametrize(
    ("term_ends", "on_time_until"),
    [
        ("2024-02-14", "2024-02-14"),
        ("2026-11-14", "2026-11-16"),  # a Saturday
        ("2027-02-14", "2027-02-16"),  # a Sunday before Washington's Birthday
        ("2022-12-26", "2022-12-27"),  # Christmas Day kept on the Monday
        ("2023-11-10", "2023-11-13"),  # Veterans Day kept on the Friday, a session in New York
        ("2024-10-14", "2024-10-15"),  # Columbus Day, a session in New York
        ("2020-06-19", "2020-06-19"),  # before Juneteenth was a holiday
        ("2027-12-31", "2028-01-03"),  # New Year's Day of the next year kept on the Friday
    ],
)
def test_announced_days(filing_days: pd.DataFrame, term_ends: str, on_time_until: str) -> None:
    row = filing_days.set_index("calendar_date").loc[pd.Timestamp(term_ends)]
    assert pd.Timestamp(row["filing_date"]).date() == dt.date.fromisoformat(on_time_until)
