"""An answer about the past uses nothing later, and a correction does not rewrite what was believed.

The facts are loaded twice: as they are, and months later with one row corrected, one withdrawn and one added.
"""

import csv
import datetime as dt
import shutil
from pathlib import Path

import pandas as pd
import pytest
from facts_warehouse import REFERENCE, FactsWarehouse, build, cut, made_up_prices

FIRST = dt.datetime(2025, 7, 1, 12)  # noqa: DTZ001 - load times are naive UTC
SECOND = dt.datetime(2025, 11, 28, 12)  # noqa: DTZ001 - as above
AWS = "cifr-aws-blackpearl-300mw-2025-11"
ABERNATHY = "wulf-fluidstack-abernathy-168mw-2025-10"
ADDED = "clsk-made-up-10mw-2025-10"
DAYS = [day.date() for day in pd.date_range("2025-07-03", "2026-06-26", periods=22)] + [
    dt.date(2025, 11, 24),
    dt.date(2025, 11, 25),
    SECOND.date(),
]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> FactsWarehouse:
    """The reference facts, corrected once."""
    corrected = tmp_path_factory.mktemp("reference") / "reference"
    shutil.copytree(REFERENCE, corrected)
    rewrite(corrected / "hpc_deals.csv")
    path = corrected / "capital_structure.csv"
    path.write_text(path.read_text().replace(",34553000,835143000,", ",34553000,835000000,"))
    prices = made_up_prices(dt.date(2025, 5, 1), dt.date(2026, 6, 30))
    return build(tmp_path_factory.mktemp("replay"), {FIRST: REFERENCE, SECOND: corrected}, prices)


def rewrite(path: Path) -> None:
    """Correct the AWS contract, take Abernathy out, add a contract of October."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = [row for row in reader if row["deal_id"] != ABERNATHY]
    by_id = {row["deal_id"]: row for row in rows}
    by_id[AWS]["contract_value_usd"] = "5600000000"
    rows.append(
        by_id[AWS]
        | {"deal_id": ADDED, "ticker": "CLSK", "announced_date": "2025-10-20", "contract_value_usd": "100000000"}
    )
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def deal_flow(warehouse: FactsWarehouse, until: str) -> "pd.Series[float]":
    """Contract values by contract, as believed on that day."""
    rows = warehouse.query(f"select * from marts.deal_flow('2025-09-24', '{until}')")
    return rows.set_index("deal_id")["contract_value_usd"]


def test_a_correction_counts_from_its_loading(warehouse: FactsWarehouse) -> None:
    before, after = deal_flow(warehouse, "2025-11-27"), deal_flow(warehouse, "2025-11-28")
    assert (before[AWS], after[AWS]) == (5.5e9, 5.6e9)
    assert ABERNATHY in before.index
    assert ABERNATHY not in after.index
    for day, debt in (("2025-11-27", 835_143_000), ("2025-11-28", 835_000_000)):
        value = warehouse.query(f"select * from marts.mw_value('CLSK', '{day}', 13e6, 200)").iloc[0]
        assert value["net_debt_usd"] == debt - 42_966_000


def test_an_added_fact_counts_from_the_day_it_became_known(warehouse: FactsWarehouse) -> None:
    assert ADDED in deal_flow(warehouse, "2025-10-20").index
    assert ADDED not in deal_flow(warehouse, "2025-10-19").index


def test_the_present_holds_what_stands(warehouse: FactsWarehouse) -> None:
    deals = warehouse.query("select * from marts.fct_hpc_deals").set_index("deal_id")["contract_value_usd"]
    assert deals[AWS] == 5.6e9
    assert ABERNATHY not in deals.index
    assert ADDED in deals.index
    history = warehouse.query(f"select * from marts.fct_hpc_deals_history where deal_id in ('{AWS}', '{ABERNATHY}')")
    assert len(history) == 3


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_replay(warehouse: FactsWarehouse, day: dt.date) -> None:
    calls = (
        f"marts.miner_snapshot_asof('{day}')",
        f"marts.deal_flow('2024-01-01', '{day}')",
        f"marts.mw_value('CLSK', '{day}', 13e6, 200)",
        f"marts.mw_value('IREN', '{day}', 17e6, 660)",
    )
    with cut(warehouse, day) as connection:
        for call in calls:
            then = connection.execute(f"select * from {call} order by all").df()
            pd.testing.assert_frame_equal(warehouse.query(f"select * from {call} order by all"), then, obj=call)
        latest = connection.execute("select * from marts.miner_snapshot order by all").df()
    asked = warehouse.query(f"select * from marts.miner_snapshot_asof('{day}') order by all")
    pd.testing.assert_frame_equal(asked, latest)


def test_daily_values_use_nothing_later(warehouse: FactsWarehouse) -> None:
    day = dt.date(2025, 11, 24)
    query = f"select * from marts.fct_miner_valuation_daily where trade_date <= '{day}' order by all"
    with cut(warehouse, day) as connection:
        then = connection.execute(query).df()
    assert len(then) > 400
    pd.testing.assert_frame_equal(warehouse.query(query), then)
