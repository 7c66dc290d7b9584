"""Writes the workbook: one sheet per question, a sheet that says what the columns mean.

Belongs here: which questions become sheets, and the format of a column by its name. Does not belong here: SQL that
computes, and the words of codes (`bi.wording`).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import xlsxwriter

from bi.published import connect
from bi.wording import in_words, is_code

SHEETS = {
    "Snapshot": ("miner_snapshot_asof", "select * from miner_snapshot_asof($as_of) order by symbol"),
    "Deals": ("deals_asof", "select * from deals_asof($as_of) order by announced_date desc, deal_id"),
    "Sites": ("sites_asof", "select * from sites_asof($as_of) order by symbol, site, recency"),
    "Ratings": ("ratings_asof", "select * from ratings_asof($as_of) order by rating_date desc, symbol, recency"),
    "Values per MW": (
        "publications_asof",
        "select * from publications_asof($as_of) order by symbol, as_of_date desc, source_firm, business, usd_per_mw",
    ),
}
_FORMATS = {
    "_share_pct": "#,##0.0",
    "_pct": "+#,##0.0;-#,##0.0;0.0",
    "_pct_of_power": "#,##0.0",
    "_mw": "#,##0.0",
    "_years": "0.0",
}
_WIDE_TEXT = 60
"""Letters from which on a text wraps; no column is wider."""
_URL = 2000
"""Letters from which on an address is no link: Excel refuses it."""
_MONEY = ("_usd", "close", "_target", "price_target_prior", "price_target_new", "_support", "_resistance", "high_52w")


def write_workbook(database: Path, path: Path, as_of: date | None = None) -> Path:
    """Write the workbook of what was known on a day, by default the last session; a workbook of that name is replaced.

    Raises `bi.published.NotPublishedError` where nothing has been published.
    """
    with connect(database) as connection:
        if as_of is None:
            as_of = connection.execute("select max(as_of_session_date) from miner_snapshot").fetchall()[0][0]
        tables = {
            name: connection.sql(sql, params={"as_of": as_of}).to_arrow_table() for name, (_, sql) in SHEETS.items()
        }
        simulated = connection.execute("select coalesce(bool_or(is_simulated), false) from dim_miners").fetchall()[0][0]
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    # texts of the facts stay texts: none becomes a formula, and a link only where the column holds addresses
    options = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
    with xlsxwriter.Workbook(str(beside), options) as book:
        about = book.add_worksheet("About")
        _about(book, about, as_of, is_simulated=simulated)
        for name, table in tables.items():
            _sheet(book, book.add_worksheet(name), table)
    beside.replace(path)
    return path


def _about(book: xlsxwriter.Workbook, sheet: Any, as_of: date | None, *, is_simulated: bool) -> None:  # noqa: ANN401
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 100)
    bold = book.add_format({"bold": True})
    red = book.add_format({"bold": True, "font_color": "#b3261e"})
    lines = [
        ("Minehouse", f"What was known at the close of {as_of}"),
        ("Prices", "SIMULATED: price_source is sample" if is_simulated else "see the column price_source"),
        ("Empty cells", "not known; never zero"),
        ("Units", "stand in the column names: _usd, _mw, _pct. Critical IT MW and gross MW are never added."),
        ("Sources", "the columns source_url; source_tier 1 is a filing or release, 2 established press, 3 others"),
        *((name, f"marts.{macro}('{as_of}')") for name, (macro, _) in SHEETS.items()),
    ]
    for row, (what, said) in enumerate(lines):
        sheet.write_string(row, 0, what, bold)
        sheet.write_string(row, 1, said, red if is_simulated and what == "Prices" else None)


def _sheet(book: xlsxwriter.Workbook, sheet: Any, table: pa.Table) -> None:  # noqa: ANN401 - XlsxWriter has no types
    # sources first: a reader sees them without scrolling
    names = sorted(table.column_names, key=lambda name: (not _is_first(name), table.column_names.index(name)))
    link = book.get_default_url_format()
    formats = {name: _format(book, name, table.schema.field(name).type) for name in names}
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    for place, name in enumerate(names):
        longest = len(name) + 4  # the button of the filter stands beside the name
        for row, value in enumerate(table[name].to_pylist(), start=1):
            if value is None:
                continue
            if name.endswith("source_url") and str(value).startswith(("https://", "http://")) and len(value) < _URL:
                site = (urlsplit(value).hostname or value).removeprefix("www.")
                sheet.write_url(row, place, value, link, string=site, tip=value[:255])
                longest = max(longest, len(site))
            elif isinstance(value, bool | int | float | date):
                sheet.write(row, place, value, formats[name])
            else:
                text = "; ".join(map(_said, value)) if isinstance(value, list) else _said(value)
                sheet.write_string(row, place, text, wrapped if len(text) > _WIDE_TEXT else None)
                longest = max(longest, len(text))
        sheet.set_column(place, place, min(max(longest, 12), _WIDE_TEXT))
    if names:
        last = max(table.num_rows, 1)
        columns = [{"header": name} for name in names]
        sheet.add_table(0, 0, last, len(names) - 1, {"columns": columns, "style": "Table Style Light 1"})
        sheet.freeze_panes(1, 1)
        sheet.set_landscape()
        sheet.repeat_rows(0)


def _said(value: object) -> str:
    return in_words(value) if is_code(str(value)) else str(value)


def _is_first(name: str) -> bool:
    return name in {
        "symbol",
        "company_name",
        "announced_date",
        "rating_date",
        "known_date",
        "source_url",
        "source_tier",
    }


def _format(book: xlsxwriter.Workbook, name: str, kind: pa.DataType) -> Any:  # noqa: ANN401
    if pa.types.is_date(kind):
        return book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
    if pa.types.is_timestamp(kind):
        return book.add_format({"num_format": "yyyy-mm-dd hh:mm", "align": "left"})
    if pa.types.is_boolean(kind):  # Excel shows true and false whatever the format, other programs a number
        return book.add_format({"num_format": '"yes";"yes";"no"'})
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return None
    shape = next((shape for end, shape in _FORMATS.items() if name.endswith(end)), None)
    if name.startswith("pct_"):
        shape = _FORMATS["_pct"]
    if shape is None:
        shape = "#,##0.00" if name.endswith(_MONEY) else "#,##0" if pa.types.is_integer(kind) else "#,##0.00"
    return book.add_format({"num_format": shape})
