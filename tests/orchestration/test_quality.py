"""What checks found is data: every check of every tool and run, in words, and Great Expectations' own pages."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import dagster as dg
import duckdb

from dagster_project.assets.ingest.curated import CURATED_FEEDS
from dagster_project.warehouse.quality import CheckRecord, append_check_records, forget_old_records, last_checked_at

RESULTS = "marts.data_quality_results"


def test_the_sample_raises_nothing(sample: Any) -> None:
    assert sample.query(f"select table_name, check_name, observed from {RESULTS} where not passed") == []


def test_every_tool_says_what_it_asked_in_words(sample: Any) -> None:
    counted = dict(sample.query(f"select tool, count(*) from {RESULTS} group by tool"))
    assert counted["great_expectations"] > 250, "an expectation is a record"
    assert counted["dbt"] > 100
    assert counted["dagster"] > 40
    assert counted["gate"] > 40
    assert sample.query(f"select check_name from {RESULTS} where coalesce(check_title, '') = ''") == []
    asked = sample.query(f"select check_name from {RESULTS} where table_name = 'curated__hpc_deals' and tool <> 'dbt'")
    assert {("no ticker is not in the reference list of companies",), ("no row repeats another",)} <= set(asked)
    title = f"select check_title from {RESULTS} where check_name = 'rents_are_usual'"
    assert sample.query(title) == [("The rent per MW and year is of the order that others have.",)]


def test_the_pages_of_great_expectations_are_there_and_fetch_nothing(sample: Any) -> None:
    folder = sample.settings.data_docs_dir
    pages = {page.stem for page in folder.glob("*.html")}
    assert {feed.contract.table for feed in CURATED_FEEDS} | {"market__daily_prices", "index"} <= pages
    assert "curated__hpc_deals.html" in (folder / "index.html").read_text()
    page = (folder / "curated__hpc_deals.html").read_text()
    assert "announced_date" in page
    assert not re.findall(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=", page)


def test_a_run_of_one_table_is_recorded_by_the_next_record(make_pipeline: Callable[..., Any]) -> None:
    pipeline = make_pipeline()
    first = pipeline.run(dg.AssetSelection.assets("raw/curated__firm_aliases"))
    assert first.success
    record = pipeline.run(dg.AssetSelection.assets("marts/data_quality_results"))
    assert record.success
    kept = pipeline.query_build(
        f"select run_id, tool, count(*) > 0 from {RESULTS} where table_name = 'curated__firm_aliases' group by all"
    )
    assert {(run, tool) for run, tool, _ in kept} >= {(first.run_id, "great_expectations"), (first.run_id, "dagster")}


def _record(run_id: str, checked_at: dt.datetime) -> CheckRecord:
    return CheckRecord(run_id, checked_at, "raw", "t", "c", "dbt", "WARN", True, None, None, "What it asks")


def test_old_results_are_forgotten_and_an_older_table_gains_its_column() -> None:
    old, new = dt.datetime(2025, 1, 1), dt.datetime(2026, 6, 1)  # noqa: DTZ001
    with duckdb.connect() as con:
        append_check_records(con, [_record("old", old), _record("new", new)])
        con.execute(f"alter table {RESULTS} drop column check_title")
        assert append_check_records(con, [_record("new", new), _record("newest", new)]) == 1
        assert con.execute(f"select check_title from {RESULTS} where run_id = 'newest'").fetchall() == [
            ("What it asks",)
        ]
        assert forget_old_records(con, 400, dt.datetime(2026, 7, 1)) == 1  # noqa: DTZ001
        assert con.execute(f"select run_id from {RESULTS} order by 1").fetchall() == [("new",), ("newest",)]
        assert last_checked_at(con) == new
