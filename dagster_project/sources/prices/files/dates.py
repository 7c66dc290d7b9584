"""Rewrites dates as people's programs write them into ISO dates.

Whether 05/06/2025 is in May or in June is decided for a file from everything that speaks: days above 12, the user's
setting, the language or vendor of the header, the order of the rows and the distance between them. Where nothing
speaks, or two things contradict each other, the file is refused: a wrong day would go unnoticed.

Belongs here: dates, time stamps and their zones. Does not belong here: whether a day was a session (the data tests).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from dagster_project.sessions import EXCHANGE_TIME_ZONE
from dagster_project.sources.prices.files.errors import UnreadableFileError
from dagster_project.sources.prices.files.numbers import MISSING

PLAIN_DATE = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"

_LARGEST_STEP = 4
"""Daily bars lie at most so many days apart, by the median."""
_FEWEST_ROWS = 3
"""With fewer rows their order and distance prove nothing."""

_NEW_YORK = ZoneInfo(EXCHANGE_TIME_ZONE)
_BELLS = frozenset({dt.time(9, 30), dt.time(13), dt.time(16)})
_MONTHS = {
    word: number
    for number, words in enumerate(
        (
            "jan january januar janv janvier ene enero janeiro gen gennaio",
            "feb february februar févr fevr février fev fevereiro febrero febbraio",
            "mar march märz mrz mars marzo março",
            "apr april avr avril abr abril aprile",
            "may mai mayo maio mag maggio",
            "jun june juni juin junio junho giu giugno",
            "jul july juli juil juillet julio julho lug luglio",
            "aug august août aout ago agosto",
            "sep sept september septembre septiembre set setembro settembre",
            "oct october okt oktober octobre octubre out outubro ott ottobre",
            "nov november novembre noviembre novembro",
            "dec december dez dezember déc décembre dic diciembre dezembro dicembre",
        ),
        start=1,
    )
    for word in words.split()
}
_STAMP = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?",
    re.I,
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_EPOCH = re.compile(r"\d{9,10}|\d{12,13}|\d{18,19}")
_WORDED = re.compile(r"(?:[^\W\d_]{2,9}\.?,? )?([^\W\d_]{3,10})\.? (\d{1,2}),? (\d{4})")
_DAY_WORDED = re.compile(r"(\d{1,2})[. -]+([^\W\d_]{3,10})\.?[ -]+(\d{4}|\d{2})")
_PARTS = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:[ T,]+\d{1,2}:\d{2}(?::\d{2})?(?: ?[AP]M)?)?", re.I)
_SHORT_YEAR = re.compile(r"\d{1,2}([/.-])\d{1,2}\1\d{2}")
_DAY_NUMBER = re.compile(r"[345]\d{4}(?:\.0+)?")


class DateOrder(StrEnum):
    """Which part of a date like 05/06/2025 comes first."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


def plain_dates(
    cells: pa.Array, *, said: DateOrder | None, header_is_day_first: bool | None, is_one_series: bool
) -> pa.Array:
    """The cells as ISO dates; null where a cell says missing, the cell itself where it is no date.

    `said` is the user's word; `header_is_day_first` the header's, None where it has none. `is_one_series`: the rows are
    those of one symbol, so that their order tells something. Raises `UnreadableFileError` where it stays open which
    part is the day.
    """
    if pc.all(pc.match_substring_regex(cells, PLAIN_DATE)).as_py() is not False:
        return cells
    coded = cells.dictionary_encode()
    known = [None if cell is None else cell.strip() for cell in coded.dictionary.to_pylist()]
    order: DateOrder | None = None
    if parted := {cell: _PARTS.fullmatch(cell) for cell in known if cell and _PARTS.fullmatch(cell)}:
        in_rows = [match for at in coded.indices.to_pylist() if at is not None and (match := parted.get(known[at]))]
        parts = [(int(match[1]), int(match[3]), int(match[4])) for match in in_rows]
        dotted = all(match[2] == "." for match in in_rows)
        order = _order(parts, said, True if dotted else header_is_day_first, is_one_series, in_rows[0][0])
    fresh = [None if cell is None else _date(cell, order) for cell in known]
    return pa.array(fresh, pa.string()).take(coded.indices)


def _order(
    parts: Sequence[tuple[int, int, int]],
    said: DateOrder | None,
    header_is_day_first: bool | None,
    is_one_series: bool,
    example: str,
) -> DateOrder:
    """Which order the dates of a file are in; `parts` are first, second and year, row by row."""
    proves = {
        DateOrder.DAY_FIRST: [part for part in parts if part[0] > 12 and _day(part, DateOrder.DAY_FIRST)],
        DateOrder.MONTH_FIRST: [part for part in parts if part[1] > 12 and _day(part, DateOrder.MONTH_FIRST)],
    }
    for order, others in ((DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST), (DateOrder.MONTH_FIRST, DateOrder.DAY_FIRST)):
        if said is order and proves[others]:
            shown = "/".join(map(str, proves[others][0]))
            raise UnreadableFileError(f"the date {shown} cannot be {order.replace('_', ' ')}, as was said", example)
    if said is not None:
        return said
    if proves[DateOrder.DAY_FIRST] and proves[DateOrder.MONTH_FIRST]:
        raise UnreadableFileError(
            "some dates are day first and some month first, so none can be trusted: export the file with ISO dates",
            example,
        )
    certain = next((order for order, found in proves.items() if found), None)
    if certain is not None:
        days = [day for part in parts if (day := _day(part, certain))]
        if is_one_series and not _is_sorted(days) and any(day.weekday() > 4 for day in days):
            raise UnreadableFileError(
                f"some dates are {certain.replace('_', ' ')}, and read so others are out of order and on weekends: "
                "export the file with ISO dates",
                example,
            )
        return certain
    if header_is_day_first is not None:
        return DateOrder.DAY_FIRST if header_is_day_first else DateOrder.MONTH_FIRST
    fits = [order for order in DateOrder if is_one_series and _is_daily(parts, order)]
    if len(fits) == 1:
        return fits[0]
    raise UnreadableFileError(
        f"the date {example} may be day first or month first: export the file with ISO dates (2025-11-21), or set "
        "MINEHOUSE_PRICE_DATE_ORDER to day_first or month_first",
        example,
    )


def _is_daily(parts: Sequence[tuple[int, int, int]], order: DateOrder) -> bool:
    """Whether the rows, read in this order, are in sequence and about a day apart."""
    days = [_day(part, order) for part in parts]
    known = [day for day in days if day is not None]
    if len(known) < max(_FEWEST_ROWS, len(days)) or not _is_sorted(known):
        return False
    return median(abs((later - earlier).days) for earlier, later in pairwise(known)) <= _LARGEST_STEP


def _is_sorted(days: Sequence[dt.date]) -> bool:
    steps = [later - earlier for earlier, later in pairwise(days)]
    nothing = dt.timedelta(0)
    return all(step > nothing for step in steps) or all(step < nothing for step in steps)


def _day(part: tuple[int, int, int], order: DateOrder) -> dt.date | None:
    first, second, year = part
    month, day = (second, first) if order is DateOrder.DAY_FIRST else (first, second)
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _date(cell: str, order: DateOrder | None) -> str | None:
    """One cell as an ISO date, None where it says missing, the cell itself where it is none."""
    if cell.lower() in MISSING:
        return None
    for pattern, read in _READERS:
        if match := pattern.fullmatch(cell):
            return read(match) or cell
    if order and (match := _PARTS.fullmatch(cell)):
        day = _day((int(match[1]), int(match[3]), int(match[4])), order)
        return day.isoformat() if day else cell
    if _SHORT_YEAR.fullmatch(cell):
        raise UnreadableFileError(f"the year of {cell} has two digits: write dates as 2025-11-21", cell)
    if _DAY_NUMBER.fullmatch(cell):
        raise UnreadableFileError(
            f"{cell} is Excel's number of a day: format the column as a date (yyyy-mm-dd) and save again", cell
        )
    return cell


def _from_stamp(match: re.Match[str]) -> str | None:
    """The exchange's day of a time stamp.

    Midnight where the stamp was made, or a time without a zone, is the day itself; another time is a moment.
    """
    year, month, day, hour, minute, second, zone = match.groups()
    if hour is None or not zone or int(hour) == int(minute) == int(second or 0) == 0:
        return _iso(year, month, day)
    try:
        offset = "+00:00" if zone.upper() in ("Z", "UTC", "GMT") else zone
        text = f"{int(year):04}-{int(month):02}-{int(day):02}T{int(hour):02}:{minute}:{second or '00'}{offset}"
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return _exchange_day(moment, match[0])


def _from_epoch(match: re.Match[str]) -> str | None:
    digits = match[0]
    seconds = int(digits) // {9: 1, 10: 1, 12: 1000, 13: 1000}.get(len(digits), 10**9)
    return _exchange_day(dt.datetime.fromtimestamp(seconds, dt.UTC), digits)


def _exchange_day(moment: dt.datetime, cell: str) -> str:
    """The day that a moment stands for: vendors stamp a daily bar with midnight, the opening or the closing bell."""
    for local in (moment.astimezone(dt.UTC), moment.astimezone(_NEW_YORK)):
        if local.time() == dt.time():
            return local.date().isoformat()
    if local.time() in _BELLS:
        return local.date().isoformat()
    raise UnreadableFileError(
        f"{cell} is {local:%H:%M} in New York, neither midnight nor a bell: which day is meant stays open; "
        "export the file with dates, or as daily bars",
        cell,
    )


def _from_words(year: str, month: str, day: str) -> str | None:
    number = _MONTHS.get(month.lower())
    return _iso(year if len(year) == 4 else f"20{year}", number, day) if number else None


def _iso(year: str, month: str | int, day: str) -> str | None:
    try:
        return dt.date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]], ...] = (
    (_STAMP, _from_stamp),
    (_COMPACT, lambda match: _iso(match[1], match[2], match[3])),
    (_EPOCH, _from_epoch),
    (_WORDED, lambda match: _from_words(match[3], match[1], match[2])),
    (_DAY_WORDED, lambda match: _from_words(match[3], match[2], match[1])),
)
