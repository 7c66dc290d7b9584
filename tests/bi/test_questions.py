"""The questions of the published file at their edges: the day itself, one session back, the last of several results."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from bi import questions
from bi.brief import words
from bi.published import PublishedFile

if TYPE_CHECKING:
    from conftest import Pipeline

DAY = dt.date(2025, 11, 24)
FRIDAY, THURSDAY = dt.date(2025, 11, 21), dt.date(2025, 11, 20)


@pytest.fixture
def published(sample: Pipeline) -> PublishedFile:
    """The published file of the sample."""
    return PublishedFile(sample.settings.published_database)


@pytest.fixture
def after(sample: Pipeline, tmp_path: Path) -> Callable[..., PublishedFile]:
    """A copy of it after some SQL."""

    def spoil(*statements: str) -> PublishedFile:
        copy = Path(shutil.copyfile(sample.settings.published_database, tmp_path / "minehouse.duckdb"))
        with duckdb.connect(str(copy)) as connection:
            connection.execute("use marts")
            for statement in statements:
                connection.execute(statement)
        return PublishedFile(copy)

    return spoil


def test_so_many_sessions_are_that_many(published: PublishedFile) -> None:
    assert questions.bars(published, "CLSK", DAY, 3)["trade_date"].to_pylist() == [THURSDAY, FRIDAY, DAY]
    back = [questions.session_back(published, DAY, sessions)["session_date"].to_pylist() for sessions in (0, 1, 2)]
    assert back == [[DAY], [FRIDAY], [THURSDAY]]


def test_totals_are_of_the_firm_contracts_that_are_listed(published: PublishedFile) -> None:
    for day in (dt.date(2025, 10, 1), DAY):
        firm = [row for row in questions.deals(published, day).to_pylist() if row["is_firm"]]
        (totals,) = questions.deal_totals(published, day).to_pylist()
        stated: dict[str, list[Any]] = {
            name: [row[name] for row in firm if row[name] is not None]
            for name in ("contract_value_usd", "critical_it_mw")
        }
        assert totals["firm_deals"] == len(firm)
        assert totals["deals_with_value"] == len(stated["contract_value_usd"])
        assert totals["deals_with_value"] != totals["deals_with_critical_it_mw"], "the two would be told apart"
        for name, figures in stated.items():
            assert totals[name] == pytest.approx(sum(figures))
            assert firm[-1][f"cumulative_{name}"] == pytest.approx(sum(figures))


def test_a_lease_is_told_from_the_day_of_its_announcement(published: PublishedFile) -> None:
    leases = questions.lease_economics(published, dt.date(2100, 1, 1)).to_pylist()
    for day in {row["announced_date"] for row in leases}:
        told = questions.lease_economics(published, day).to_pylist()
        assert {row["deal_id"] for row in told} <= {row["deal_id"] for row in leases if row["announced_date"] <= day}
        terms = {
            row["deal_id"]: row for row in published.query("select * from deals_asof($day)", {"day": day}).to_pylist()
        }
        for row in told:
            assert row["is_standing"] == (row["deal_id"] in terms), "an ended one stays in the list and says so"
            if row["is_standing"]:
                assert row["critical_it_mw"] == terms[row["deal_id"]]["critical_it_mw"]
                assert row["counterparty"] == terms[row["deal_id"]]["counterparty"]


def test_the_last_result_of_a_check_is_shown_and_every_run_counted(after: Callable[..., PublishedFile]) -> None:
    published = after(
        """insert into data_quality_results by name
           select * replace ('earlier' as run_id, checked_at - interval 1 day as checked_at, false as passed)
           from data_quality_results""",
        "update data_quality_results set passed = false where run_id <> 'earlier' and table_name = 'fct_hpc_deals'",
    )
    rows = questions.data_quality(published).to_pylist()
    assert len({(row["table_name"], row["check_name"]) for row in rows}) == len(rows) > 500
    failed = [row for row in rows if not row["passed"]]
    assert {row["table_name"] for row in failed} == {"fct_hpc_deals"}
    assert rows[: len(failed)] == failed, "failures first"
    last, earlier = questions.quality_history(published).to_pylist()
    assert (last["checks"], earlier["checks"]) == (len(rows), len(rows))
    assert last["failed_severe"] + last["failed_worth_a_look"] == len(failed)
    assert last["failed_severe"] == sum(row["severity"] == "ERROR" for row in failed)
    assert earlier["failed_severe"] + earlier["failed_worth_a_look"] == len(rows)


def test_only_what_stands_is_counted_as_a_published_value(after: Callable[..., PublishedFile]) -> None:
    one = "(select min(rowid) from fct_mw_assumptions_history where is_current)"
    published = after(f"update fct_mw_assumptions_history set is_current = false where rowid = {one}")
    stands = published.query("select count(*) as rows from fct_mw_assumptions_history where is_current")
    told = {row["kind"]: row["rows"] for row in questions.freshness(published).to_pylist()}
    assert told["Published values per MW"] == stands["rows"][0].as_py()


def test_amounts_in_words_of_their_size() -> None:
    told = [words.money(amount) for amount in (1e9, 999.9e6, 999.96e6, -1e9, 9.7e9, 0.0)]
    assert told == ["$1.00 bn", "$999.9m", "$1.00 bn", "−$1.00 bn", "$9.70 bn", "$0.0m"]
