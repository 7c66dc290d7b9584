"""A contract leaves every view on the day on which its end was known, whenever the end was written down.

Worked by hand on three contracts of 100, 50 and 20 MW. Belongs here: ends. Does not belong here: the reference facts
(`test_valuation_golden`), corrections of other columns (`test_valuation_replay`).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from dbt_harness import BuiltModels, build_models

from dagster_project.contracts.base import Contract
from dagster_project.contracts.curated import HPC_DEALS, HPC_DEALS_AS_ANNOUNCED, SITES_CAPACITY, SOURCE_TIERS

TYPES = {"varchar": pa.string(), "date": pa.date32(), "double": pa.float64(), "bigint": pa.int64()}
RENAMED = {"ticker": "symbol", "capex_per_mw_usd": "capex_usd_per_critical_it_mw", "as_of_date": "reported_date"}
LOADED = dt.datetime(2025, 9, 2, 12)  # noqa: DTZ001 - load times are naive UTC
LATE = dt.datetime(2025, 12, 10, 12)  # noqa: DTZ001 - as above
BEGUN = {
    "symbol": "A", "counterparty": "Tenant", "deal_type": "lease", "commitment": "firm", "status": "signed",
    "announced_date": dt.date(2025, 9, 1), "term_years": 10.0, "source_url": "https://www.sec.gov/a",
    "source_file": "hpc_deals.csv", "source_row": 2,
}  # fmt: skip


def staged(contract: Contract, rows: list[dict[str, object]], **more: pa.DataType) -> pa.Table:
    """Rows of a staging model: the contract's columns under their staged names, and when each version stood."""
    types = {RENAMED.get(column.name, column.name): TYPES[column.type] for column in contract.columns}
    types |= {"source_file": pa.string(), "source_row": pa.int64()}
    types |= {"valid_from": pa.timestamp("us"), "valid_to": pa.timestamp("us")} | more
    return pa.Table.from_pylist(rows, schema=pa.schema(types))


def deal(name: str, mw: float, **cells: object) -> dict[str, object]:
    """A contract of 10 million dollars a MW."""
    return BEGUN | {"deal_id": name, "critical_it_mw": mw, "contract_value_usd": mw * 1e7} | cells


def ended(ended_on: dt.date, known_on: dt.date) -> dict[str, object]:
    """The cells of an end."""
    return {
        "ended_date": ended_on,
        "end_known_date": known_on,
        "end_reason": "terminated",
        "end_source_url": "https://www.sec.gov/b",
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltModels:
    """The end of `late` was public on 3 November and entered on 10 December; that of `planned` lies after its news."""
    versions = [
        deal("late", 100, valid_from=LOADED, valid_to=LATE),
        deal("late", 100, valid_from=LATE, **ended(dt.date(2025, 10, 15), dt.date(2025, 11, 3))),
        deal("planned", 50, valid_from=LOADED, valid_to=LATE),
        deal("planned", 50, valid_from=LATE, **ended(dt.date(2026, 1, 31), dt.date(2025, 12, 8))),
        deal("stands", 20, valid_from=LOADED),
    ]
    workdir: Path = tmp_path_factory.mktemp("ends")
    return build_models(
        workdir,
        ["deals_asof", "deal_flow", "capacity_asof", "fct_hpc_deals"],
        {
            "stg_curated__hpc_deals": staged(HPC_DEALS, versions),
            "stg_curated__hpc_deals_as_announced": staged(HPC_DEALS_AS_ANNOUNCED, []),
            "stg_curated__sites_capacity": staged(SITES_CAPACITY, [], is_company_total=pa.bool_()),
            "stg_curated__source_tiers": staged(SOURCE_TIERS, []),
        },
    )


@pytest.mark.parametrize(
    ("day", "standing", "mw"),
    [
        ("2025-08-31", [], None),
        ("2025-09-01", ["late", "planned", "stands"], 170),
        # over since 15 October, and nobody could know
        ("2025-10-15", ["late", "planned", "stands"], 170),
        ("2025-11-02", ["late", "planned", "stands"], 170),
        # public, and not written down for five weeks yet
        ("2025-11-03", ["planned", "stands"], 70),
        ("2025-12-09", ["planned", "stands"], 70),
        ("2025-12-10", ["planned", "stands"], 70),
        # known to end, and not over
        ("2026-01-30", ["planned", "stands"], 70),
        ("2026-01-31", ["stands"], 20),
        ("2030-01-01", ["stands"], 20),
    ],
)
def test_a_contract_stands_until_its_end_was_known_and_reached(
    built: BuiltModels, day: str, standing: list[str], mw: float | None
) -> None:
    for call in (f"deals_asof('{day}')", f"deal_flow('2025-01-01', '{day}')", f"deal_flow(null, '{day}')"):
        assert built.query(f"select deal_id from marts.{call} order by 1")["deal_id"].tolist() == standing, call
    capacity = built.query(f"select * from marts.capacity_asof('{day}')")
    if mw is None:
        assert capacity.empty
        return
    row = capacity.iloc[0]
    assert (row["contracted_critical_it_mw"], row["deals"]) == (mw, len(standing))
    assert row["contracted_revenue_usd"] == mw * 1e7


def test_the_list_of_contracts_keeps_what_has_ended_and_says_so(built: BuiltModels) -> None:
    listed = built.query("select * from marts.fct_hpc_deals").set_index("deal_id")
    assert listed["is_standing"].to_dict() == {"late": False, "planned": False, "stands": True}
    assert listed.loc["late", "end_known_date"] == pd.Timestamp("2025-11-03")
