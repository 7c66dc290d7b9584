"""Tables of the marts: which unit and which format a column has.

Belongs here: titles, units and formats of columns. Does not belong here: which columns a page shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from bi.dashboard.frame import NOT_KNOWN

_NARROWEST = 92


@dataclass(frozen=True)
class Column:
    """How a column is shown: its title with the unit, what it is divided by, its number format, its width."""

    title: str
    divisor: float = 1
    format: str | None = None
    kind: str = "number"
    help: str | None = None
    width: str | int | None = None


def text(title: str, width: str | None = None, help: str | None = None) -> Column:  # noqa: A002
    """A column of words."""
    return Column(title, kind="text", width=width, help=help)


def day(title: str) -> Column:
    """A column of days."""
    return Column(title, kind="date")


def usd(title: str, help: str | None = None) -> Column:  # noqa: A002
    """US dollars a share."""
    return Column(f"{title}, USD", format="%.2f", help=help)


def usd_m(title: str, help: str | None = None) -> Column:  # noqa: A002
    """Millions of US dollars."""
    return Column(f"{title}, USD m", 1e6, "%.1f", help=help)


def usd_bn(title: str, help: str | None = None) -> Column:  # noqa: A002
    """Billions of US dollars."""
    return Column(f"{title}, USD bn", 1e9, "%.2f", help=help)


def pct(title: str, help: str | None = None) -> Column:  # noqa: A002
    """Percent, with its sign."""
    return Column(f"{title}, %", format="%+.1f", help=help)


def number(title: str, digits: int = 0, help: str | None = None) -> Column:  # noqa: A002
    """A number whose unit stands in the title."""
    return Column(title, format=f"%.{digits}f", help=help)


def link(title: str = "Source") -> Column:
    """An address, shown as a link."""
    return Column(title, kind="link", width="small")


def miner() -> Column:
    """An address of the miner page, shown as the symbol in it."""
    return Column("Miner", kind="miner")


def flag(title: str) -> Column:
    """Yes or no."""
    return Column(title, kind="flag", width="small")


def show(
    frame: pd.DataFrame, columns: dict[str, Column], *, pinned: str | None = None, missing: str = NOT_KNOWN
) -> None:
    """Show these columns of the frame in this order; what is missing reads as `missing`, never as zero."""
    data = pd.DataFrame(
        {
            name: frame[name] if column.divisor == 1 else pd.to_numeric(frame[name]) / column.divisor
            for name, column in columns.items()
        }
    )
    st.dataframe(
        data,
        hide_index=True,
        height="content" if len(data) <= 20 else 735,
        placeholder=missing,
        column_config={name: _configured(column, name == pinned) for name, column in columns.items()},
    )


def _configured(column: Column, is_pinned: bool) -> Any:  # noqa: ANN401  # Streamlit's own is a TypedDict of TypedDicts
    # Streamlit fits a column to its title and figures, and cuts off what stands for a missing one
    width = column.width or (_NARROWEST if column.kind in ("number", "date") and len(column.title) < 11 else None)
    given: dict[str, Any] = {"help": column.help, "width": width, "pinned": is_pinned or None}
    match column.kind:
        case "text":
            return st.column_config.TextColumn(column.title, **given)
        case "date":
            return st.column_config.DateColumn(column.title, format="YYYY-MM-DD", **given)
        case "link":
            return st.column_config.LinkColumn(column.title, display_text="open", **given)
        case "miner":
            return st.column_config.LinkColumn(column.title, display_text=r"symbol=([^&]+)", **given)
        case "flag":
            return st.column_config.CheckboxColumn(column.title, **given)
        case _:
            return st.column_config.NumberColumn(column.title, format=column.format, **given)
