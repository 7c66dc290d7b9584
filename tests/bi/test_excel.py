"""The workbook holds what the marts say, typed, with links to sources and no formula made of a text."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import openpyxl

from bi.excel.workbook import SHEETS, write_workbook

if TYPE_CHECKING:
    from conftest import Pipeline


def test_the_workbook_holds_the_marts_with_types_and_sources(sample: Pipeline, tmp_path: Path) -> None:
    path = write_workbook(sample.settings.published_database, tmp_path / "book.xlsx")
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["About", *SHEETS]
    assert "SIMULATED" in str(book["About"]["B2"].value)
    deals = book["Deals"]
    names = [cell.value for cell in deals[1]]
    with duckdb.connect(str(sample.settings.published_database), read_only=True) as connection:
        rows = connection.execute(
            "select deal_id, contract_value_usd, source_url from marts.deals_asof('2025-11-24')"
            " order by announced_date desc, deal_id"
        ).fetchall()
    shown = [
        (
            deals.cell(row, names.index("deal_id") + 1).value,
            deals.cell(row, names.index("contract_value_usd") + 1).value,
        )
        for row in range(2, deals.max_row + 1)
    ]
    assert shown == [row[:2] for row in rows]
    (width,) = {column.width for letter, column in deals.column_dimensions.items() if letter == "C"}
    assert width >= max(len(deals.cell(row, 3).value) for row in range(2, deals.max_row + 1)), "no site is cut"
    assert isinstance(deals.cell(2, names.index("announced_date") + 1).value, datetime)
    source = deals.cell(2, names.index("source_url") + 1)
    assert source.hyperlink is not None
    assert source.hyperlink.target == rows[0][2]
    assert source.value in rows[0][2] and "/" not in source.value, "the cell names the site"
    assert names.index("source_url") < 5
    kinds = {deals.cell(row, names.index("deal_type") + 1).value for row in range(2, deals.max_row + 1)}
    assert "joint venture" in kinds
    for sheet in book:
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert not list(tmp_path.glob(".*"))
