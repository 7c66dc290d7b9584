"""The curated files: how they are read, and that every line of `reference/` keeps its contract."""

import csv
import datetime as dt
import re
from pathlib import Path

import pytest

from dagster_project.contracts.base import Column, Contract
from dagster_project.contracts.curated import (
    CURATED_CONTRACTS,
    FIRM_ALIASES,
    HPC_DEALS,
    HPC_DEALS_AS_ANNOUNCED,
    SITES_CAPACITY,
)
from dagster_project.contracts.market import DAILY_PRICES
from dagster_project.gate.gate import judge
from dagster_project.sources.base import EmptyFetchError, SourceError
from dagster_project.sources.curated import CuratedFacts

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
TODAY = dt.date(2026, 11, 26)
THINGS = Contract(
    table="curated__things",
    description="One row per thing.",
    columns=(
        Column("name", "varchar", "Name."),
        Column("size", "double", "Size."),
        Column("notes", "varchar", "Words."),
    ),
    key=("name",),
)


def fetch(folder: Path, text: str | bytes) -> tuple[list[dict[str, object]], list[tuple[int | None, str]]]:
    """Rows and rejects of a file with that content."""
    content = text if isinstance(text, bytes) else text.encode()
    (folder / "things.csv").write_bytes(content)
    batch = CuratedFacts(folder).fetch(THINGS)
    return batch.rows.to_pylist(), [(reject.source_row, reject.reason) for reject in batch.rejects]


def test_cells_are_text_and_lines_are_kept(tmp_path: Path) -> None:
    rows, rejects = fetch(tmp_path, 'name,size,notes\na,1,"two\nlines, one cell"\n\nb,,\n')
    assert not rejects
    assert rows == [
        {"name": "a", "size": "1", "notes": "two\nlines, one cell", "source_file": "things.csv", "source_row": 2},
        {"name": "b", "size": None, "notes": None, "source_file": "things.csv", "source_row": 5},
    ]


def test_columns_may_come_in_any_order_with_a_mark_and_either_line_end(tmp_path: Path) -> None:
    rows, _ = fetch(tmp_path, "\ufeffnotes,name,size\r\n,a, 2 \r\n".encode())
    assert [(row["name"], row["size"], row["source_row"]) for row in rows] == [("a", "2", 2)]


@pytest.mark.parametrize("line", ["a,1", "a,1,x,y"], ids=["too few", "too many"])
def test_a_malformed_line_is_a_reject_and_the_rest_is_read(tmp_path: Path, line: str) -> None:
    rows, rejects = fetch(tmp_path, f"name,size,notes\n{line}\nb,2,\n")
    assert [row["name"] for row in rows] == ["b"]
    assert rejects == [(2, f"{line.count(',') + 1} fields, the header has 3")]


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("name,size\na,1\n", SourceError, "missing: notes"),
        ("name,size,notes,colour\na,1,,red\n", SourceError, "unknown: colour"),
        ("name,size,notes,name\na,1,,b\n", SourceError, "repeated: name"),
        ("", EmptyFetchError, "is empty"),
        ("name,size,notes\n", EmptyFetchError, "no readable rows"),
        ("name,size,notes\na,1\n", EmptyFetchError, "no readable rows"),
        ('name,size,notes\na,1,ok\nb,2,"never closed\nc,3,\n', SourceError, "from line 3 on"),
        (b"name,size,notes\na,1,\nM\xfcller,1,\n", SourceError, r"not UTF-8 \(line 3\): save it as CSV UTF-8"),
    ],
)
def test_a_file_that_cannot_be_taken_whole_is_refused(
    tmp_path: Path, text: str | bytes, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        fetch(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"things\.csv is missing"):
        CuratedFacts(tmp_path).fetch(THINGS)


def test_a_table_of_another_source_has_no_file_here(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="market__daily_prices is not a curated table"):
        CuratedFacts(tmp_path).path(DAILY_PRICES)


@pytest.fixture(scope="module")
def known() -> dict[str, frozenset[str]]:
    """The reference lists of companies, and of all instruments."""
    found = {}
    for name in ("companies", "peers"):
        with (REFERENCE / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            found[name] = frozenset(row["ticker"] for row in csv.DictReader(file))
    return {"companies": found["companies"], "instruments": found["companies"] | found["peers"]}


@pytest.mark.parametrize("contract", CURATED_CONTRACTS, ids=lambda contract: contract.table)
def test_every_reference_line_passes(contract: Contract, known: dict[str, frozenset[str]]) -> None:
    batch = CuratedFacts(REFERENCE).fetch(contract)
    judged = judge(batch, contract, known, TODAY)
    assert [(reject.source_row, reject.reason) for reject in judged.rejects] == []
    assert judged.rows.num_rows == batch.rows.num_rows


def test_a_site_counts_from_the_day_of_its_page_and_not_from_the_end_of_the_period() -> None:
    # a page may retell what was public some days before it, not weeks: then the period stands for the day
    retold = dt.timedelta(days=7)
    with (REFERENCE / "sites_capacity.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    dated = {
        (row["ticker"], row["site"], row["as_of_date"]): dt.date(*(int(part) for part in found.group(1, 3, 4)))
        for row in rows
        if (found := re.search(r"(?<!\d)(20\d\d)([-/]?)(0[1-9]|1[0-2])\2([0-3]\d)", row["source_url"]))
    }
    assert len(dated) > 20
    late = {key: day for key, day in dated.items() if day - dt.date.fromisoformat(key[2]) > retold}
    assert late == {}


def test_every_file_of_the_folder_has_a_contract() -> None:
    assert {f"{contract.table.removeprefix('curated__')}.csv" for contract in CURATED_CONTRACTS} == {
        path.name for path in REFERENCE.glob("*.csv")
    }


@pytest.mark.parametrize(
    ("contract", "changes", "about"),
    [
        (HPC_DEALS, {"ticker": "NOPE"}, "ticker"),
        (HPC_DEALS, {"announced_date": "2027-01-01"}, "announced_date"),
        (HPC_DEALS, {"announced_date": "22 August"}, "announced_date"),
        (HPC_DEALS, {"gross_mw": "10"}, "critical IT MW is above gross MW"),
        (HPC_DEALS, {"amends_deal_id": "some-deal"}, "a follow-on term adds no MW"),
        (HPC_DEALS, {"ended_date": "2026-07-06", "end_reason": "sold"}, "became public"),
        (HPC_DEALS, {"superseded_by": "some-deal"}, "a contract that is replaced has ended"),
        (HPC_DEALS, {"source_url": ""}, "source_url"),
        (HPC_DEALS, {"source_url": "see the release"}, "source_url"),
        (HPC_DEALS, {"contract_value_usd": "3000"}, "contract_value_usd"),
        (HPC_DEALS, {"commitment": "maybe"}, "commitment"),
        (
            SITES_CAPACITY,
            {"power_contracted_mw": "100", "power_energized_mw": "200"},
            "more power live than contracted",
        ),
    ],
)
def test_a_bad_line_is_rejected_with_its_reason(
    tmp_path: Path, known: dict[str, frozenset[str]], contract: Contract, changes: dict[str, str], about: str
) -> None:
    name = f"{contract.table.removeprefix('curated__')}.csv"
    with (REFERENCE / name).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:3]
    rows[1] |= changes
    with (tmp_path / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    judged = judge(CuratedFacts(tmp_path).fetch(contract), contract, known, TODAY)
    assert judged.rows.num_rows == 2
    assert [reject.source_row for reject in judged.rejects] == [3]
    assert about in judged.rejects[0].reason


def test_the_empty_rows_that_a_spreadsheet_leaves_are_no_rows(tmp_path: Path) -> None:
    text = (REFERENCE / "firm_aliases.csv").read_text(encoding="utf-8")
    (tmp_path / "firm_aliases.csv").write_text(f"{text},,\n , ,\n,,,,,\n\n", encoding="utf-8")
    batch = CuratedFacts(tmp_path).fetch(FIRM_ALIASES)
    assert batch.rows.equals(CuratedFacts(REFERENCE).fetch(FIRM_ALIASES).rows)
    assert batch.rejects == ()


def test_every_term_that_may_come_later_is_kept_out_by_the_models() -> None:
    """A term that the gate takes and the models do not know would stand in answers about days before it was public."""
    pattern = HPC_DEALS_AS_ANNOUNCED.column("not_public").pattern
    assert pattern
    macro = (REFERENCE.parent / "dbt" / "macros" / "facts" / "later_terms.sql").read_text(encoding="utf-8")
    known = set(re.findall(r"'(\w+)'", macro.partition("endmacro")[0]))
    taken = {column.name for column in HPC_DEALS.columns if re.fullmatch(pattern, column.name)}
    assert {name.replace("capex_per_mw_usd", "capex_usd_per_critical_it_mw") for name in taken} == known


def test_the_counts_in_the_readme_hold() -> None:
    readme = (REFERENCE / "README.md").read_text(encoding="utf-8")
    stated = {name: int(rows) for name, rows in re.findall(r"^\| (\w+)\.csv \| (\d+) \|", readme, flags=re.MULTILINE)}
    counted = {
        contract.table.removeprefix("curated__"): CuratedFacts(REFERENCE).fetch(contract).rows.num_rows
        for contract in CURATED_CONTRACTS
    }
    assert stated == counted
