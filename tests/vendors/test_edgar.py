"""EDGAR on this machine: what is read, what is said when it cannot be, and what is asked of the SEC for it."""

from __future__ import annotations

import datetime as dt
import json
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from fake_edgar import (
    CONTACT,
    SLOW_DOWN,
    UNAVAILABLE,
    Listed,
    Sec,
    company_facts,
    foreign,
    instant,
    lease,
    notes,
    page,
    serving_edgar,
)
from fake_vendors import WEB_PAGE, body, cut_off, status
from pydantic import SecretStr

from dagster_project.assets.ingest.filings import CANDIDATES_KEY, filing_assets
from dagster_project.assets.ingest.raw_table import LoadPolicy
from dagster_project.automation.filings import MOST_TIMES, READ_FILINGS, new_filings
from dagster_project.contracts.filings import FILING_CONTRACTS
from dagster_project.settings import PROJECT_DIR, Settings, SettingsError
from dagster_project.sources.base import EmptyFetchError, SwitchedOffError
from dagster_project.sources.curated import CuratedFacts
from dagster_project.sources.filings.capital import fetch_capital_facts
from dagster_project.sources.filings.deals import Findings, find
from dagster_project.sources.filings.edgar import PER_SECOND, Company, Edgar
from dagster_project.sources.http import RetryPolicy
from dagster_project.warehouse.load import create_tables
from dagster_project.warehouse.resource import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from vendor_house import TurnedClock

    Load = Callable[[Mapping[str, str]], Settings]

RETRY_POLICY = RetryPolicy(tries=3, first_wait=1.0, timeout=2.0, budget=300.0)
ONE, TWO = Company("CLSK", "0000827876"), Company("IREN", "0001878848")
SHARES = "dei:EntityCommonStockSharesOutstanding"
CASH = "us-gaap:CashAndCashEquivalentsAtCarryingValue"
QUARTER, YEAR = "0000827876-25-000045", "0000827876-25-000061"


def facts_of_one() -> dict[str, Any]:
    """A quarter, and a year that repeats it; a concept that is not read, a unit that is not read, an old fact."""
    return company_facts(
        ONE.cik,
        {
            SHARES: ("shares", [instant("2025-08-05", 281_000_000, QUARTER, "2025-08-07")]),
            CASH: (
                "USD",
                [
                    instant("2018-09-30", 1.0, "0000827876-18-000001", "2018-12-01", "10-K"),
                    instant("2025-06-30", 34_559_000, QUARTER, "2025-08-07"),
                    instant("2025-06-30", 34_559_000, QUARTER, "2025-08-07") | {"frame": "CY2025Q2I"},
                    instant("2025-06-30", 34_600_000, YEAR, "2025-11-18", "10-K"),
                ],
            ),
            "us-gaap:ConvertibleNotesPayableNoncurrent": (
                "USD",
                [instant("2025-06-30", 643_000_000, QUARTER, "2025-08-07")],
            ),
            "us-gaap:Assets": ("USD", [instant("2025-06-30", 3e9, QUARTER, "2025-08-07")]),
            "us-gaap:LongTermDebt": ("CAD", [instant("2025-06-30", 8e8, QUARTER, "2025-08-07")]),
        },
    )


@dataclass
class Archive:
    """EDGAR, a clock, and a source that knows both."""

    sec: Sec
    clock: TurnedClock

    def edgar(self, contact: str | None = CONTACT) -> Edgar:
        """EDGAR, as far as this machine."""
        secret = SecretStr(contact) if contact is not None else None
        return Edgar(secret, RETRY_POLICY, self.clock.clock(), self.sec.url, self.sec.url)

    def facts(self, *companies: Company) -> Any:
        """The batch of capital facts."""
        return fetch_capital_facts(self.edgar(), companies or (ONE,))


@pytest.fixture
def archive(turned_clock: TurnedClock) -> Iterator[Archive]:
    with serving_edgar() as sec:
        sec.facts[ONE.cik] = facts_of_one()
        sec.facts[TWO.cik] = company_facts(
            TWO.cik, {SHARES: ("shares", [instant("2025-11-01", 283e6, "0001878848-25-000100", "2025-11-06")])}
        )
        sec.filings = {ONE.cik: [], TWO.cik: []}
        yield Archive(sec, turned_clock)


# Capital facts


def test_each_fact_comes_once_with_its_filing_and_its_tag(archive: Archive) -> None:
    batch = archive.facts()
    rows = [
        (row["measure"], row["concept"], str(row["period_end_date"]), row["amount"], row["form"], row["accession"])
        for row in batch.rows.to_pylist()
    ]
    assert rows == [
        ("shares_outstanding", SHARES, "2025-08-05", 281e6, "10-Q", QUARTER),
        ("cash_usd", CASH, "2025-06-30", 34_559_000.0, "10-Q", QUARTER),
        ("cash_usd", CASH, "2025-06-30", 34_600_000.0, "10-K", YEAR),
        ("debt_part_usd", "us-gaap:ConvertibleNotesPayableNoncurrent", "2025-06-30", 643e6, "10-Q", QUARTER),
    ]
    first = batch.rows.to_pylist()[0]
    assert str(first["filed_date"]) == "2025-08-07"
    assert first["source_url"] == (
        "https://www.sec.gov/Archives/edgar/data/827876/000082787625000045/0000827876-25-000045-index.htm"
    )
    assert batch.rejects == ()


def test_the_contact_is_said_to_the_sec_and_to_nobody_else(
    archive: Archive, caplog: pytest.LogCaptureFixture, load: Load
) -> None:
    caplog.set_level(logging.DEBUG)
    archive.sec.fail("/api/", status(429), status(403))
    with pytest.raises(EmptyFetchError) as caught:
        archive.facts()
    assert set(archive.sec.agents) == {f"Minehouse {CONTACT}"}
    edgar = archive.edgar()
    settings = load({"MINEHOUSE_SEC_CONTACT": CONTACT})
    assert settings.sec_contact is not None
    for shown in (
        str(caught.value),
        repr(caught.value.__cause__),
        repr(edgar),
        str(edgar),
        repr(settings),
        caplog.text,
    ):
        assert CONTACT not in shown
        assert "prairiehash" not in shown


@pytest.mark.parametrize("given", ["nobody", "a b@c.org", "x@y.org\r\nX-Evil: 1", "x@y"])
def test_a_contact_has_to_be_an_address_and_is_not_repeated(given: str, load: Load) -> None:
    with pytest.raises(SettingsError) as caught:
        load({"MINEHOUSE_SEC_CONTACT": given})
    assert str(caught.value) == "MINEHOUSE_SEC_CONTACT is not an e-mail address"


def test_without_a_contact_nobody_is_asked(archive: Archive, load: Load) -> None:
    assert load({}).sec_contact is None
    with pytest.raises(SwitchedOffError):
        fetch_capital_facts(archive.edgar(contact=None), (ONE,))
    assert archive.sec.asked == []


def test_a_contact_without_an_address_is_refused_by_the_sec(archive: Archive) -> None:
    with pytest.raises(EmptyFetchError, match="HTTP 403"):
        fetch_capital_facts(archive.edgar(contact="somebody"), (ONE, TWO))
    assert len(archive.sec.asked) == 1, "a refusal holds for all companies"


def test_requests_keep_their_pace(archive: Archive) -> None:
    batch = archive.facts(ONE, TWO, ONE, TWO)
    assert batch.missing == {}
    assert archive.clock.waits == pytest.approx([1 / PER_SECOND] * 7)
    assert PER_SECOND * 2 <= 8, "a sensor and a run together"


def test_what_may_pass_is_tried_again(archive: Archive) -> None:
    archive.sec.fail("/api/", status(429, Retry_After="7"), status(503))
    assert archive.facts().rows.num_rows == 4
    assert archive.clock.waits[0] == 7.0
    assert len(archive.sec.asked) == 4, "thrice for the facts, once for the times of acceptance"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (WEB_PAGE, "a web page came instead of data"),
        (cut_off, "cut off"),
        (body("{}"), "no facts"),
        (body("[]"), "no facts"),
        (body('{"cik": 1, "facts": {}}'), "not about CIK 0000827876"),
        (body('{"cik": 827876, "facts": {}}'), "none of the concepts"),
        (body(json.dumps({"cik": 827876, "facts": {"us-gaap": {CASH[8:]: {"label": "x"}}}})), "no units"),
        (
            body(json.dumps({"cik": 827876, "facts": {"us-gaap": {CASH[8:]: {"units": {"USD": [{"val": 1}]}}}}})),
            "an entry without end, val",
        ),
        (status(404), "HTTP 404"),
    ],
    ids=["web page", "cut off", "no facts", "a list", "another company", "empty", "no units", "no end", "unknown"],
)
def test_one_company_at_fault_leaves_the_others(archive: Archive, fault: Any, said: str) -> None:
    archive.sec.fail(f"CIK{ONE.cik}", *[fault] * RETRY_POLICY.tries)
    batch = archive.facts(ONE, TWO)
    assert said in batch.missing["CLSK"]
    assert batch.rows["symbol"].unique().to_pylist() == ["IREN"]
    assert [reject.source_file for reject in batch.rejects] == ["edgar CLSK"]


def test_a_server_that_stays_down_is_left_alone(archive: Archive) -> None:
    archive.sec.fail("/api/", *[status(500)] * 100)
    with pytest.raises(EmptyFetchError, match="HTTP 500 after 3 tries"):
        archive.facts(ONE, TWO, *(Company(f"C{at}", f"{at:010}") for at in range(9)))
    assert len(archive.sec.asked) == 2 * RETRY_POLICY.tries


# Texts


def test_the_release_is_read_up_to_its_boilerplate() -> None:
    found = find(lease().documents[1][2])
    assert found is not None
    assert found.title == "Prairie Hash Signs 15-Year, 240 MW AI Data Center Lease with Northwind Compute"
    assert found.snippet.startswith("AMARILLO, Texas, Nov. 17, 2025 (GLOBE NEWSWIRE) — Prairie Hash, Inc.")
    assert found.mw == ("240 MW", "240 MW critical IT", "320 MW gross", "120 MW")
    assert found.usd == ("$4.6 billion", "$7.9 billion", "$1.2 billion"), "no buyback, no hopes"
    assert found.term_years == ("15 years", "fifteen years", "five years (extension)")
    assert found.counterparty == (
        "Northwind Compute",
        "Northwind Compute, Inc",
        "cloud provider",
        "Meridian Cloud Corp",
    )


@pytest.mark.parametrize(
    ("text", "mw", "usd", "years"),
    [
        ("HPC hosting of 1,000 megawatts for US$12bn", ("1,000 MW",), ("US$12bn",), ()),
        (
            "A 2.4-GW data centre, 300 MW gross, 200 MW of critical IT",
            ("2.4 GW", "300 MW gross", "200 MW critical IT"),
            (),
            (),
        ),
        ("Lease of AI space: $665 million over a ten (10) year term", (), ("$665 million",), ("ten years",)),
        ("A lease with a gross capacity of 320 MW, critical IT 240 MW", ("320 MW gross", "240 MW critical IT"), (), ()),
        ("AI campus of 50 MW, founded 12 years ago", ("50 MW",), (), ()),
        ("168 critical IT MW and 244 gross MW of AI", ("168 MW critical IT", "244 MW gross"), (), ()),
        ("AI cloud for USD 1.2 billion, a twenty-five-year lease", (), ("USD 1.2 billion",), ("twenty-five years",)),
        ("Colocation at $450,000 a month and 5 MWh of storage, 80 MW", ("80 MW",), (), ()),
    ],
)
def test_figures_as_they_are_written(
    text: str, mw: tuple[str, ...], usd: tuple[str, ...], years: tuple[str, ...]
) -> None:
    found = find(f"<html><body><p>{text}</p></body></html>")
    assert isinstance(found, Findings)
    assert (found.mw, found.usd, found.term_years) == (mw, usd, years)


def test_an_expansion_is_found_and_its_financing_is_not() -> None:
    found = find(page("expansion_ex991.htm"))
    assert found is not None
    assert found.title == "Prairie Hash and Northwind Compute Expand Sandhill Relationship"
    assert found.mw == ("70 MW critical IT", "100 MW gross")
    assert (found.usd, found.term_years) == (("USD 1.2 billion",), ("thirteen years",))
    assert found.counterparty == ("Northwind Compute",)
    assert not found.is_periodic


def test_a_contract_that_a_foreign_filer_reports() -> None:
    found = find(page("cloud_ex991.htm"))
    assert found is not None
    assert found.title == "Southern Hash Signs $2.4bn AI Cloud Contract with Cumulus Systems"
    assert (found.mw, found.usd, found.term_years) == (("75 MW critical IT",), ("$2.4bn", "US$2.4bn"), ("five years",))
    assert found.counterparty == ("Cumulus Systems",)


def test_an_earnings_release_that_tells_of_an_old_deal_is_marked_as_one() -> None:
    found = find(page("quarter_ex991.htm"))
    assert found is not None
    assert found.is_periodic
    assert found.mw == ("240 MW critical IT",)


@pytest.mark.parametrize(
    ("title", "is_periodic"),
    [
        ("Prairie Hash Announces October 2025 Production and Operations Update", True),
        ("Prairie Hash Reports Q1 FY26 Results with AI revenue", True),
        ("Prairie Hash Provides Full-Year 2025 Financial Results", True),
        ("Prairie Hash Provides Update on Sandhill AI Lease", False),
        ("Prairie Hash Signs Lease; Delivery in First Quarter of 2027", False),
    ],
)
def test_headlines_of_periodic_reports(title: str, is_periodic: bool) -> None:
    found = find(f"<p>{title}</p><p>An AI lease of 50 MW.</p>")
    assert found is not None
    assert found.is_periodic == is_periodic


def test_a_form_has_no_headline() -> None:
    found = find(lease().documents[0][2], has_headline=False)
    assert found is not None
    assert (found.title, found.is_periodic) == ("", False)


@pytest.mark.parametrize(
    "text",
    [
        notes().documents[0][2],
        page("convertible_ex991.htm"),
        page("power_8k.htm"),
        page("cloud_6k.htm"),
        "<p>We mined 620 bitcoin with 50 MW.</p>",
        "<p>We love AI.</p><p>We release 50 MW.</p>",
        "",
    ],
    ids=[
        "notes",
        "convertible notes for a data center",
        "power",
        "cover of a 6-K",
        "mining",
        "no paragraph with both",
        "empty",
    ],
)
def test_what_is_no_candidate(text: str) -> None:
    assert find(text) is None


# The assets and the sensor


@dataclass
class Desk:
    """A warehouse with two companies on its watch list, and EDGAR."""

    archive: Archive
    warehouse: Warehouse
    facts: CuratedFacts
    instance: dg.DagsterInstance

    def run(self, edgar: Edgar, run_config: Any = None, *keys: str) -> dg.ExecuteInProcessResult:
        """Materialise the raw tables of filings (or those named)."""
        wanted = keys or tuple(contract.table for contract in FILING_CONTRACTS)
        return dg.materialize(
            [asset for asset in filing_assets() if asset.key.path[-1] in wanted],
            instance=self.instance,
            run_config=run_config,
            raise_on_error=False,
            resources=self.resources(edgar),
        )

    def resources(self, edgar: Edgar | None = None) -> dict[str, Any]:
        """What the assets need."""
        return {
            "warehouse": self.warehouse,
            "curated_facts": self.facts,
            "edgar": edgar or self.archive.edgar(),
            "load_policy": LoadPolicy(),
        }

    def look(self, cursor: str | None = None, edgar: Edgar | None = None) -> dg.SensorResult:
        """One evaluation of the sensor."""
        with dg.build_sensor_context(instance=self.instance, cursor=cursor) as context:
            seen = new_filings(context, curated_facts=self.facts, edgar=edgar or self.archive.edgar())
        assert isinstance(seen, dg.SensorResult)
        return seen

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the build file."""
        with self.warehouse.read() as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
def desk(archive: Archive, tmp_path: Path) -> Iterator[Desk]:
    from dagster_project.contracts.curated import COMPANIES

    lines = (PROJECT_DIR / "reference" / "companies.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if line.split(",")[0] in ("ticker", ONE.symbol, TWO.symbol)]
    (tmp_path / "companies.csv").write_text("".join(kept), encoding="utf-8")
    warehouse = Warehouse(tmp_path / "build" / "warehouse.duckdb", tmp_path / "published")
    with warehouse.write() as connection:
        create_tables(connection, COMPANIES)
        for symbol in (ONE.symbol, TWO.symbol):
            connection.execute("insert into raw.curated__companies (ticker) values (?)", [symbol])
    with dg.DagsterInstance.ephemeral() as instance:
        yield Desk(archive, warehouse, CuratedFacts(tmp_path), instance)


def _failed(result: dg.ExecuteInProcessResult) -> set[str]:
    return {
        f"{check.asset_key.path[-1]}.{check.check_name}"
        for check in result.get_asset_check_evaluations()
        if not check.passed
    }


def test_switched_off_the_tables_are_there_and_empty(desk: Desk) -> None:
    result = desk.run(desk.archive.edgar(contact=None))
    assert result.success
    assert _failed(result) == set()
    for contract in FILING_CONTRACTS:
        (made,) = result.asset_materializations_for_node(f"raw__{contract.table}")
        assert made.metadata["status"].value == "switched off: MINEHOUSE_SEC_CONTACT is not set"
        assert desk.ask(f"select count(*) from raw.{contract.table}") == [(0,)]
    assert desk.look(edgar=desk.archive.edgar(contact=None)).skip_reason is not None
    assert desk.archive.sec.asked == []


def test_capital_facts_are_loaded_and_loading_again_changes_nothing(desk: Desk) -> None:
    for _ in range(2):
        result = desk.run(desk.archive.edgar(), None, "edgar__capital_facts")
        assert _failed(result) == set()
        assert desk.ask("select count(*), count(valid_to) from raw.edgar__capital_facts") == [(5, 0)]


def test_two_amounts_for_one_fact_of_one_filing_are_not_chosen_between(desk: Desk) -> None:
    entries = desk.archive.sec.facts[ONE.cik]["facts"]["us-gaap"][CASH[8:]]["units"]["USD"]
    entries.append(instant("2025-06-30", 99.0, QUARTER, "2025-08-07"))
    result = desk.run(desk.archive.edgar(), None, "edgar__capital_facts")
    assert _failed(result) == {"edgar__capital_facts.quarantine_is_empty"}
    assert desk.ask("select count(*) from raw.edgar__capital_facts where concept like '%Cash%'") == [(1,)]


def test_a_new_filing_starts_a_run_once_and_becomes_a_candidate(desk: Desk) -> None:
    sec = desk.archive.sec
    old = Listed("0001213900-25-090000", "2025-09-01", "1.01,9.01")
    other_item = Listed("0001213900-25-110000", "2025-11-10", "5.02")
    other_form = Listed("0001213900-25-110001", "2025-11-11", "", form="10-Q")
    sec.filings[ONE.cik] = [lease(), other_form, other_item, old]
    first = desk.look()
    assert first.run_requests is not None
    (request,) = first.run_requests
    asked_for = request.run_config["ops"]["raw__deal_candidates"]["config"]["filings"]
    assert [filing["accession"] for filing in asked_for] == ["0001213900-25-111222"]
    again = desk.look(first.cursor)
    assert not again.run_requests
    assert again.skip_reason is not None
    assert again.skip_reason.skip_message == "no new filing"

    for _ in range(2):
        result = desk.run(desk.archive.edgar(), request.run_config, "deal_candidates")
        assert result.success
        assert _failed(result) == set()
    columns = "candidate_id, symbol, company_name, filed_date, items, mw_found, usd_found, term_years_found, url"
    assert desk.ask(f"select {columns} from raw.deal_candidates") == [
        (
            "0001213900-25-111222",
            "CLSK",
            "Prairie Hash, Inc.",
            dt.date(2025, 11, 17),
            "1.01,7.01,9.01",
            "240 MW; 240 MW critical IT; 320 MW gross; 120 MW",
            "$4.6 billion; $7.9 billion; $1.2 billion",
            "15 years; fifteen years; five years (extension)",
            "https://www.sec.gov/Archives/edgar/data/827876/000121390025111222/ea0266001-ex991_prairie.htm",
        )
    ]

    sec.filings[ONE.cik].insert(0, notes())
    third = desk.look(again.cursor)
    assert third.run_requests is not None
    assert third.run_requests[0].run_key != request.run_key
    result = desk.run(desk.archive.edgar(), third.run_requests[0].run_config, "deal_candidates")
    assert _failed(result) == set(), "convertible notes are no deal, and no fault"
    assert desk.ask("select count(*) from raw.deal_candidates where valid_to is null") == [(1,)]


def test_a_6k_of_a_foreign_filer_becomes_a_candidate(desk: Desk) -> None:
    desk.archive.sec.filings[TWO.cik] = [foreign()]
    looked = desk.look()
    assert looked.run_requests is not None
    result = desk.run(desk.archive.edgar(), looked.run_requests[0].run_config, "deal_candidates")
    assert _failed(result) == set(), "a 6-K names no items, and need not"
    columns = "candidate_id, symbol, form, items, title, usd_found, is_periodic"
    assert desk.ask(f"select {columns} from raw.deal_candidates") == [
        (
            "0001878848-25-000222",
            "IREN",
            "6-K",
            None,
            "Southern Hash Signs $2.4bn AI Cloud Contract with Cumulus Systems",
            "$2.4bn; US$2.4bn",
            False,
        )
    ]


def test_a_refresh_without_the_sensor_finds_the_same(desk: Desk) -> None:
    desk.archive.sec.filings[ONE.cik] = [notes(), lease()]
    assert _failed(desk.run(desk.archive.edgar(), None, "deal_candidates")) == set()
    assert desk.ask("select candidate_id from raw.deal_candidates") == [("0001213900-25-111222",)]
    asked = len(desk.archive.sec.asked)
    assert _failed(desk.run(desk.archive.edgar(), None, "deal_candidates")) == set()
    read_again = [path for path in desk.archive.sec.asked[asked:] if "111222" in path]
    assert read_again == [], "a candidate is not read twice"


def test_a_filing_that_cannot_be_read_waits_in_quarantine(desk: Desk) -> None:
    desk.archive.sec.filings[ONE.cik] = [notes(), lease()]
    desk.archive.sec.bodies["000121390025112333"] = UNAVAILABLE
    result = desk.run(desk.archive.edgar(), None, "deal_candidates")
    assert _failed(result) == {"deal_candidates.quarantine_is_empty"}
    ((said,),) = desk.ask("select reason from quarantine.deal_candidates")
    assert said.endswith("an error page came instead of a document")
    assert desk.ask("select count(*) from raw.deal_candidates") == [(1,)]
    desk.archive.sec.bodies["000121390025112333"] = "<html><p>Welcome to our new index</p></html>"
    desk.run(desk.archive.edgar(), None, "deal_candidates")
    assert desk.ask("select count(*) from quarantine.deal_candidates where reason like '%lists no document'") == [(1,)]


def test_a_page_that_says_slow_down_ends_the_visit(desk: Desk) -> None:
    desk.archive.sec.filings[ONE.cik] = [notes(), lease()]
    desk.archive.sec.bodies["/Archives/"] = SLOW_DOWN
    result = desk.run(desk.archive.edgar(), None, "deal_candidates")
    assert _failed(result) == {"deal_candidates.batch_is_accepted", "deal_candidates.quarantine_is_empty"}
    assert sum("/Archives/" in path for path in desk.archive.sec.asked) == 1


@pytest.mark.parametrize("fault", [status(403), WEB_PAGE, body('{"filings": {"recent": {"form": []}}}')])
def test_the_sensor_forgets_nothing_while_the_list_cannot_be_read(desk: Desk, fault: Any) -> None:
    desk.archive.sec.filings[ONE.cik] = [lease()]
    first = desk.look()
    desk.archive.sec.fail("/submissions/", *[fault] * 2)
    second = desk.look(first.cursor)
    assert not second.run_requests
    assert second.cursor == first.cursor
    assert second.skip_reason is not None
    assert "not listed: CLSK, IREN" in str(second.skip_reason.skip_message)
    assert not desk.look(second.cursor).run_requests


def _read(desk: Desk, looked: dg.SensorResult) -> dg.ExecuteInProcessResult:
    """What Dagster does with a run request: a run of that job, with that configuration."""
    assert looked.run_requests, looked.skip_reason
    assets = [asset for asset in filing_assets() if asset.key == CANDIDATES_KEY]
    job = dg.Definitions(assets=assets, jobs=[READ_FILINGS], resources=desk.resources()).resolve_job_def("read_filings")
    return job.execute_in_process(
        run_config=looked.run_requests[0].run_config, instance=desk.instance, raise_on_error=False
    )


def _asked_for(looked: dg.SensorResult) -> list[str]:
    config = looked.run_requests[0].run_config if looked.run_requests else {"ops": {}}
    op = config["ops"].get("raw__deal_candidates", {"config": {"filings": []}})
    return [filing["accession"] for filing in op["config"]["filings"]]


def test_a_filing_that_could_not_be_read_is_asked_for_again(desk: Desk) -> None:
    sec = desk.archive.sec
    sec.filings[ONE.cik] = [notes(), lease()]
    looked = desk.look()
    sec.fail("000121390025111222", *[status(503)] * RETRY_POLICY.tries)
    assert _read(desk, looked).success
    assert desk.ask("select count(*) from raw.deal_candidates") == [(0,)]
    again = desk.look(looked.cursor)
    assert _asked_for(again) == ["0001213900-25-111222"], "what was read is not asked for again"
    assert again.run_requests is not None
    assert looked.run_requests is not None
    assert again.run_requests[0].run_key != looked.run_requests[0].run_key
    _read(desk, again)
    assert desk.ask("select candidate_id from raw.deal_candidates") == [("0001213900-25-111222",)]
    assert _asked_for(desk.look(again.cursor)) == []


def test_a_filing_that_can_never_be_read_is_let_go(desk: Desk) -> None:
    desk.archive.sec.filings[ONE.cik] = [lease()]
    desk.archive.sec.bodies["000121390025111222"] = UNAVAILABLE
    looked, runs = desk.look(), 0
    while looked.run_requests:
        _read(desk, looked)
        looked, runs = desk.look(looked.cursor), runs + 1
        assert runs < 10
    assert runs == MOST_TIMES


def test_a_run_that_failed_is_asked_for_again(desk: Desk) -> None:
    desk.archive.sec.filings[ONE.cik] = [lease()]
    looked = desk.look()
    build = desk.warehouse.build_database
    kept = build.read_bytes()
    build.write_text("no database")
    assert not _read(desk, looked).success
    build.write_bytes(kept)
    assert _asked_for(desk.look(looked.cursor)) == ["0001213900-25-111222"]


def test_a_cursor_of_an_older_version_is_understood(desk: Desk) -> None:
    desk.archive.sec.filings[ONE.cik] = [lease()]
    assert not desk.look(json.dumps({ONE.symbol: ["0001213900-25-111222"]})).run_requests


def test_one_list_that_cannot_be_read_is_a_warning(desk: Desk) -> None:
    desk.archive.sec.fail(f"/submissions/CIK{ONE.cik}", status(404))
    result = desk.run(desk.archive.edgar(), None, "deal_candidates")
    assert _failed(result) == {"deal_candidates.quarantine_is_empty"}


def test_lists_that_cannot_be_read_are_told_by_the_run(desk: Desk) -> None:
    desk.archive.sec.fail("/submissions/", *[status(404)] * 2)
    assert _failed(desk.run(desk.archive.edgar(), None, "deal_candidates")) == {"deal_candidates.batch_is_accepted"}


def test_the_sensor_looks_for_less_than_dagster_waits(desk: Desk) -> None:
    patient = desk.archive.edgar()
    hurried = replace(patient, retry_policy=replace(patient.retry_policy, tries=100, budget=1_000.0))
    desk.archive.sec.fail("/submissions/", *[status(503, Retry_After="30")] * 100)
    assert not desk.look(edgar=hurried).run_requests
    assert sum(desk.archive.clock.waits) < 60
