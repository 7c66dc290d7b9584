"""Company facts of the SEC become balance sheets, from the right session on and never over a curated row.

The answers are in the SEC's own layout (company facts, submissions), from a local server; the figures are invented.
"""

from __future__ import annotations

import datetime as dt

import pytest
from facts_warehouse import FIRST_LOAD, REFERENCE, FactsWarehouse, build, made_up_prices, sessions_between
from fake_edgar import Listed, company_facts, instant, serving_edgar
from pydantic import SecretStr

from dagster_project.sources.filings.capital import fetch_capital_facts
from dagster_project.sources.filings.edgar import Company, Edgar, accepted_times

WULF = Company("WULF", "0001083301")
SHARES, CASH = "dei:EntityCommonStockSharesOutstanding", "us-gaap:CashAndCashEquivalentsAtCarryingValue"
ALL_DEBT = "us-gaap:DebtLongtermAndShorttermCombinedAmount"
ANNUAL, QUARTER, AMENDED = "0001083301-26-000031", "0001083301-26-000077", "0001083301-26-000099"
FILED = {
    # after the bell in New York: this filer's stamps are New York time
    ANNUAL: ("2026-02-26", "10-K", "2026-02-26T16:31:02.000Z"),
    QUARTER: ("2026-05-08", "10-Q", "2026-05-08T08:15:00.000Z"),
    AMENDED: ("2026-05-19", "10-Q/A", "2026-05-19T07:05:11.000Z"),
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> FactsWarehouse:
    """TeraWulf's annual report, the quarter after it, and an amendment that restates the quarter's cash."""
    facts = company_facts(
        WULF.cik,
        {
            SHARES: ("shares", [instant("2026-02-20", 431_000_000, ANNUAL, "2026-02-26", "10-K")]),
            CASH: (
                "USD",
                [
                    # the curated row of that day says 711,315,000
                    instant("2025-09-30", 700_000_000, ANNUAL, "2026-02-26", "10-K"),
                    instant("2025-12-31", 3_100_000_000, ANNUAL, "2026-02-26", "10-K"),
                    instant("2026-03-31", 2_900_000_000, QUARTER, "2026-05-08"),
                    instant("2026-03-31", 2_800_000_000, AMENDED, "2026-05-19", "10-Q/A"),
                ],
            ),
            ALL_DEBT: ("USD", [instant("2025-12-31", 5_000_000_000, ANNUAL, "2026-02-26", "10-K")]),
            "us-gaap:LongTermDebt": ("USD", [instant("2026-03-31", 5_100_000_000, QUARTER, "2026-05-08")]),
        },
    )
    with serving_edgar() as sec:
        sec.facts[WULF.cik] = facts
        sec.filings = {
            WULF.cik: [
                Listed(accession, filed, "", form=form, accepted=at) for accession, (filed, form, at) in FILED.items()
            ]
        }
        edgar = Edgar(SecretStr("a@b.example"), data_server=sec.url, archive_server=sec.url)
        batch = fetch_capital_facts(edgar, (WULF,))
    prices = made_up_prices(dt.date(2025, 6, 2), dt.date(2026, 8, 31))
    days = sessions_between(dt.date(2024, 1, 1), dt.date(2026, 11, 25))
    return build(tmp_path_factory.mktemp("sec"), {FIRST_LOAD: REFERENCE}, prices, days, sec_facts=batch)


def _known(warehouse: FactsWarehouse, day: str) -> dict[str, object]:
    return warehouse.query(f"select * from marts.capital_asof('{day}') where symbol = 'WULF'").iloc[0].to_dict()


def test_a_filing_after_the_bell_changes_the_valuation_of_the_next_session(warehouse: FactsWarehouse) -> None:
    days = warehouse.query(
        """select trade_date::varchar as day, net_debt_usd, shares_outstanding, market_cap_usd / close as used,
                  enterprise_value_usd - market_cap_usd as added
           from marts.fct_miner_valuation_daily
           where symbol = 'WULF' and trade_date in ('2026-02-26', '2026-02-27') order by 1"""
    )
    # Thursday after the close counts on Friday: 5.0bn of debt less 3.1bn of cash
    assert days["day"].tolist() == ["2026-02-26", "2026-02-27"]
    assert days.loc[0, "net_debt_usd"] != 1.9e9
    assert days.loc[1, ["net_debt_usd", "added"]].tolist() == pytest.approx([1.9e9, 1.9e9])
    assert days["shares_outstanding"].tolist()[1] == 431_000_000
    assert days["used"].tolist() == pytest.approx(days["shares_outstanding"].tolist())


def test_a_figure_names_its_tag_and_its_filing(warehouse: FactsWarehouse) -> None:
    known = _known(warehouse, "2026-03-02")
    assert known["cash_usd_filing"] == f"{CASH} in {ANNUAL}"
    assert known["debt_usd_filing"] == f"{ALL_DEBT} in {ANNUAL}"
    assert known["cash_usd_source_url"].endswith(f"{ANNUAL}-index.htm")  # type: ignore[attr-defined]
    assert known["net_debt_coverage"] == "complete"


def test_curated_figures_win_and_the_conflict_is_listed(warehouse: FactsWarehouse) -> None:
    facts = "select distinct amount from intermediate.int_capital_facts where symbol = 'WULF' and measure = 'cash_usd'"
    assert warehouse.query(f"{facts} and amount_date = '2025-09-30'")["amount"].tolist() == [711_315_000]


def test_what_was_first_reported_stands_until_it_is_restated(warehouse: FactsWarehouse) -> None:
    assert _known(warehouse, "2026-05-18")["cash_usd"] == 2.9e9
    assert _known(warehouse, "2026-05-19")["cash_usd"] == 2.8e9


def test_long_term_debt_alone_is_a_part_and_never_a_total(warehouse: FactsWarehouse) -> None:
    known = _known(warehouse, "2026-05-11")
    assert known["net_debt_coverage"] == "partial: an instrument of debt is not known"
    assert not known["net_debt_is_complete"]
    assert (known["partial_debt_usd"], known["debt_usd"]) == (5.1e9, 5.0e9)


@pytest.mark.parametrize(
    ("stamps", "read"),
    [
        # an hour at which EDGAR is closed in New York, so UTC
        (["2025-11-25T21:05:00.000Z", "2025-11-20T22:30:00.000Z"], "2025-11-25T16:05:00"),
        # 7 in the morning is 2 at night when read as UTC: New York time
        (["2025-11-25T16:05:00.000Z", "2025-11-20T07:30:00.000Z"], "2025-11-25T16:05:00"),
        # nothing tells: the later of the two
        (["2025-11-25T15:05:00.000Z"], "2025-11-25T15:05:00"),
    ],
    ids=["utc", "new york", "unclear"],
)
def test_the_clock_of_a_filer_is_told_by_the_hours_at_which_edgar_is_closed(stamps: list[str], read: str) -> None:
    told = {
        "filings": {"recent": {"accessionNumber": [str(at) for at in range(len(stamps))], "acceptanceDateTime": stamps}}
    }
    assert accepted_times(told, WULF)["0"].isoformat() == read
