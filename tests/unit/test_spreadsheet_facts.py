"""Fact files as spreadsheets save them: read right where they can mean but one thing, else refused row by row."""

import codecs
import csv
import io
from pathlib import Path

import pytest

from dagster_project.contracts.base import Column, Contract
from dagster_project.contracts.curated import CURATED_CONTRACTS
from dagster_project.sources.base import EmptyFetchError
from dagster_project.sources.curated import CuratedFacts

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
THINGS = Contract(
    table="curated__things",
    description="One row per thing.",
    columns=(
        Column("name", "varchar", "Name."),
        Column("found_date", "date", "Day."),
        Column("value_usd", "double", "Value."),
        Column("owner_share_pct", "double", "Share."),
    ),
    key=("name",),
)


def fetch(folder: Path, lines: list[list[str]], separator: str = ",", encoding: str = "utf-8-sig") -> list[object]:
    """By row the day, value and share as they were read, or the reason why the row was refused."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows([["name", "found_date", "value_usd", "owner_share_pct"], *lines])
    (folder / "things.csv").write_bytes(text.getvalue().encode(encoding))
    batch = CuratedFacts(folder).fetch(THINGS)
    said: dict[int | None, object] = {
        row["source_row"]: (row["found_date"], row["value_usd"], row["owner_share_pct"])
        for row in batch.rows.to_pylist()
    }
    said |= {reject.source_row: reject.reason for reject in batch.rejects}
    return [said[row] for row in sorted(said, key=lambda row: row or 0)]


@pytest.mark.parametrize(
    ("separator", "encoding", "dates", "numbers"),
    [
        (",", "utf-8-sig", "%m/%d/%Y", "{:,}"),
        (";", "utf-8-sig", "%d.%m.%Y", "de"),
        (";", "utf-8", "%d/%m/%Y", "de"),
        ("\t", "utf-16", "%m/%d/%Y", "{:,}"),
    ],
)
@pytest.mark.parametrize("contract", CURATED_CONTRACTS, ids=lambda contract: contract.table)
def test_every_file_of_the_reference_survives_a_spreadsheet(
    tmp_path: Path, contract: Contract, separator: str, encoding: str, dates: str, numbers: str
) -> None:
    original = CuratedFacts(REFERENCE).fetch(contract)
    type_of = {column.name: column.type for column in contract.columns}

    def shown(name: str, cell: str | None) -> str:
        if cell is None:
            return ""
        if type_of[name] == "date":
            year, month, day = cell.split("-")
            return dates.replace("%Y", year).replace("%m", month).replace("%d", day)
        if type_of[name] in ("double", "bigint"):
            whole, _, fraction = cell.partition(".")
            said = f"{int(whole):,}" + (f".{fraction}" if fraction else "")
            return said.translate(str.maketrans(",.", ".,")) if numbers == "de" else said
        return cell

    names = list(contract.column_names)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator)
    writer.writerow([*names, "", ""])
    for row in original.rows.to_pylist():
        writer.writerow([*(shown(name, row[name]) for name in names), "", ""])
    writer.writerow([""] * (len(names) + 2))
    path = tmp_path / CuratedFacts(REFERENCE).path(contract).name
    path.write_bytes(text.getvalue().encode(encoding))
    saved = CuratedFacts(tmp_path).fetch(contract)
    refused = {reject.source_row for reject in saved.rejects}
    for reject in saved.rejects:  # never a value that means something else
        assert "write" in reject.reason
    read = {tuple(row[name] for name in contract.key): row for row in saved.rows.to_pylist()}
    assert len(read) + len(refused) == original.rows.num_rows
    for row in original.rows.to_pylist():
        other = read.get(tuple(row[name] for name in contract.key))
        if other:
            for name in names:
                is_number = type_of[name] in ("double", "bigint") and row[name] is not None
                assert (float(other[name]) if is_number else other[name]) == (
                    float(row[name]) if is_number else row[name]
                ), name


def test_one_day_above_12_says_what_the_others_mean(tmp_path: Path) -> None:
    american = fetch(
        tmp_path, [["a", "11/24/2025", "", ""], ["b", "11/12/2025", "", ""], ["c", "1/2/2026 0:00", "", ""]]
    )
    assert [row[0] for row in american] == ["2025-11-24", "2025-11-12", "2026-01-02"]  # type: ignore[index]
    german = fetch(tmp_path, [["a", "24.11.2025", "", ""], ["b", "11.12.2025", "", ""]], ";")
    assert [row[0] for row in german] == ["2025-11-24", "2025-12-11"]  # type: ignore[index]


def test_days_that_may_be_either_cost_their_rows_alone(tmp_path: Path) -> None:
    said = fetch(tmp_path, [["a", "2025-11-24", "", ""], ["b", "11/12/2025", "", ""], ["c", "11.12.2025", "", ""]])
    assert said[0] == ("2025-11-24", None, None)
    for row in said[1:]:
        assert "does not say which is the month" in str(row)
        assert "write dates as 2025-11-24" in str(row)


def test_two_orders_in_one_file_contradict_each_other(tmp_path: Path) -> None:
    lines = [["a", "11/24/2025", "", ""], ["b", "24/11/2025", "", ""], ["c", "11/12/2025", "", ""]]
    said = fetch(tmp_path, [["good", "2025-11-24", "", ""], *lines])
    assert said[0] == ("2025-11-24", None, None)
    assert all("does not say which is the month" in str(row) for row in said[1:])
    with pytest.raises(EmptyFetchError, match="no readable rows; row 2: found_date: '11/24/2025' does not say"):
        fetch(tmp_path, lines)


@pytest.mark.parametrize(
    ("separator", "cells", "values"),
    [
        (",", ["1,234", "$1,234.50", "$ 7", "12"], ["1234", "1234.50", "7", "12"]),
        (",", ["1,234"], ["1234"]),
        (";", ["1.234,5", "1.234", "12,25"], ["1234.5", "1234", "12.25"]),
        (";", ["1234.5", "1.234", "1,234"], ["1234.5", "1.234", "1234"]),
        ("\t", ["1 234,5", "1\u00a0234", "1\u202f234\u202f567"], ["1234.5", "1234", "1234567"]),
        (";", ["1.234.567", "9.700.000.000"], ["1234567", "9700000000"]),
        (";", ["200", "12"], ["200", "12"]),
    ],
)
def test_numbers_are_read_as_the_file_writes_them(
    tmp_path: Path, separator: str, cells: list[str], values: list[str]
) -> None:
    said = fetch(tmp_path, [[f"row {at}", "", cell, ""] for at, cell in enumerate(cells)], separator)
    assert [row[1] for row in said] == values  # type: ignore[index]


@pytest.mark.parametrize(
    ("separator", "cells", "about"),
    [
        (";", ["1.234"], "which sign begins the fraction"),
        ("\t", ["1,234"], "which sign begins the fraction"),
        (",", ["1,5", "1.5"], "which sign begins the fraction"),
        (",", ["1.9E+10"], "write all of its digits"),
    ],
)
def test_numbers_that_may_be_either_cost_their_rows(
    tmp_path: Path, separator: str, cells: list[str], about: str
) -> None:
    good = ["good", "", "7", ""]
    said = fetch(tmp_path, [good, *([f"row {at}", "", cell, ""] for at, cell in enumerate(cells))], separator)
    assert said[0] == (None, "7", None)
    assert all(about in str(row) for row in said[1:])


def test_percent_is_read_where_the_column_is_in_percent_and_foreign_money_never(tmp_path: Path) -> None:
    said = fetch(tmp_path, [["a", "", "5%", "50.1%"], ["b", "", "€1,234", "51 %"]])
    # what is left as it was is no number: the gate refuses it by name
    assert said == [(None, "5%", "50.1"), (None, "€1,234", "51")]


def test_everything_at_once(tmp_path: Path) -> None:
    lines = [
        "sep=;",
        "name;found_date;value_usd;owner_share_pct;;",
        "Müller;24.11.2025;$1.234,5;50,1 %;;",
        "b;11.12.2025;9.700.000.000;;;",
        ";;;;;",
        ";;;;;",
    ]
    (tmp_path / "things.csv").write_bytes(codecs.BOM_UTF16_LE + "\r\n".join(lines).encode("utf-16-le"))
    batch = CuratedFacts(tmp_path).fetch(THINGS)
    assert batch.rejects == ()
    assert [tuple(row.values()) for row in batch.rows.to_pylist()] == [
        ("Müller", "2025-11-24", "1234.5", "50.1", "things.csv", 3),
        ("b", "2025-12-11", "9700000000", None, "things.csv", 4),
    ]
