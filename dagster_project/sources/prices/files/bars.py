"""Looks at the bars of a file together: what no single cell can tell.

Belongs here: weekly bars, a day that is not over, prices that miss each other by the noise of a float, splits that a
vendor has not worked in. Does not belong here: judging a value by what other sources say (the data tests).
"""

from __future__ import annotations

import datetime as dt
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dagster_project.sources.prices.files.dates import PLAIN_DATE
from dagster_project.sources.prices.files.errors import UnreadableFileError
from dagster_project.sources.prices.files.numbers import PLAIN_NUMBER
from dagster_project.sources.prices.files.sheets import joined

NOISE = 1e-6
"""Highs and lows that miss the open or close by less than this share of the price are taken for noise of a float."""

_SHORTEST_WEEK = 5
"""Bars that lie at least so many days apart by the median are weekly or longer: a daily series has no such gaps."""
_FEWEST_WHOLE = 2
"""Of fewer rows nothing is said about prices that are whole numbers."""
_FEWEST_BARS, _MANY_BARS = 3, 8
"""Of fewer bars than the first nothing is said; of fewer than the second all must lie so far apart."""


def refuse_longer_bars(symbol: str, dates: pa.Array) -> None:
    """Raise `UnreadableFileError` where the dates of one symbol are those of weekly or monthly bars."""
    days = _days(dates)
    if len(days) < _FEWEST_BARS:
        return
    steps = np.diff(days).astype("timedelta64[D]").astype(int).tolist()
    step = float(median(steps) if len(days) >= _MANY_BARS else min(steps))
    if step >= _SHORTEST_WEEK:
        kind = "weekly" if step < 20 else "monthly" if step < 80 else "quarterly or longer"
        raise UnreadableFileError(
            f"{kind} bars ({symbol}: {step:g} days apart), daily ones are needed: choose daily when downloading",
            f"{days[0]}, {days[1]}, {days[2]}",
        )


def refuse_moved_days(symbol: str, dates: pa.Array, fewest: int = 2) -> None:
    """Raise `UnreadableFileError` where a stock's days lie one day late or early.

    Exports that take a moment for the day of another time zone trade from Tuesday to Saturday, or from Sunday to
    Thursday. `fewest` is how many such days it takes: a single bar on a Saturday may also be a vendor's ghost.
    """
    weekdays = np.bincount((_days(dates).astype("datetime64[D]").astype(int) + 3) % 7, minlength=7)
    monday, friday, saturday, sunday = (int(weekdays[at]) for at in (0, 4, 5, 6))
    for weekend, missing, name, other, late in (
        (saturday, monday, "Saturdays", "Mondays", "late"),
        (sunday, friday, "Sundays", "Fridays", "early"),
    ):
        if weekend >= fewest and not missing:
            raise UnreadableFileError(
                f"bars of {symbol} on {name} and none on {other}: every day lies one day {late}, as when times are "
                "read in another time zone; export the file with the exchange's dates",
                symbol,
            )


def refuse_cents(symbol: str, table: pa.Table) -> None:
    """Raise `UnreadableFileError` where every price is a large whole number: of cents, or of another currency."""
    if table.num_rows < _FEWEST_WHOLE:
        return
    for name in ("open", "high", "low", "close"):
        cells = table[name]
        if not pc.all(pc.fill_null(pc.match_substring_regex(cells, r"^\d{4,}$"), False)).as_py():
            return
    raise UnreadableFileError(
        f"every price of {symbol} is a whole number above 1000: not in US dollars, or in cents or parts of them; write "
        "dollars with their decimals (10.50)",
        str(table["close"][0]),
    )


def _days(dates: pa.Array) -> np.ndarray:
    """The different days among cells of text, in order."""
    try:
        known = dates.cast(pa.date32())
    except pa.ArrowInvalid:
        known = dates.filter(pc.fill_null(pc.match_substring_regex(dates, PLAIN_DATE), False)).cast(pa.date32())
    days = known.drop_null().to_numpy(zero_copy_only=False)
    # mostly they are in order and each comes once, which is seen sooner than sorted
    return days if (days[1:] > days[:-1]).all() else np.unique(days)


def without_noise(table: pa.Table) -> pa.Table:
    """The bars, a high or low that misses open or close by noise alone set to them, and `is_repaired` where it was."""
    prices = {name: _floats(table[name]) for name in ("open", "high", "low", "close")}
    body = [prices[name] for name in ("open", "close")]
    with np.errstate(invalid="ignore"):
        top, bottom = np.fmax(*body), np.fmin(*body)
        high_misses = (prices["high"] < top) & (top - prices["high"] <= NOISE * top)
        low_misses = (prices["low"] > bottom) & (prices["low"] - bottom <= NOISE * bottom)
    is_repaired = high_misses | low_misses
    if is_repaired.any():
        for name, misses, edge in (("high", high_misses, top), ("low", low_misses, bottom)):
            fresh = pa.array([np.format_float_positional(value, trim="-") for value in edge[misses]], pa.string())
            column = pc.replace_with_mask(joined(table[name]), pa.array(misses), fresh)
            table = table.set_column(table.schema.get_field_index(name), name, column)
    flags = pc.if_else(pa.array(is_repaired), "true", "false")
    return table.set_column(table.schema.get_field_index("is_repaired"), "is_repaired", flags)


def for_splits(table: pa.Table) -> pa.Table:
    """As-traded bars of one symbol in the shares of the last day, by the splits that the file itself gives."""
    ratios = _floats(table["split_ratio"])
    is_split = np.nan_to_num(ratios, nan=1.0) != 1.0
    if not is_split.any():
        return table
    dates = table["trade_date"].to_pylist()
    order = sorted(range(len(dates)), key=lambda at: dates[at] or "")
    factor, factors = 1.0, np.ones(len(dates))
    for at in reversed(order):
        factors[at] = factor
        if is_split[at] and ratios[at] > 0:
            factor *= ratios[at]
    for name in ("open", "high", "low", "close", "dividend_usd"):
        table = _scaled(table, name, 1 / factors, is_whole=False)
    return _scaled(table, "volume", factors, is_whole=True)


def _scaled(table: pa.Table, name: str, factors: np.ndarray, *, is_whole: bool) -> pa.Table:
    cells = table[name].to_pylist()
    values = _floats(table[name]) * factors
    fresh = [
        cell
        if np.isnan(value) or factor == 1
        else str(round(value))
        if is_whole
        else np.format_float_positional(value, trim="-")
        for cell, value, factor in zip(cells, values, factors, strict=True)
    ]
    return table.set_column(table.schema.get_field_index(name), name, pa.array(fresh, pa.string()))


def unfinished(table: pa.Table, last_day: dt.date, today: dt.date) -> pa.Array:
    """Which rows are of a day that is not over: after the last whole one, and not in the future."""
    dates = joined(table["trade_date"])
    is_date = pc.match_substring_regex(dates, PLAIN_DATE)
    after = pc.greater(dates, last_day.isoformat())
    return pc.fill_null(pc.and_(is_date, pc.and_(after, pc.less_equal(dates, today.isoformat()))), False)


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    """The numbers of a column of text, NaN where there is none."""
    cells = joined(column)
    try:
        numbers = cells.cast(pa.float64())
    except pa.ArrowInvalid:
        is_number = pc.match_substring_regex(cells, PLAIN_NUMBER)
        numbers = pc.if_else(is_number, cells, pa.scalar(None, pa.string())).cast(pa.float64())
    values: np.ndarray = numbers.to_numpy(zero_copy_only=False)
    return values
