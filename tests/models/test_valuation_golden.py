"""What the marts must say on the reference facts: figures worked out by hand from the files in `reference/`.

Prices are made up. Everything asked of the past must be answered with what was known then.
"""

import csv
import datetime as dt
import re
from typing import Any

import pandas as pd
import pytest
from facts_warehouse import FIRST_LOAD, REFERENCE, FactsWarehouse, build, cut, made_up_prices, sessions_between

from dagster_project.warehouse.publish import publish

NOTE_DAY = "2025-11-24"
AWS = "cifr-aws-blackpearl-300mw-2025-11"
COVERED = {
    "2025-11-24": {
        "shares": 12,
        "net_debt": 8,
        "btc": 5,
        "contracted_critical_it_mw": 4,
        "contracted_revenue": 4,
        "planned_critical_it_mw": 2,
        "gross_power_mw": 2,
        "energized_gross_mw": 3,
    },
    "2026-05-29": {
        "shares": 6,
        "net_debt": 4,
        "btc": 5,
        # without CIFR, whose third campus had been announced without MW and value
        "contracted_critical_it_mw": 7,
        "contracted_revenue": 7,
        "planned_critical_it_mw": 2,
        "gross_power_mw": 6,
        "energized_gross_mw": 4,
    },
    "2026-11-25": {
        "shares": 2,
        "net_debt": 1,
        "btc": 2,
        "contracted_critical_it_mw": 10,
        "contracted_revenue": 9,
        "planned_critical_it_mw": 2,
        "gross_power_mw": 6,
        "energized_gross_mw": 6,
    },
}
"""Companies with a complete input on a day; a fact that is taken out or an input that is forgotten makes it fall."""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> FactsWarehouse:
    """The reference facts as they are, loaded once, with prices for CLSK, CIFR, IREN and WULF."""
    prices = made_up_prices(dt.date(2025, 6, 2), dt.date(2026, 6, 30))
    days = sessions_between(dt.date(2024, 1, 1), dt.date(2050, 12, 30))
    return build(tmp_path_factory.mktemp("golden"), {FIRST_LOAD: REFERENCE}, prices, days)


def reference_rows(name: str) -> list[dict[str, str]]:
    """A reference file, row 0 being its second line."""
    with (REFERENCE / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_nineteen_billion_of_iren_and_cipher(warehouse: FactsWarehouse) -> None:
    deals = warehouse.query(f"select * from marts.deal_flow('2025-09-24', '{NOTE_DAY}')")
    two = deals[deals["symbol"].isin(["IREN", "CIFR"]) & deals["contract_value_usd"].notna()]
    assert sorted(two["contract_value_usd"] / 1e9) == [0.83, 3.0, 5.5, 9.7]
    assert two["contract_value_usd"].sum() == 19.03e9
    # 200 for Microsoft, 168 + 39 for Fluidstack; of AWS only 300 MW gross were told
    assert two["critical_it_mw"].sum() == 200 + 168 + 39
    aws = two.set_index("deal_id").loc[AWS]
    assert pd.isna(aws["critical_it_mw"])
    assert aws["gross_mw"] == 300
    by_company = deals.drop_duplicates("symbol").set_index("symbol")["company_contract_value_usd"]
    assert by_company["CIFR"] == 9.33e9
    assert by_company["IREN"] == 9.7e9


def test_a_term_counts_from_the_day_on_which_it_was_public(warehouse: FactsWarehouse) -> None:
    def deal(name: str, day: str) -> "pd.Series[Any]":
        return warehouse.query(f"select * from marts.deals_asof('{day}')").set_index("deal_id").loc[name]

    # the offering deck of Black Pearl: 216 critical IT MW; 5.5bn over 216 MW and 15 years is 1,697,531 a year
    assert pd.isna(deal(AWS, "2026-02-02")["usd_per_critical_it_mw_year"])
    assert deal(AWS, "2026-02-03")["usd_per_critical_it_mw_year"] == pytest.approx(1_697_530.9, abs=0.1)
    assert contracted(warehouse, "CIFR", "2026-02-02")[1] == 207
    assert contracted(warehouse, "CIFR", "2026-02-03")[1] == 423

    campus = "cifr-undisclosed-third-campus-2026"
    told = {day: deal(campus, day) for day in ("2026-03-25", "2026-05-04", "2026-05-05", "2026-06-07", "2026-06-08")}
    assert [row["counterparty"] for row in told.values()] == ["Undisclosed investment-grade hyperscaler"] * 4 + [
        "Amazon Web Services"
    ]
    for column, figures in {
        "term_years": [15, 15, 15, 15, 15],
        "gross_mw": [None, None, 100, 100, 100],
        "critical_it_mw": [None, None, None, None, 70],
        "contract_value_usd": [None, None, None, None, 2e9],
        "site": [None, None, None, None, "Stingray"],
    }.items():
        assert [None if pd.isna(row[column]) else row[column] for row in told.values()] == figures, column
    for row in list(told.values())[:4]:
        assert not re.search("Amazon|AWS|Stingray|Andrews", f"{row['notes']} {row['source_name']}")

    meta = "clsk-meta-sandersville-175mw-2026-07"
    assert pd.isna(deal(meta, "2026-09-16")["end_user"])
    assert deal(meta, "2026-09-17")["end_user"] == "Meta"
    assert deal(meta, "2026-09-16")["contract_value_usd"] == 6.6e9
    stands = warehouse.query("select * from marts.fct_hpc_deals").set_index("deal_id")
    assert str(stands.loc[meta, "terms_public_date"])[:10] == "2026-09-17"
    assert str(stands.loc[meta, "announced_date"])[:10] == "2026-07-14"
    assert stands.loc[AWS, "critical_it_mw"] == 216


def test_all_companies_of_that_window(warehouse: FactsWarehouse) -> None:
    deals = warehouse.query(f"select * from marts.deal_flow('2025-09-24', '{NOTE_DAY}')")
    assert deals["all_contract_value_usd"].unique() == [33.53e9]
    assert deals["contract_value_usd"].sum() == 33.53e9
    # TeraWulf held 50.1% of Abernathy: 9.5 becomes 4.7595
    assert deals["owned_contract_value_usd"].sum() == pytest.approx(33.53e9 - 9.5e9 * 0.499)


def test_published_range_and_company_values(warehouse: FactsWarehouse) -> None:
    notes = warehouse.query(
        f"""select * from marts.fct_mw_assumptions_history
            where as_of_date = '{NOTE_DAY}' and source_firm = 'JPMorgan'"""
    )
    sector = notes[notes["symbol"].isna()].set_index("business")
    assert sector.loc["colocation", ["usd_per_mw_low", "usd_per_mw_high"]].tolist() == [8e6, 17e6]
    assert sector.loc["cloud", "usd_per_mw_high"] == 19e6
    assert set(notes["mw_basis"]) == {"critical_it"}

    stated = warehouse.query(
        f"""select * from marts.fct_mw_scenarios
            where as_of_date = '{NOTE_DAY}' and source_firm = 'JPMorgan' and capacity_basis = 'stated'
              and assumption_scope = 'company'"""
    ).set_index("symbol")
    # MW, dollars per MW and shares known that day, by hand
    for symbol, mw, usd_per_mw, shares in (
        ("CLSK", 200, 13e6, 281_083_382),
        ("CIFR", 480, 14e6, 395_092_054),
        ("IREN", 660, 17e6, 271_980_000),
    ):
        row = stated.loc[symbol]
        assert row["critical_it_mw"] == mw
        assert row["gross_value_usd"] == mw * usd_per_mw
        assert row["shares_outstanding"] == shares
        assert row["value_per_share_usd"] == pytest.approx(mw * usd_per_mw / shares)
        assert row["upside_pct"] == pytest.approx(100 * (row["value_per_share_usd"] / row["close"] - 1))
    assert stated.loc["CLSK", "gross_value_usd"] == 2.6e9
    assert stated.loc["CLSK", "value_per_share_usd"] == pytest.approx(9.2499, abs=1e-4)
    # 835,143,000 of debt less 34,553,000 of cash, both of June 2025
    assert stated.loc["CLSK", "net_debt_usd"] == 800_590_000


def test_range_of_the_note_on_the_mw_of_the_note(warehouse: FactsWarehouse) -> None:
    snapshot = warehouse.query(f"select * from marts.miner_snapshot_asof('{NOTE_DAY}')").set_index("symbol")
    for symbol, mw, shares in (
        ("CLSK", 200, 281_083_382),
        ("CIFR", 480, 395_092_054),
        ("IREN", 660, 271_980_000),
    ):
        row = snapshot.loc[symbol]
        assert (row["scenario_source_firm"], row["scenario_capacity_basis"]) == ("JPMorgan", "stated")
        assert row["scenario_critical_it_mw"] == mw
        assert row["low_value_per_share_usd"] == pytest.approx(8e6 * mw / shares)
        assert row["high_value_per_share_usd"] == pytest.approx(17e6 * mw / shares)


def test_value_of_mw_with_the_balance_sheet_known_then(warehouse: FactsWarehouse) -> None:
    asked = warehouse.query(f"select * from marts.mw_value('CLSK', '{NOTE_DAY}', 13e6, 200)").iloc[0]
    close = warehouse.query(
        f"select close from marts.fct_daily_technicals where symbol = 'BTC-USD' and trade_date = '{NOTE_DAY}'"
    )["close"].iloc[0]
    assert asked["gross_value_per_share_usd"] == pytest.approx(2.6e9 / 281_083_382)
    assert asked["btc_value_usd"] == pytest.approx(12_608 * close)
    assert asked["value_per_share_usd"] == pytest.approx((2.6e9 - 800_590_000 + 12_608 * close) / 281_083_382)


def test_share_count_changes_with_the_filing_and_not_before(warehouse: FactsWarehouse) -> None:
    days = warehouse.query(
        """select trade_date, shares_outstanding, market_cap_usd / close as shares_used
           from marts.fct_miner_valuation_daily
           where symbol = 'CLSK' and trade_date between '2025-11-10' and '2025-12-05' order by trade_date"""
    )
    # the 10-K came out on 25 November after the close, so that day's close is still on the count before
    before = days["trade_date"] <= pd.Timestamp("2025-11-25")
    assert before.sum() == 12
    assert set(days.loc[before, "shares_outstanding"]) == {281_083_382}
    assert set(days.loc[~before, "shares_outstanding"]) == {255_583_445}
    assert days["shares_used"].tolist() == pytest.approx(days["shares_outstanding"].tolist())
    for day, shares in ((NOTE_DAY, 281_083_382), ("2025-11-25", 281_083_382), ("2025-11-26", 255_583_445)):
        value = warehouse.query(f"select * from marts.mw_value('CLSK', '{day}', 13e6, 200)").iloc[0]
        assert value["shares_outstanding"] == shares
        assert value["gross_value_per_share_usd"] == pytest.approx(2.6e9 / shares)
        snapshot = warehouse.query(f"select * from marts.miner_snapshot_asof('{day}') where symbol = 'CLSK'").iloc[0]
        assert snapshot["shares_outstanding"] == shares


def test_a_count_from_a_data_page_is_not_older_than_the_page(warehouse: FactsWarehouse) -> None:
    counts = warehouse.query(
        """select trade_date, shares_outstanding from marts.fct_miner_valuation_daily
           where symbol = 'IREN' and trade_date in ('2025-11-25', '2025-11-26') order by trade_date"""
    )
    # the results were out on 6 November, the page with the new count on the 26th
    assert counts["shares_outstanding"].tolist() == [271_980_000, 283_470_000]


def test_nothing_of_november_is_known_on_the_first_of_october(warehouse: FactsWarehouse) -> None:
    snapshot = warehouse.query("select * from marts.miner_snapshot_asof('2025-10-01')").set_index("symbol")
    november = {
        row["source_url"]
        for name, column in (
            ("hpc_deals", "announced_date"),
            ("rating_changes", "rating_date"),
            ("mw_valuation_assumptions", "as_of_date"),
            ("sites_capacity", "as_of_date"),
            ("capital_structure", "filed_date"),
        )
        for row in reference_rows(name)
        if row[column] > "2025-10-01"
    } - {
        row["source_url"]
        for name, column in (("rating_changes", "rating_date"), ("mw_valuation_assumptions", "as_of_date"))
        for row in reference_rows(name)
        if row[column] <= "2025-10-01"
    }
    shown = {cell for column in snapshot if column.endswith("source_url") for cell in snapshot[column].dropna()}
    assert shown
    assert not shown & november
    assert snapshot.loc["CIFR", "contracted_revenue_usd"] == 3.0e9
    assert pd.isna(snapshot.loc["IREN", "contracted_revenue_usd"])
    assert snapshot.loc["CLSK", "last_rating_date"] == pd.Timestamp("2025-09-26")
    assert (snapshot["scenario_as_of_date"].dropna() <= pd.Timestamp("2025-10-01")).all()
    assert warehouse.query("select max(announced_date) d from marts.deal_flow('2025-01-01', '2025-10-01')")["d"].iloc[
        0
    ] == pd.Timestamp("2025-09-25")
    assert (
        warehouse.query("select * from marts.mw_value('CIFR', '2025-10-01', 1e6, 1)")["shares_outstanding"].iloc[0]
        == 393_280_000
    )


def test_rent_per_megawatt_and_year(warehouse: FactsWarehouse) -> None:
    deals = warehouse.query("select * from marts.fct_hpc_deals")
    rents = deals[deals["usd_per_critical_it_mw_year"].notna()]
    stated = [row for row in reference_rows("hpc_deals") if row["deal_type"] != "cloud" and is_priced(row)]
    assert set(rents["deal_id"]) == {row["deal_id"] for row in stated}
    outside = rents[~rents["usd_per_critical_it_mw_year"].between(1.2e6, 2.4e6)]
    # 4.7bn over 121 MW and 16 years is 2.43m a year, 1.1bn over 40 MW and 10 years 2.75m
    assert set(outside["deal_id"]) == {"btdr-volta-tydal-121mw-2026-08", "dgxx-cerebras-columbiana-40mw-2026-05"}
    assert set(rents.loc[rents["is_outlier"].astype(bool), "deal_id"]) == set(outside["deal_id"])
    cloud = deals[deals["deal_type"] == "cloud"]
    assert cloud["usd_per_critical_it_mw"].isna().all()
    assert not cloud["is_comparable_lease"].any()
    microsoft = deals.set_index("deal_id").loc["iren-microsoft-childress-200mw-2025-11"]
    assert microsoft["cloud_usd_per_critical_it_mw"] == 48.5e6


def test_a_deal_without_its_day_is_in_no_answer_about_the_past(warehouse: FactsWarehouse) -> None:
    undated = warehouse.query("select * from marts.fct_hpc_deals where announced_date is null")
    assert set(undated["deal_id"]) == {"btbt-cerebras-mtl3-5mw-2025-02", "hive-buzz-aicloud-cad30m-2026"}
    assert undated["known_date_coverage"].notna().all()
    assert not set(undated["deal_id"]) & set(
        warehouse.query("select deal_id from marts.deal_flow('2000-01-01', '2100-01-01')")["deal_id"]
    )


def contracted(warehouse: FactsWarehouse, symbol: str, day: str) -> tuple[float, float, str]:
    """Critical IT MW of the mart, of the contracts alone, and why."""
    row = warehouse.query(f"select * from marts.capacity_asof('{day}') where symbol = '{symbol}'").iloc[0]
    return (
        row["contracted_critical_it_mw"],
        row["contracts_critical_it_mw"],
        row["contracted_critical_it_mw_coverage"],
    )


def test_a_sold_share_leaves_on_the_day_the_sale_was_known(warehouse: FactsWarehouse) -> None:
    # Core42 60, Fluidstack 200 + 160, half of Abernathy 84.168; from 6 July Anthropic 401, Abernathy sold
    assert contracted(warehouse, "WULF", "2026-07-05")[1] == pytest.approx(60 + 200 + 160 + 168 * 0.501)
    for day in ("2026-07-06", "2026-08-04"):
        assert contracted(warehouse, "WULF", day) == (821, 821, "complete: sum of contracts")
    # the company itself says 839 from its results of 5 August on
    row = warehouse.query("select * from marts.capacity_asof('2026-11-25') where symbol = 'WULF'").iloc[0]
    assert (row["contracts_critical_it_mw"], row["company_total_critical_it_mw"]) == (821, 839)
    assert row["contracted_critical_it_mw_difference"].endswith("the contracts seen are short of 18 MW")
    abernathy = "deal_id = 'wulf-fluidstack-abernathy-168mw-2025-10'"
    for day, rows in (("2026-07-05", 1), ("2026-07-06", 0)):
        for macro in (f"deals_asof('{day}')", f"deal_flow('2025-01-01', '{day}')"):
            assert len(warehouse.query(f"select * from marts.{macro} where {abernathy}")) == rows, (macro, day)
    kept = warehouse.query(f"select * from marts.fct_hpc_deals where {abernathy}").iloc[0]
    assert (kept["is_standing"], kept["end_reason"]) == (False, "sold")
    flow = warehouse.query("select * from marts.sector_deal_flow").set_index("month").loc["2026-07-01"]
    assert (flow["ended_deals"], flow["ended_contract_value_usd"], flow["ended_critical_it_mw"]) == (1, 9.5e9, 168)


def test_no_site_counts_twice(warehouse: FactsWarehouse) -> None:
    """One site under two names, one that two companies have told of, one that an analyst only imagined."""

    def known(symbol: str, day: str, column: str = "gross_power_mw") -> float:
        rows = warehouse.query(f"select {column} from marts.capacity_asof('{day}') where symbol = '{symbol}'")
        return rows[column].iloc[0]

    # Austin 285, Brazoria 300, Cheyenne 100, Jackson 60, Sandersville 241; not the 250 of the talks about Sandersville
    assert known("CLSK", "2026-06-20") == 285 + 300 + 100 + 60 + 241
    # MTL-3 went to WhiteFiber with its IPO on 7 August 2025
    assert [known("BTBT", "2025-08-06"), known("BTBT", "2025-08-07"), known("WYFI", "2025-08-07")] == [5, 0, 5]
    # 133 + 260 + 133 are planned at Helios; 2,300 would need power that is under study
    assert known("GLXY", "2026-03-02", "planned_critical_it_mw") == 133 + 260 + 133
    # half of Abernathy by its sites as by its contract
    assert known("WULF", "2025-12-18", "planned_critical_it_mw") == pytest.approx(168 * 0.501)


def test_a_replaced_contract_gives_way_to_its_terms(warehouse: FactsWarehouse) -> None:
    tydal = "select deal_id from marts.deals_asof('{}') where symbol = 'BTDR' and site = 'Tydal'"
    for day, deal in (
        ("2026-08-04", "btdr-undisclosed-tydal-180mw-2026-06"),
        ("2026-08-05", "btdr-volta-tydal-121mw-2026-08"),
    ):
        assert warehouse.query(tydal.format(day))["deal_id"].tolist() == [deal]


def test_a_follow_on_term_adds_value_and_years_and_no_mw(warehouse: FactsWarehouse) -> None:
    # Fluidstack 168 + 39, AWS 216 + 70
    for day, revenue in (("2026-09-24", 3.0 + 0.83 + 5.5 + 2.0), ("2026-09-25", 3.0 + 0.83 + 5.5 + 2.0 + 5.2)):
        row = warehouse.query(f"select * from marts.capacity_asof('{day}') where symbol = 'CIFR'").iloc[0]
        assert row["contracted_critical_it_mw"] == 493
        assert row["contracted_critical_it_mw_is_complete"]
        assert row["contracted_revenue_usd"] == pytest.approx(revenue * 1e9)


def test_complete_has_an_age(warehouse: FactsWarehouse) -> None:
    # the year to 30 June 2026 of a domestic filer: next is September, 45 days later Saturday 14, so Monday 16 November;
    # a foreign filer (fiscal year to March) with December 2025 owes March 2026 by 30 September
    for symbol, last_day, due in (("BTBT", "2026-11-16", "2026-11-16"), ("HIVE", "2026-09-30", "2026-09-30")):
        known = f"select shares_coverage from marts.capital_asof({{}}) where symbol = '{symbol}'"
        next_day = (dt.date.fromisoformat(last_day) + dt.timedelta(1)).isoformat()
        assert (
            not warehouse.query(known.format(f"'{last_day}'"))["shares_coverage"]
            .iloc[0]
            .startswith("outdated: the next")
        )
        late = warehouse.query(known.format(f"'{next_day}'"))["shares_coverage"].iloc[0]
        assert late == f"outdated: the next report was due by {due}"


def test_gross_power_below_critical_it_power_is_partial(warehouse: FactsWarehouse) -> None:
    rows = warehouse.query("select * from marts.fct_capacity_known")
    below = rows["gross_power_mw"] < rows[["contracted_critical_it_mw", "planned_critical_it_mw"]].max(axis=1)
    assert below.any()
    assert not rows.loc[below, "gross_power_mw_is_complete"].any()
    assert rows.loc[below, "gross_power_mw_coverage"].str.startswith("partial").all()


@pytest.mark.parametrize(
    ("symbol", "day", "planned_mw", "why"),
    [
        # Childress of four sites; Corsicana's 112 critical IT MW on its 1,000; the one site with a plan beside Rockdale
        ("IREN", "2025-11-24", 200, "partial: stated by 1 of 4 sites"),
        ("RIOT", "2025-11-24", 112, "partial: a plan for 11 % of the power"),
        ("RIOT", "2026-05-29", 112, "partial: stated by 1 of 2 sites"),
        ("IREN", "2026-05-29", 200, "partial: below the contracted MW"),
        # not the 480 that JPMorgan counts for the whole company
        ("CIFR", "2025-11-24", 207, "partial: stated by 1 of 5 sites"),
        # its five sites
        ("APLD", "2026-11-25", 1410, "stated: sum of the sites that state it"),
    ],
)
def test_a_plan_for_a_part_of_a_company_gives_no_ratio(
    warehouse: FactsWarehouse, symbol: str, day: str, planned_mw: float, why: str
) -> None:
    row = warehouse.query(f"select * from marts.capacity_asof('{day}') where symbol = '{symbol}'").iloc[0]
    assert (row["planned_critical_it_mw"], row["planned_critical_it_mw_coverage"]) == (planned_mw, why)
    assert row["planned_critical_it_mw_is_complete"] == why.startswith("stated")


def test_no_ratio_rests_on_partial_mw(warehouse: FactsWarehouse) -> None:
    rows = warehouse.query("select * from marts.fct_company_positions")
    for mw, ratio in (
        ("planned_critical_it_mw", "ev_per_planned_critical_it_mw_usd"),
        ("gross_power_mw", "ev_per_gross_mw_usd"),
        ("energized_gross_mw", "ev_per_energized_gross_mw_usd"),
    ):
        complete = rows[f"{mw}_is_complete"]
        # no company with prices here has said what it plans in all
        assert rows.loc[complete, ratio].notna().any() or mw == "planned_critical_it_mw", ratio
        assert rows.loc[~complete, ratio].isna().all(), ratio
        why = rows.loc[~complete, f"{mw}_coverage"]
        assert why.str.startswith(("partial: ", "not stated", "no contract")).all(), set(why)


def test_no_ratio_rests_on_contracts_for_a_part_of_the_power(warehouse: FactsWarehouse) -> None:
    rows = warehouse.query(
        """select symbol, position_date, ev_per_critical_it_mw_usd, ev_per_critical_it_mw_coverage as why,
               ev_per_critical_it_mw_is_complete as is_complete, enterprise_value_usd,
               100 * contracted_critical_it_mw / greatest(gross_power_mw, energized_gross_mw) as pct
           from marts.fct_company_positions
           where contracted_critical_it_mw_is_complete and enterprise_value_usd is not null"""
    )
    assert set(rows["symbol"]) >= {"CIFR", "WULF"}
    assert (rows["pct"] < 50).all(), "the ratio of a company as a whole is shown by the unit tests of the model"
    assert rows["ev_per_critical_it_mw_usd"].isna().all()
    assert not rows["is_complete"].any()
    assert rows["why"].tolist() == [f"partial: contracts for {pct:.0f} % of the power" for pct in rows["pct"]]


def test_live_power_is_zero_only_where_the_company_says_so(warehouse: FactsWarehouse) -> None:
    # sites under construction state a zero, those that run state nothing
    for symbol, day in (("CORZ", "2025-11-24"), ("APLD", "2026-11-25"), ("BTDR", "2025-11-24")):
        row = warehouse.query(f"select * from marts.capacity_asof('{day}') where symbol = '{symbol}'").iloc[0]
        assert pd.isna(row["energized_gross_mw"])
        assert (row["energized_gross_mw_coverage"], row["energized_gross_mw_is_complete"]) == ("not stated", False)
    assert not (warehouse.query("select * from marts.fct_capacity_known")["energized_gross_mw"] == 0).any()


def test_what_others_published_is_met(warehouse: FactsWarehouse) -> None:
    totals = warehouse.query("select * from marts.fct_published_totals")
    assert len(totals) == len(reference_rows("published_totals"))
    assert totals["is_reconciled"].all(), totals[~totals["is_reconciled"]]
    ours = totals.set_index(["tickers", "measure"])["our_value"]
    # by hand: 250+150+200+300+300+210, and 7+4+5+7.5+7.5+5.2 billions
    assert (ours["APLD", "critical_it_mw"], ours["APLD", "contract_value_usd"]) == (1410, pytest.approx(36.2e9))
    assert ours["IREN; CIFR", "contract_value_usd"] == 19.03e9


@pytest.mark.parametrize(("day", "at_least"), COVERED.items())
def test_coverage_does_not_fall(warehouse: FactsWarehouse, day: str, at_least: dict[str, int]) -> None:
    capital = warehouse.query(f"select * from marts.capital_asof('{day}')")
    capacity = warehouse.query(f"select * from marts.capacity_asof('{day}')")
    for name, companies in at_least.items():
        rows = capital if f"{name}_is_complete" in capital else capacity
        assert rows[f"{name}_is_complete"].sum() >= companies, name


def test_coverage_names_the_fact_that_would_fill_it(warehouse: FactsWarehouse) -> None:
    rows = warehouse.query("select * from marts.coverage_by_company")
    assert set(rows["symbol"]) == {row["ticker"] for row in reference_rows("companies")}
    assert (rows["missing_fact"].isna() == rows["is_complete"]).all()
    assert rows["missing_fact"].dropna().str.startswith("reference/").all()


def test_a_lease_as_practitioners_tabulate_it(warehouse: FactsWarehouse) -> None:
    rows = warehouse.query("select * from marts.lease_economics_asof('2026-11-25')")
    lease = rows.query(
        "deal_id == 'clsk-meta-sandersville-175mw-2026-07' and operating_margin_pct == 80 and cap_rate_pct == 8"
        " and loan_rate_pct == 9.25"
    ).iloc[0]
    noi = 6.6e9 / 175 / 20 * 0.8
    assert lease["noi_usd_per_critical_it_mw_year"] == pytest.approx(noi)
    assert lease["yield_on_cost_pct"] == pytest.approx(100 * noi / 11.9e6)
    assert lease["capitalised_value_usd_per_critical_it_mw"] == pytest.approx(noi / 0.08)
    service = 11.9e6 * 0.7 * 0.0925 / (1 - 1.0925**-20)
    for column, paid, earned in (
        ("unlevered_return_pct", 11.9e6, noi),
        ("levered_return_pct", 11.9e6 * 0.3, noi - service),
    ):
        rate = lease[column] / 100
        # worth what was paid at that rate, and no more at a hundredth of a percent above
        assert sum(earned / (1 + rate) ** year for year in range(1, 21)) >= paid
        assert sum(earned / (1 + rate + 1e-4) ** year for year in range(1, 21)) < paid
    assert set(rows.loc[rows["warrant_shares_per_critical_it_mw"].notna(), "symbol"]) == {"WULF", "CIFR", "CORZ"}


def test_lease_economics_of_a_day_know_what_was_public_then(warehouse: FactsWarehouse) -> None:
    def lease(day: str, name: str) -> "pd.DataFrame":
        economics = warehouse.query(f"select * from marts.lease_economics_asof('{day}')")
        assert not economics.duplicated(["deal_id", "operating_margin_pct", "cap_rate_pct", "loan_rate_pct"]).any()
        return economics[economics["deal_id"] == name]

    # no rent before its MW were told
    assert lease("2026-02-02", AWS).empty
    assert lease("2026-02-03", AWS)["build_cost_basis"].unique() == ["stated"]
    meta = "clsk-meta-sandersville-175mw-2026-07"
    before, after = (lease(day, meta).iloc[0] for day in ("2026-09-16", "2026-09-17"))
    assert before["counterparty"].startswith("Undisclosed")
    assert (before["build_cost_basis"], after["build_cost_basis"]) == ("published middle", "stated")
    sold = "wulf-fluidstack-abernathy-168mw-2025-10"
    assert [lease(day, sold)["is_standing"].unique().tolist() for day in ("2026-07-05", "2026-07-06")] == [
        [True],
        [False],
    ]


def test_a_site_that_was_given_up_has_no_first_power_to_come(warehouse: FactsWarehouse) -> None:
    def sites(day: str) -> set[str]:
        return set(warehouse.query(f"select site from marts.first_power_asof('{day}') where symbol = 'WULF'")["site"])

    assert "Abernathy" in sites("2026-07-05")
    assert "Abernathy" not in sites("2026-07-06")


def test_a_total_of_power_from_before_a_sale_says_no_more_what_the_company_has(warehouse: FactsWarehouse) -> None:
    def power(day: str) -> "pd.Series[Any]":
        return warehouse.query(f"select * from marts.capacity_asof('{day}') where symbol = 'WULF'").iloc[0]

    assert (power("2026-07-05")["gross_power_mw"], power("2026-07-05")["gross_power_mw_is_complete"]) == (2800, True)
    assert power("2026-07-06")["gross_power_mw"] < 2800
    assert not power("2026-07-06")["gross_power_mw_is_complete"]


def test_percentages_that_were_written_down_have_no_binary_tail(warehouse: FactsWarehouse) -> None:
    given = {(row["parameter"], round(float(row["value"]) * 100, 4)) for row in reference_rows("lease_dcf_assumptions")}
    for mart in ("fct_lease_economics", "fct_lease_dcf"):
        rows = warehouse.query(f"select * from marts.{mart}")
        for parameter in ("cap_rate", "loan_rate", "loan_share_of_cost", "operating_margin", "discount_rate"):
            if f"{parameter}_pct" in rows:
                shown = {(parameter, value) for value in rows[f"{parameter}_pct"]}
                assert shown == {pair for pair in given if pair[0] == parameter}, (mart, parameter)
    returns = warehouse.query("select unlevered_return_pct, levered_return_pct from marts.fct_lease_economics")
    for column in returns:
        assert (returns[column].dropna() == returns[column].dropna().round(2)).all(), column


def test_first_power_is_the_last_day_that_a_report_stated(warehouse: FactsWarehouse) -> None:
    reports = sorted((row for row in reference_rows("sites_capacity")), key=lambda row: row["as_of_date"])
    days = {row["energization_date"] for row in reports if row["energization_date"]}
    restated = 0
    for day in ("2025-11-24", *days):
        stated: dict[tuple[str, str], list[str]] = {}
        for row in (row for row in reports if row["as_of_date"] <= day):
            if row["power_contracted_mw"] == "0":  # the last report of a site that was given up
                stated.pop((row["ticker"], row["site"]), None)
            elif row["energization_date"]:
                stated.setdefault((row["ticker"], row["site"]), []).append(row["energization_date"])
        restated += sum(len(set(told)) > 1 for told in stated.values())
        rows = warehouse.query(f"select * from marts.first_power_asof('{day}')").to_dict("records")
        assert {(row["symbol"], row["site"]): (str(row["energization_date"])[:10], row["is_past"]) for row in rows} == {
            site: (told[-1], told[-1] <= day) for site, told in stated.items()
        }, day
    assert restated > 5


def test_letters_of_intent_stand_apart(warehouse: FactsWarehouse) -> None:
    letters = warehouse.query("select * from marts.intentions_asof('2026-11-25')")
    assert set(letters["deal_id"]) == {"clsk-undisclosed-texas-loi-2026-07", "riot-undisclosed-corsicana-loi-2026-08"}
    contracts = warehouse.query("select * from marts.deal_flow(null, '2026-11-25')")
    assert not set(letters["deal_id"]) & set(contracts["deal_id"])
    assert contracted(warehouse, "CLSK", "2026-11-25")[0] == 175


def test_leases_discounted_lie_around_the_published_range(warehouse: FactsWarehouse) -> None:
    values = warehouse.query("select * from marts.fct_lease_dcf where discount_rate_pct between 8 and 12")
    assert set(values["published_low_usd_per_critical_it_mw"]) == {8e6}
    assert set(values["published_high_usd_per_critical_it_mw"]) == {17e6}
    by_hand = [
        float(row["contract_value_usd"])
        / float(row["critical_it_mw"])
        / years
        * margin
        * (1 - (1 + rate) ** -years)
        / rate
        for row in reference_rows("hpc_deals")
        if row["deal_type"] != "cloud" and is_priced(row)
        for years in [float(row["term_years"])]
        for margin in (0.8, 0.85)
        for rate in (0.08, 0.09, 0.1, 0.11, 0.12)
    ]
    once = values.drop_duplicates(["deal_id", "operating_margin_pct", "discount_rate_pct"])
    assert sorted(once["present_value_usd_per_critical_it_mw"]) == pytest.approx(sorted(by_hand))
    assert 8e6 < values["present_value_usd_per_critical_it_mw"].median() < 17e6
    abernathy = values.query(
        "symbol == 'WULF' and term_years == 25 and discount_rate_pct == 10 and operating_margin_pct == 80"
    )
    # 9.5bn / 168 MW / 25 years = 2,261,905 a year, times 0.8, times 9.07704
    assert abernathy["present_value_usd_per_critical_it_mw"].unique() == pytest.approx([16_425_120], rel=1e-6)
    assert (
        values["net_present_value_usd_per_critical_it_mw"]
        == values["present_value_usd_per_critical_it_mw"] - values["build_cost_usd_per_critical_it_mw"]
    ).all()


def test_every_company_has_its_row(warehouse: FactsWarehouse) -> None:
    snapshot = warehouse.query("select * from marts.miner_snapshot").set_index("symbol")
    assert set(snapshot.index) == {row["ticker"] for row in reference_rows("companies")}
    assert set(snapshot.index[snapshot["price_coverage"] == "complete"]) == {"CLSK", "CIFR", "IREN", "WULF"}
    without = snapshot[snapshot["price_coverage"] == "no price"]
    assert without[["close", "market_cap_usd", "rsi_14"]].isna().all().all()
    assert (without["incomplete_inputs"] >= 1).all()
    assert snapshot["as_of_session_date"].unique() == pd.Timestamp("2026-06-30")


def test_without_any_price_the_day_is_a_session_that_was(warehouse: FactsWarehouse) -> None:
    # the made-up prices begin on Monday 2 June 2025; the calendar goes on for decades
    with cut(warehouse, dt.date(2025, 5, 30)) as connection:
        assert connection.execute("select count(*) from marts.fct_daily_technicals").fetchone() == (0,)
        over = "select max(session_date) from marts.dim_sessions where session_date + interval 21 hour <= now()"
        (last,) = connection.execute(over).fetchone() or (None,)
        assert last is not None
        for asked, session in (
            ("9999-12-31", last),
            ("2049-06-01", last),
            ("2025-05-25", dt.date(2025, 5, 23)),
            ("2025-05-30", dt.date(2025, 5, 30)),
        ):
            rows = connection.execute(
                f"select distinct as_of_session_date, price_coverage from marts.miner_snapshot_asof('{asked}')"
            ).fetchall()
            assert rows == [(session, "no price")], asked


def test_every_figure_leads_back_to_a_line_and_its_page(warehouse: FactsWarehouse) -> None:
    names_of_firms = {row["alias"].lower(): row["firm"] for row in reference_rows("firm_aliases")}
    for mart, name, pairs in (
        ("fct_hpc_deals_history where is_current", "hpc_deals", ("deal_id", "contract_value_usd", "critical_it_mw")),
        ("fct_site_capacity_history", "sites_capacity", ("site", "power_contracted_mw", "critical_it_mw_planned")),
        ("fct_rating_changes_history", "rating_changes", ("firm", "price_target_new")),
        ("fct_mw_assumptions_history", "mw_valuation_assumptions", ("source_firm", "usd_per_mw_point")),
        ("fct_capital_structure", "capital_structure", ("cash_usd", "debt_usd", "btc_held", "shares_outstanding")),
    ):
        lines = lines_of(name)
        rows = warehouse.query(f"select * from marts.{mart}")
        assert len(rows) == len(lines), mart
        for row in rows.to_dict("records"):
            line = lines[row["source_row"]]
            assert row["source_file"] == f"{name}.csv"
            assert row["source_url"] == line["source_url"]
            for column in pairs:
                cell = line[column]
                if column == "firm":
                    assert row[column] == names_of_firms.get(cell.lower(), cell)
                elif isinstance(row[column], str):
                    assert row[column] == cell
                elif cell:
                    assert float(row[column]) == float(cell), (mart, row["source_row"], column)
                else:
                    assert pd.isna(row[column]), (mart, row["source_row"], column)


def test_every_derived_figure_names_pages_of_the_reference(warehouse: FactsWarehouse) -> None:
    pages = {
        row[column]
        for name in (
            "hpc_deals",
            "hpc_deals_as_announced",
            "sites_capacity",
            "capital_structure",
            "mw_valuation_assumptions",
            "rating_changes",
        )
        for row in reference_rows(name)
        for column in ("source_url", "source_url_shares")
        if row.get(column)
    } | {row["source_url"] for row in reference_rows("lease_dcf_assumptions")}
    needs = {
        "shares_outstanding": "shares_outstanding_source_url",
        "cash_usd": "cash_usd_source_url",
        "debt_usd": "debt_usd_source_url",
        "btc_held": "btc_held_source_url",
        "contracted_revenue_usd": "deal_source_urls",
        "contracted_critical_it_mw": "contracted_critical_it_mw_source_urls",
        "planned_critical_it_mw": "site_source_urls",
        "gross_power_mw": "site_source_urls",
        "usd_per_mw": "source_url",
        "present_value_usd_per_critical_it_mw": "source_url",
        "annuity_factor": "discount_rate_source_url",
    }
    tables = (
        "fct_miner_valuation_daily",
        "fct_mw_scenarios",
        "fct_lease_dcf",
        "fct_capital_known",
        "fct_capacity_known",
    )
    for table in tables:
        rows = warehouse.query(f"select * from marts.{table}")
        for figure, page in needs.items():
            if figure in rows and page in rows:
                assert rows.loc[rows[figure].notna(), page].notna().all(), (table, figure)
        for column in rows.columns:
            if column.endswith(("source_url", "source_urls")) and column != "deadline_source_url":
                named = {page for cell in rows[column].dropna().unique() for page in cell.split(" ")}
                assert named <= pages, (table, column, named - pages)


def test_macros_survive_publication(warehouse: FactsWarehouse, tmp_path_factory: pytest.TempPathFactory) -> None:
    published = tmp_path_factory.mktemp("published")
    publish(warehouse.database, published)
    import duckdb

    connection = duckdb.connect(str(published / "minehouse.duckdb"), read_only=True)
    try:
        for call in (
            f"miner_snapshot_asof('{NOTE_DAY}')",
            "deal_flow('2025-09-24', '2025-11-24')",
            f"mw_value('CIFR', '{NOTE_DAY}', 14e6, 480)",
        ):
            there = connection.execute(f"select * from marts.{call} order by all").df()
            here = warehouse.query(f"select * from marts.{call} order by all")
            pd.testing.assert_frame_equal(there, here)
            assert len(there) > 0
    finally:
        connection.close()


def test_leased_mw_name_the_pages_that_they_are_made_of(warehouse: FactsWarehouse) -> None:
    def leased(symbol: str, day: str) -> tuple[float, set[str]]:
        funnel = f"marts.capacity_funnel_asof('{day}')"
        row = warehouse.query(f"select * from {funnel} where symbol = '{symbol}' and stage = 'leased'").iloc[0]
        return row["mw"], {page.split("/")[2] for page in row["source_urls"].split(" ")}

    # two Fluidstack contracts, and AWS without critical IT MW; what an analyst counts is no total of the company
    assert leased("CIFR", "2025-11-24") == (207, {"www.ainvest.com", "www.sec.gov", "www.stocktitan.net"})
    # the company's own total with its results of August 2026
    assert leased("WULF", "2026-08-05") == (839, {"www.sec.gov"})


def test_what_was_public_earlier_is_the_line_without_its_later_terms(warehouse: FactsWarehouse) -> None:
    lines, withheld = lines_of("hpc_deals"), reference_rows("hpc_deals_as_announced")
    rows = warehouse.query("select * from marts.fct_hpc_deals_history where not is_current").to_dict("records")
    assert len(rows) == len(withheld)
    for row in rows:
        line = lines[row["source_row"]]
        (said,) = [
            other
            for other in withheld
            if (other["deal_id"], other["until_date"]) == (row["deal_id"], str(row["believed_to_date"])[:10])
        ]
        assert (line["deal_id"], row["source_url"]) == (row["deal_id"], said["source_url"])
        assert row["counterparty"] == (said["counterparty"] or line["counterparty"])
        for column in (
            "critical_it_mw",
            "gross_mw",
            "contract_value_usd",
            "term_years",
            "max_value_with_extensions_usd",
        ):
            is_told = line[column] and column not in said["not_public"].split("; ")
            assert (row[column] == float(line[column])) if is_told else pd.isna(row[column]), (said, column)


def is_priced(row: dict[str, str]) -> bool:
    """Whether the line of a contract states value, critical IT MW and term."""
    return all(row[column] for column in ("contract_value_usd", "critical_it_mw", "term_years"))


def lines_of(name: str) -> dict[int, dict[str, str]]:
    """The rows of a reference file by the line they begin on."""
    with (REFERENCE / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = next(reader)
        lines, begins = {}, reader.line_num + 1
        for fields in reader:
            lines[begins] = dict(zip(header, fields, strict=True))
            begins = reader.line_num + 1
    return lines
