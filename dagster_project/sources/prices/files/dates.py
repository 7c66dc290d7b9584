"""Rewrites dates as people's programs write them into ISO dates.

Whether 05/06/2025 is in May or in June is decided for a file from everything that speaks: days above 12, the user's
setting, the language or vendor of the header, the order of the rows and the distance between them. Where nothing
speaks, or two things contradict each other, the file is refused: a wrong day would go unnoticed.

Belongs here: dates, time stamps and their zones. Does not belong here: whether a day was a session (the data tests).
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\.?")
_EASTERN_DATE = re.compile(r"(\d{4}) ?[年년.] ?(\d{1,2}) ?[月월.] ?(\d{1,2}) ?[日일.]?|(\d{4})- (\d{1,2})- (\d{1,2})")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_EPOCH = re.compile(r"\d{9,10}(?:\.0+)?|\d{12,13}(?:\.0+)?|\d{15,16}|\d{18,19}")
_WORDED = re.compile(r"(?:[^\W\d_]{2,9}\.?,? )?([^\W\d_]{3,10})\.? (\d{1,2}),? (\d{4})")
_DAY_WORDED = re.compile(
    r"(?:[^\W\d_]{2,9}\.?,? )?(\d{1,2})[. -]+(?:de )?([^\W\d_]{3,10})\.?[ -]+(?:de )?(\d{4}|\d{2})"
)
_PARTS = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})")
_SHORT_YEAR = re.compile(r"\d{1,2}([/.-])\d{1,2}\1\d{2}")
_DAY_NUMBER = re.compile(r"[345]\d{4}(?:\.\d+)?")
_HALF_AND_ZONE = r" ?([AP]\.?M\.?)? ?(Z|UTC|GMT|[+-]\d{2}:?\d{2}|E[SD]?T|US/Eastern|America/New_York)?"
_DAY_AND_CLOCK = re.compile(
    rf"(.*?\d[.日일]?)(?:T|[ ,]+(?:at )?)(\d{{1,2}}):(\d{{2}})(?::(\d{{2}})(?:[.,]\d+)?)?{_HALF_AND_ZONE}",
    re.IGNORECASE,
)
_COMPACT_AND_CLOCK = re.compile(rf"(\d{{8}})[T ]+(\d{{2}})(\d{{2}})(\d{{2}})?{_HALF_AND_ZONE}", re.IGNORECASE)
_TIME = re.compile(rf"\d{{1,2}}(?::?\d{{2}}){{1,2}}(?:[.,]\d+)?{_HALF_AND_ZONE}", re.IGNORECASE)
_BARE_TIME = re.compile(r"(\d{1,2})(\d{2})(\d{2})?")
_NO_TIME = re.compile(r"0*(?::00)*(?:\.0+)?")

_DAY_TIMES = frozenset(
    {
        dt.time(), dt.time(4), dt.time(5),  # midnight; that of New York in UTC
        dt.time(9, 30), dt.time(13, 30), dt.time(14, 30),  # the opening bell; in UTC
        dt.time(13), dt.time(17), dt.time(18), dt.time(16), dt.time(20), dt.time(21),  # the closing bells; in UTC
        dt.time(15, 30), dt.time(22), dt.time(23, 59), dt.time(23, 59, 59),  # the bells in Europe; the end of the day
    }
)  # fmt: skip
"""Times of day, without a zone, that vendors stamp on a daily bar."""
_FEWEST_BARS_FOR_A_SLIP = 5
"""With so many rows a single odd time, as of today's quote at their end, costs its row and not the file."""


class DateOrder(StrEnum):
    """Which part of a date like 05/06/2025 comes first."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


@dataclass(frozen=True)
class Days:
    """The dates of a file: ISO days, and whether they were read from times, so that they may lie a day off."""

    cells: pa.Array
    are_moments: bool = False


@dataclass(frozen=True)
class _Read:
    """One cell: the day as text, the time of day that stood with it, and why its day stays open."""

    day: str | None
    time: dt.time | None = None
    is_moment: bool = False
    open: str = ""


def plain_dates(
    cells: pa.Array,
    *,
    times: pa.Array | None = None,
    said: DateOrder | None = None,
    header_is_day_first: bool | None = None,
    is_one_series: bool = False,
    is_stamped_at_end: bool = False,
) -> Days:
    """The cells as ISO dates; null where a cell says missing, the cell itself where it is no date.

    `times` are the times of day where the file has a column for them. `said` is the user's word; `header_is_day_first`
    the header's, None where it has none. `is_one_series`: the rows are those of one symbol, so that their order tells
    something. `is_stamped_at_end`: a day is stamped with the midnight after it. Raises `UnreadableFileError` where it
    stays open which part is the day, and for bars that are not daily.
    """
    if times is not None:
        cells = _with_times(cells, times)
    if not is_stamped_at_end and pc.all(pc.match_substring_regex(cells, PLAIN_DATE)).as_py() is not False:
        return Days(cells)
    coded = cells.dictionary_encode()
    known = [None if cell is None else cell.strip().removeprefix("'") for cell in coded.dictionary.to_pylist()]
    split = [_split(cell) for cell in known]
    order: DateOrder | None = None
    parted = {at: match for at, (day, _) in enumerate(split) if day and (match := _PARTS.fullmatch(day))}
    if parted:
        in_rows = [match for at in coded.indices.to_pylist() if at is not None and (match := parted.get(at))]
        parts = [(int(match[1]), int(match[3]), int(match[4])) for match in in_rows]
        dotted = all(match[2] == "." for match in in_rows)
        order = _order(parts, said, True if dotted else header_is_day_first, is_one_series, in_rows[0][0])
    read = [
        _Read(None) if cell is None else _read(cell, *parts, order) for cell, parts in zip(known, split, strict=True)
    ]
    days = _checked(known, read, coded.indices, is_one_series=is_one_series)
    if is_stamped_at_end:
        days = [_day_before(day) for day in days]
    return Days(
        pa.array(days, pa.string()).take(coded.indices),
        are_moments=not is_stamped_at_end and any(one.is_moment for one in read),
    )


def _with_times(cells: pa.Array, times: pa.Array) -> pa.Array:
    """The dates with the times of another column behind them, where that says more than midnight."""
    coded = times.dictionary_encode()
    said = [(time or "").strip() for time in coded.dictionary.to_pylist()]
    if all(_NO_TIME.fullmatch(time) for time in said):
        return cells
    for time in said:
        if time and not _TIME.fullmatch(time):
            raise UnreadableFileError(f"the time {time} is none: leave that column out, or write times as 16:00", time)
    # 930 and 93000 are 09:30
    clocks = [_BARE_TIME.sub(lambda match: ":".join(part for part in match.groups() if part), time) for time in said]
    behind = pa.array([f" {time}" if time else "" for time in clocks], pa.string()).take(coded.indices)
    return pc.binary_join_element_wise(cells, pc.fill_null(behind, ""), "")


def _split(cell: str | None) -> tuple[str | None, re.Match[str] | None]:
    """A cell's date and its time of day."""
    match = (_DAY_AND_CLOCK.fullmatch(cell) or _COMPACT_AND_CLOCK.fullmatch(cell)) if cell else None
    return (match[1].rstrip(",").strip(), match) if match else (cell, None)


def _checked(
    known: Sequence[str | None], read: Sequence[_Read], indices: pa.Array, *, is_one_series: bool
) -> list[str | None]:
    """The days of the different cells; raises `UnreadableFileError` where their times are not those of daily bars."""
    days = [one.day for one in read]
    odd = [at for at, one in enumerate(read) if one.open or (one.time is not None and one.time not in _DAY_TIMES)]
    if is_one_series:
        times: dict[str, set[dt.time]] = defaultdict(set)
        for one in read:
            if one.day and one.time is not None:
                times[one.day].add(one.time)
        if several := [day for day, found in times.items() if len(found) > 1]:
            shown = ", ".join(f"{time:%H:%M}" for time in sorted(times[several[0]])[:3])
            raise UnreadableFileError(
                f"several bars a day ({several[0]} {shown}): daily ones are needed, choose daily when downloading",
                several[0],
            )
    if len(odd) == 1 and len(indices) >= _FEWEST_BARS_FOR_A_SLIP:
        days[odd[0]] = known[odd[0]]
        return days
    for at in odd:
        cell = str(known[at])
        raise UnreadableFileError(
            read[at].open
            or f"bars of {read[at].time:%H:%M} ({cell}), which may be of that time alone: export daily bars, or write "
            "dates without a time",
            cell,
        )
    return days


def _day_before(day: str | None) -> str | None:
    if day is None or not re.match(PLAIN_DATE, day):
        return day
    try:
        return (dt.date.fromisoformat(day) - dt.timedelta(days=1)).isoformat()
    except OverflowError:  # the first day there is
        return day


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


def _read(cell: str, day: str | None, clock: re.Match[str] | None, order: DateOrder | None) -> _Read:
    """One cell, of which `day` and `clock` are the parts."""
    if cell.lower() in MISSING or day is None:
        return _Read(None)
    if match := _EPOCH.fullmatch(cell):
        return _from_epoch(match)
    iso = _iso_day(day, order)
    if iso is None:
        return _Read(cell)
    return _at(cell, iso, clock) if clock else _Read(iso)


def _iso_day(cell: str, order: DateOrder | None) -> str | None:
    """A date without a time as ISO date, None where it is none."""
    for pattern, read in _READERS:
        if match := pattern.fullmatch(cell):
            return read(match)
    if order and (match := _PARTS.fullmatch(cell)):
        day = _day((int(match[1]), int(match[3]), int(match[4])), order)
        return day.isoformat() if day else None
    if _SHORT_YEAR.fullmatch(cell):
        raise UnreadableFileError(f"the year of {cell} has two digits: write dates as 2025-11-21", cell)
    if _DAY_NUMBER.fullmatch(cell):
        raise UnreadableFileError(
            f"{cell} is Excel's number of a day: format the column as a date (yyyy-mm-dd) and save again", cell
        )
    return None


def _at(cell: str, iso: str, clock: re.Match[str]) -> _Read:
    """The exchange's day of a date with a time of day.

    Midnight where the stamp was made is the day itself, and so is a time without a zone; another time is a moment.
    """
    _, hour, minute, second, half, zone = clock.groups()
    try:
        time = dt.time(int(hour) % 12 + 12 * (half[0] in "pP") if half else int(hour), int(minute), int(second or 0))
        if zone is None or (zone[0] in "eEuUaA" and zone.upper() != "UTC"):
            return _Read(iso, time, is_moment=time != dt.time())
        offset = "+00:00" if zone.upper() in ("Z", "UTC", "GMT") else zone
        moment = dt.datetime.fromisoformat(f"{iso}T{time.isoformat()}{offset}")
    except ValueError:
        return _Read(cell)
    if time == dt.time():
        return _Read(iso, is_moment=not moment.utcoffset())
    return _exchange_day(moment, cell)


def _from_epoch(match: re.Match[str]) -> _Read:
    digits = match[0].partition(".")[0]
    unit = 10 ** max(0, (len(digits) - 10 + 2) // 3 * 3)
    return _exchange_day(dt.datetime.fromtimestamp(int(digits) // unit, dt.UTC), match[0])


def _exchange_day(moment: dt.datetime, cell: str) -> _Read:
    """The day that a moment stands for: vendors stamp a daily bar with midnight, the opening or the closing bell."""
    try:
        in_utc, local = moment.astimezone(dt.UTC), moment.astimezone(_NEW_YORK)
    except OverflowError:  # before the first day there is, or after the last
        return _Read(cell)
    if in_utc.time() in (dt.time(), dt.time(23, 59), dt.time(23, 59, 59)):
        return _Read(in_utc.date().isoformat(), is_moment=True)
    if local.time() == dt.time() or local.time() in _BELLS:
        return _Read(local.date().isoformat(), is_moment=True)
    return _Read(
        local.date().isoformat(),
        open=f"{cell} is {local:%H:%M} in New York, neither midnight nor a bell: which day is meant stays open; "
        "export the file with dates, or as daily bars",
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
    (_DATE, lambda match: _iso(match[1], match[2], match[3])),
    (_EASTERN_DATE, lambda match: _iso(match[1] or match[4], match[2] or match[5], match[3] or match[6])),
    (_COMPACT, lambda match: _iso(match[1], match[2], match[3])),
    (_WORDED, lambda match: _from_words(match[3], match[1], match[2])),
    (_DAY_WORDED, lambda match: _from_words(match[3], match[2], match[1])),
)
