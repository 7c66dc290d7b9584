"""Rewrites the dates and numbers of a fact file that a spreadsheet saved, where they can mean but one thing.

A spreadsheet writes what it shows: 11/24/2025 or 24.11.2025 for a day, 1,234 or 1.234,5 for a number. Which of them a
file means is decided by all of its cells together: a day above 12, a sign that cannot group thousands. What stays
open costs its row, with what to write instead: a wrong day or a number a thousand times too large would go unnoticed.

Belongs here: separators, dates, numbers of such files. Does not belong here: encodings (`sources.text`), price files,
whose columns and vendors tell more (`sources.prices.files`), and whether a value is allowed (`gate`).
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dagster_project.contracts.base import Contract

SEPARATORS = (",", ";", "\t")
_WRITE_DATES = "write dates as 2025-11-24"
_WRITE_NUMBERS = "write numbers as 1234.5"

_ISO_WITH_MIDNIGHT = re.compile(r"^(\d{4}-\d{2}-\d{2})[ T]00:00(?::00)?$")
_LOCAL_DATE = re.compile(r"^(\d{1,2})([/.\-])(\d{1,2})\2(\d{4})(?: 0?0:00(?::00)?)?$")

_SCIENTIFIC = re.compile(r"^[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+$")
_SPACED = re.compile("(?<=\\d)[ \u00a0\u2009\u202f'\u2019](?=\\d{3}(?!\\d))")
_POINT_GROUPED = re.compile(r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$")
_COMMA_GROUPED = re.compile(r"^[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?$")
_POINT_DECIMAL = re.compile(r"^[+-]?\d*\.\d+$")
_COMMA_DECIMAL = re.compile(r"^[+-]?\d*,\d+$")
_PLAIN = re.compile(r"^[+-]?\d+\.?$")


def separator_of(header: str) -> str:
    """What parts the names of a header line: a comma, a semicolon or a tab, whichever it has most of."""
    return max(SEPARATORS, key=header.count)


def rewrite(
    cells: dict[str, list[str | None]], contract: Contract, separator: str
) -> tuple[dict[str, list[str | None]], dict[int, list[str]]]:
    """The columns with dates as YYYY-MM-DD and numbers as plain decimals, and by row position why a row is refused.

    A cell that is no date or number in any writing is handed on as it is, for the gate to report.
    """
    reasons: dict[int, list[str]] = {}
    dates = [column.name for column in contract.columns if column.type == "date"]
    numbers = [column.name for column in contract.columns if column.type in ("double", "bigint")]
    rewritten = dict(cells)
    orders = _day_orders(cell for name in dates for cell in cells[name] if cell)
    is_comma = _has_decimal_comma([_bare(cell, name) for name in numbers for cell in cells[name] if cell], separator)
    for name in [*dates, *numbers]:
        column: list[str | None] = []
        for at, cell in enumerate(cells[name]):
            try:
                if cell and name in dates:
                    column.append(_plain_date(cell, orders))
                else:
                    column.append(_plain_number(cell, name, is_comma) if cell else cell)
            except _OpenError as error:
                column.append(None)
                reasons.setdefault(at, []).append(f"{name}: {cell!r} {error}")
        rewritten[name] = column
    return rewritten, reasons


class _OpenError(ValueError):
    """A cell may mean two things."""


def _day_orders(cells: Iterable[str]) -> dict[str, bool | None]:
    """By the sign between the parts whether the day comes first: None where nothing says so, or cells disagree."""
    first: dict[str, set[bool]] = {}
    for cell in cells:
        if found := _LOCAL_DATE.match(cell):
            said = first.setdefault(found[2], set())
            if int(found[1]) > 12:
                said.add(True)
            if int(found[3]) > 12:
                said.add(False)
    return {sign: next(iter(said)) if len(said) == 1 else None for sign, said in first.items()}


def _plain_date(cell: str, day_first: Mapping[str, bool | None]) -> str:
    if found := _ISO_WITH_MIDNIGHT.match(cell):
        return found[1]
    found = _LOCAL_DATE.match(cell)
    if not found:
        return cell
    order = day_first[found[2]]
    if order is None:
        raise _OpenError(f"does not say which is the month, and nor do the dates of the other rows: {_WRITE_DATES}")
    day, month = (found[1], found[3]) if order else (found[3], found[1])
    try:
        return dt.date(int(found[4]), int(month), int(day)).isoformat()
    except ValueError:
        return cell


def _bare(cell: str, name: str) -> str:
    """The cell without a dollar sign, spaces that group thousands and, in a column of percent, the sign for it."""
    text = re.sub(r"^([+-]?)(?:US)?\$\s*", r"\1", cell.strip())
    if name.endswith("_pct"):
        text = text.removesuffix("%").rstrip(" \u00a0\u202f")
    return _SPACED.sub("", text)


def _has_decimal_comma(cells: Sequence[str], separator: str) -> bool | None:
    """Whether a comma parts whole numbers from fractions in this file; None where it stays open, or cells disagree."""
    comma = any(map(_only_comma, cells))
    point = any(map(_only_point, cells))
    if comma and point:
        return None
    if comma or point:
        return comma
    # a spreadsheet parts cells by commas only where it does not need them for fractions
    return False if separator == "," else None


def _only_comma(cell: str) -> bool:
    grouped, decimal = _POINT_GROUPED.match(cell), _COMMA_DECIMAL.match(cell)
    return bool((decimal and not grouped) or (_COMMA_GROUPED.match(cell) and (cell.count(".") > 1 or "," in cell)))


def _only_point(cell: str) -> bool:
    grouped, decimal = _COMMA_GROUPED.match(cell), _POINT_DECIMAL.match(cell)
    return bool((decimal and not grouped) or (_POINT_GROUPED.match(cell) and (cell.count(",") > 1 or "." in cell)))


def _plain_number(cell: str, name: str, is_comma: bool | None) -> str:
    bare = _bare(cell, name)
    if _SCIENTIFIC.match(bare):
        raise _OpenError("is what a spreadsheet shows of a long number, rounded: write all of its digits")
    if _PLAIN.match(bare):
        return bare
    as_point = _POINT_GROUPED.match(bare) or _POINT_DECIMAL.match(bare)
    as_comma = _COMMA_GROUPED.match(bare) or _COMMA_DECIMAL.match(bare)
    if not as_point and not as_comma:
        return cell
    if is_comma is None:
        raise _OpenError(f"does not say which sign begins the fraction, and nor do the other rows: {_WRITE_NUMBERS}")
    if is_comma:
        return bare.replace(".", "").replace(",", ".") if as_comma else cell
    return bare.replace(",", "") if as_point else cell
