"""Tables of the marts as HTML: which unit, format and words a column has.

Belongs here: titles, units, formats, and what is said where a figure is missing. Does not belong here: which columns a
page shows, and the words of codes (`bi.wording`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st
from markupsafe import Markup, escape

from bi.dashboard.frame import NOT_KNOWN
from bi.wording import in_words

Row = dict[Hashable, Any]
TIERS = {1: "primary", 2: "established", 3: "secondary"}
"""How near a page is to the origin: a filing or release of the company, established press, others."""
_WIDE = 18
"""Columns from which on a table is wider than any page: its cells take the room that they need."""
_LONG = 40
"""Letters from which on a text has a column of at least that room, instead of a tower of single words."""
_TALL = 40
"""Rows from which on a table scrolls in its own frame instead of with the page."""
_NUMERIC = {"number", "rank"}
_PAGES = 3
"""Links in a cell of several."""


@dataclass(frozen=True)
class Column:
    """How a column is shown: its title with the unit, what it is divided by, its format, what a missing one reads as.

    `missing` is the word for a figure that is not there, or says it from the row. `complete` names the column that says
    whether the figure is the whole of what it names: where it is not, it is called partial.
    """

    title: str
    divisor: float = 1
    format: str = "{}"
    kind: str = "text"
    missing: str | Callable[[Row], str] = NOT_KNOWN
    beside: str | None = None
    complete: str | None = None


def text(title: str, missing: str | Callable[[Row], str] = NOT_KNOWN) -> Column:
    """A column of words."""
    return Column(title, missing=missing)


def code(title: str, missing: str | Callable[[Row], str] = NOT_KNOWN) -> Column:
    """A column of codes such as `joint_venture`, shown as words."""
    return Column(title, kind="code", missing=missing)


def day(title: str, missing: str | Callable[[Row], str] = NOT_KNOWN) -> Column:
    """A column of days."""
    return Column(title, kind="date", missing=missing)


def moment(title: str) -> Column:
    """A column of times, UTC."""
    return Column(title, kind="moment")


def usd(title: str, missing: str | Callable[[Row], str] = NOT_KNOWN) -> Column:
    """US dollars a share."""
    return Column(f"{title}, USD", format="{:,.2f}", kind="number", missing=missing)


def usd_m(title: str, digits: int = 1, missing: str | Callable[[Row], str] = NOT_KNOWN) -> Column:
    """Millions of US dollars."""
    return Column(f"{title}, USD\N{NO-BREAK SPACE}m", 1e6, f"{{:,.{digits}f}}", "number", missing)


def usd_bn(title: str, missing: str | Callable[[Row], str] = NOT_KNOWN, complete: str | None = None) -> Column:
    """Billions of US dollars."""
    return Column(f"{title}, USD\N{NO-BREAK SPACE}bn", 1e9, "{:,.2f}", "number", missing, complete=complete)


def pct(title: str, missing: str | Callable[[Row], str] = NOT_KNOWN) -> Column:
    """A change in percent, with its sign."""
    return Column(f"{title}, %", format="{:+,.1f}", kind="number", missing=missing)


def number(
    title: str, digits: int = 0, missing: str | Callable[[Row], str] = NOT_KNOWN, complete: str | None = None
) -> Column:
    """A number whose unit stands in the title."""
    return Column(title, format=f"{{:,.{digits}f}}", kind="number", missing=missing, complete=complete)


def source(title: str = "Source", tier: str | None = "source_tier", missing: str = NOT_KNOWN) -> Column:
    """The page behind the row, shown by its site, with its tier from the column `tier`."""
    return Column(title, kind="source", beside=tier, missing=missing)


def sources(title: str = "Sources") -> Column:
    """Pages separated by blanks, each shown by its site, the first three of them."""
    return Column(title, kind="sources", missing="none seen")


def miner(title: str = "Miner", address: str | None = None) -> Column:
    """A symbol; a link to the page whose address stands in the column `address`."""
    return Column(title, kind="miner", beside=address)


def flag(title: str) -> Column:
    """Yes or no."""
    return Column(title, kind="flag")


def is_missing(value: object) -> bool:
    """Whether there is nothing: None, NaN and NaT."""
    return value is None or bool(pd.isna(value))  # type: ignore[call-overload]


def primary_sources(frame: pd.DataFrame) -> str:
    """How many of the rows rest on a primary page: `3 of 12 sources are primary`."""
    primary = int((frame["source_tier"] == 1).sum())
    return f"{primary} of {len(frame)} {'source is' if len(frame) == 1 else 'sources are'} primary"


def show(frame: pd.DataFrame, columns: dict[str, Column], *, caption: str) -> None:
    """Show these columns of the frame in this order; what is missing reads as its column says, never as zero.

    `caption` names the table to those who do not see it. Addresses become links only where they are web addresses.
    """
    st.html(html(frame, columns, caption=caption))


def html(frame: pd.DataFrame, columns: dict[str, Column], *, caption: str) -> str:
    """The table as HTML; numbers carry their unrounded value in `data-value`."""
    held = _held(columns)
    head = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(
            _classes("n" if column.kind in _NUMERIC else "", "held" if name == held else ""), column.title
        )
        for name, column in columns.items()
    )
    body = Markup("").join(
        Markup("<tr>")
        + Markup("").join(_cell(name, column, row, is_held=name == held) for name, column in columns.items())
        + Markup("</tr>")
        for row in frame.to_dict("records")
    )
    return Markup(
        '<div class="table{}{}" tabindex="0" role="region" aria-label="{}"><table><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>"
    ).format(" wide" if len(columns) > _WIDE else "", " tall" if len(frame) > _TALL else "", caption, head, body)


def _held(columns: dict[str, Column]) -> str:
    """The column that stays in sight when a table scrolls sideways: the miner, else the first one."""
    return next((name for name, column in columns.items() if column.kind == "miner"), next(iter(columns)))


@cache
def _classes(*names: str) -> Markup:
    given = " ".join(name for name in names if name)
    return Markup(' class="{}"').format(given) if given else Markup("")


def _cell(name: str, column: Column, row: Row, *, is_held: bool) -> Markup:
    value = row[name]
    if is_missing(value):
        missing = column.missing(row) if callable(column.missing) else column.missing
        inner, value = Markup('<span class="none">{}</span>').format(missing), None
    else:
        inner = _said(column, value, row)
    is_number = column.kind == "number"
    is_long = column.kind == "text" and len(str(value)) > _LONG
    attributes = _classes("n" if is_number else "", "long" if is_long else "", "held" if is_held else "")
    if is_number and value is not None:
        attributes += Markup(f' data-value="{float(value)!r}"')  # noqa: S704 - a number
    # joined by hand, for a page has thousands of cells: the name is a column of ours, the rest is escaped
    return Markup(f'<td data-column="{name}"{attributes}>{inner}</td>')  # noqa: S704


def _said(column: Column, value: Any, row: Row) -> Markup:  # noqa: ANN401 - a cell holds whatever its column does
    match column.kind:
        case "number":
            figure = escape(column.format.format(float(value) / column.divisor).replace("-", "−"))
            is_whole = column.complete is None or bool(row[column.complete])
            return figure if is_whole else figure + Markup(" <small>partial</small>")
        case "date":
            return escape(f"{value:%Y-%m-%d}" if isinstance(value, date) else str(value)[:10])
        case "moment":
            return escape(f"{value:%Y-%m-%d %H:%M}")
        case "code":
            return escape(in_words(value))
        case "flag":
            return escape("yes" if value else "no")
        case "miner":
            return link(row[column.beside], str(value)) if column.beside else escape(str(value))
        case "sources":
            pages = str(value).split()
            more = Markup(" and {} more").format(len(pages) - _PAGES) if len(pages) > _PAGES else Markup("")
            return Markup(", ").join(page(address) for address in pages[:_PAGES]) + more
        case "source":
            tier: Any = row.get(column.beside) if column.beside else None
            said = Markup("") if is_missing(tier) else Markup(" <small>{}</small>").format(TIERS.get(int(tier), ""))
            return page(str(value)) + said
        case _:
            return _breakable(str(value))


def _breakable(name: str) -> Markup:
    """A text that may break after the marks within a long name: `unique_fct_deals_deal_id`, `press.example.com`."""
    return Markup(re.sub(r"(_|\.(?=[a-z]))", r"\1<wbr>", str(escape(name))))  # noqa: S704 - what was not ours is escaped


def page(address: str) -> Markup:
    """A link that is called by its site; what is no web address stays a text."""
    if not address.startswith(("https://", "http://")):
        return escape(address)
    return link(address, (urlsplit(address).hostname or "").removeprefix("www."))


def link(address: str, said: str) -> Markup:
    """A link in the same tab."""
    return Markup('<a href="{}">{}</a>').format(address, _breakable(said))
