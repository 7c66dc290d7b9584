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
DAYS = [dt.date(2025, 11, 24), dt.date(2025, 11, 25), SECOND.date()]
EVEN_DAYS = [day.date() for day in pd.date_range("2025-07-03", "2026-06-26", periods=22)]
"""A year of days; every third is replayed each time, the others by night."""


ASOF = (
    "ratings",
    "deals",
    "sites",
    "capital",
    "capacity",
    "capacity_funnel",
    "first_power",
    "assumptions",
    "scenarios",
)


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
    # AWS as announced, with the terms of February, and corrected; Abernathy taken out
    assert len(history) == 4


@pytest.mark.parametrize(
    "day",
    [
        *DAYS,
        *(pytest.param(day, marks=[pytest.mark.nightly] * (at % 3 > 0)) for at, day in enumerate(EVEN_DAYS)),
    ],
    ids=str,
)
def test_replay(warehouse: FactsWarehouse, day: dt.date) -> None:
    calls = (
        f"marts.miner_snapshot_asof('{day}')",
        f"marts.deal_flow('2024-01-01', '{day}')",
        f"marts.mw_value('CLSK', '{day}', 13e6, 200)",
        f"marts.mw_value('IREN', '{day}', 17e6, 660)",
        *(f"marts.{name}_asof('{day}')" for name in ASOF),
    )
    with cut(warehouse, day) as connection:
        for call in calls:
            then = connection.execute(f"select * from {call} order by all").df()
            pd.testing.assert_frame_equal(warehouse.query(f"select * from {call} order by all"), then, obj=call)
        latest = connection.execute("select * from marts.miner_snapshot order by all").df()
    asked = warehouse.query(f"select * from marts.miner_snapshot_asof('{day}') order by all")
    pd.testing.assert_frame_equal(asked, latest)


def test_believed_is_one_version_of_every_fact_known_by_then(warehouse: FactsWarehouse) -> None:
    """The versions as they were loaded, chosen by a loop and not by the macros' condition."""
    for macro, history, keys, end in (
        # a contract that ended is believed for ever, and stands no more
        ("deals_asof", "fct_hpc_deals_history", ["deal_id"], "stood_to_date"),
        ("sites_asof", "fct_site_capacity_history", ["symbol", "site", "known_date"], "believed_to_date"),
        ("ratings_asof", "fct_rating_changes_history", ["symbol", "firm", "rating_date"], "believed_to_date"),
        (
            "assumptions_asof",
            "fct_mw_assumptions_history",
            ["as_of_date", "source_firm", "business", "symbol"],
            "believed_to_date",
        ),
    ):
        versions = warehouse.query(f"select * from marts.{history}")
        for day in (dt.date(2025, 10, 19), dt.date(2025, 11, 27), SECOND.date(), dt.date(2030, 1, 1)):
            expected = []
            for version in versions.to_dict("records"):
                begins, ends = version["believed_from_date"], version[end]
                if pd.notna(begins) and begins.date() <= day and (pd.isna(ends) or day < ends.date()):
                    expected.append(tuple(str(version[key]) for key in (*keys, "source_url")))
            told = warehouse.query(f"select * from marts.{macro}('{day}')")
            seen = [tuple(str(row[key]) for key in (*keys, "source_url")) for row in told.to_dict("records")]
            assert sorted(seen) == sorted(expected), (macro, day)
            assert len({row[:-1] for row in seen}) == len(seen) > 0, (macro, day)


def test_sums_so_far_add_up_the_firm_contracts_believed(warehouse: FactsWarehouse) -> None:
    for day in ("2025-11-27", "2025-11-28", "2030-01-01"):
        deals = warehouse.query(f"select * from marts.deals_asof('{day}')")
        firm = deals.assign(
            value=deals["contract_value_usd"].where(deals["is_firm"]),
            mw=deals["critical_it_mw"].where(deals["is_firm"]),
        ).sort_values(["announced_date", "deal_id"])
        for own, sector, figure in (
            ("cumulative_contract_value_usd", "sector_cumulative_contract_value_usd", "value"),
            ("cumulative_critical_it_mw", "sector_cumulative_critical_it_mw", "mw"),
        ):
            assert firm[sector].iloc[-1] == pytest.approx(firm[figure].sum())
            for _, company in firm.groupby("symbol"):
                assert company[own].fillna(0).to_list() == pytest.approx(company[figure].fillna(0).cumsum().to_list())
        every = warehouse.query(f"select * from marts.deal_flow(null, '{day}')").iloc[0]
        assert every["all_contract_value_usd"] == pytest.approx(firm["value"].sum())
        assert every["all_firm_deals"] == deals["is_firm"].sum()
        assert every["all_deals_without_value"] == (deals["is_firm"] & deals["contract_value_usd"].isna()).sum()
        assert every["all_companies"] == deals["symbol"].nunique()


def test_scenarios_of_the_day_of_their_publication_are_those_of_the_mart(warehouse: FactsWarehouse) -> None:
    # of a publication that nobody corrected
    mart = warehouse.query("select * from marts.fct_mw_scenarios where as_of_date = '2025-11-24' order by all")
    asked = warehouse.query("select * from marts.scenarios_asof('2025-11-24') where as_of_date = '2025-11-24'")
    both = [column for column in mart.columns if column in asked.columns]
    key = ["symbol", "source_firm", "business", "assumption_scope", "scenario", "capacity_basis"]
    assert len(mart) > 50
    assert len(both) > 30
    pd.testing.assert_frame_equal(
        asked[both].sort_values(key, ignore_index=True), mart[both].sort_values(key, ignore_index=True)
    )
    first = mart[mart["is_first_choice"]]
    assert (first.groupby(key[:3])["capacity_basis"].nunique() == 1).all()
    order = ["stated", "planned", "contracted", "approved_power"]
    for publication, rows in mart.groupby(key[:3]):
        known = rows[rows["gross_value_usd"].notna()] if rows["gross_value_usd"].notna().any() else rows
        chosen = set(rows.loc[rows["is_first_choice"], "capacity_basis"])
        assert chosen == {min(known["capacity_basis"], key=order.index)}, publication


@pytest.mark.parametrize(
    "day",
    ["2020-01-01", "2025-05-01", "2025-11-22", "2025-11-23", "2025-11-27", "2026-07-09", "2026-07-10", "2030-01-01"],
)
def test_a_day_has_the_last_price_of_ten_days_and_the_last_facts(warehouse: FactsWarehouse, day: str) -> None:
    """Weekends, days before all and after the last price have no row in fct_company_positions."""
    at = pd.Timestamp(day)
    prices = warehouse.query("select symbol, trade_date, close from marts.fct_daily_technicals")
    recent = prices[(prices["trade_date"] <= at) & (prices["trade_date"] > at - pd.Timedelta(days=10))]
    known = warehouse.query("select * from marts.fct_capital_known")
    for symbol in ("CLSK", "IREN", "MARA"):
        value = warehouse.query(f"select * from marts.mw_value('{symbol}', '{day}', 13e6, 200)").iloc[0]
        own = recent[recent["symbol"] == symbol].sort_values("trade_date")
        report = known[
            (known["symbol"] == symbol)
            & (known["known_from_date"] <= at)
            & (known["known_to_date"].isna() | (known["known_to_date"] > at))
        ]
        assert value["as_of_date"] == at
        assert value["close"] == own["close"].iloc[-1] if len(own) else pd.isna(value["close"])
        assert value["price_date"] == own["trade_date"].iloc[-1] if len(own) else pd.isna(value["price_date"])
        for column in ("shares_outstanding", "net_debt_usd", "shares_coverage", "net_debt_is_complete"):
            expected = report[column].iloc[0] if len(report) else None
            if len(report) and pd.notna(expected):
                assert value[column] == expected, (symbol, column)
        if report.empty:
            assert (value["shares_coverage"], value["shares_is_complete"]) == ("no report known", False)


def test_daily_values_use_nothing_later(warehouse: FactsWarehouse) -> None:
    day = dt.date(2025, 11, 24)
    query = f"select * from marts.fct_miner_valuation_daily where trade_date <= '{day}' order by all"
    with cut(warehouse, day) as connection:
        then = connection.execute(query).df()
    assert len(then) > 400
    pd.testing.assert_frame_equal(warehouse.query(query), then)
