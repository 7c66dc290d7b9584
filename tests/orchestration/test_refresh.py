"""The whole pipeline: what it gives, that it can be run again, and what a bad file does to it."""

import csv
import datetime as dt
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
from yahoo_frames import frame, note

from dagster_project.contracts.batch import Batch, HandOver
from dagster_project.contracts.tables import RAW_TABLES
from dagster_project.sessions import exchange_sessions, last_complete_session
from dagster_project.sources.base import SourceError, UnknownSymbolError
from dagster_project.sources.prices.base import PriceRequest
from dagster_project.sources.prices.files import FilePrices
from dagster_project.sources.ratings.yahoo import YahooRatings

MakePipeline = Callable[..., Any]
REFERENCE = Path(__file__).resolve().parents[2] / "reference"
PRICES_TO_READERS = dg.AssetSelection.groups("2_market").upstream() | dg.AssetSelection.groups("6_serving")
"""What a test of prices needs: the facts' areas would be built for nothing."""
CLSK = "select round(close, 2), round(sma_50, 2), round(sma_200, 2), round(rsi_14, 2), round(high_52w, 2) from "
CLSK += "marts.fct_daily_technicals where symbol = 'CLSK' and trade_date = '2025-11-21'"


def _failed_checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckSeverity]:
    return {
        f"{check.asset_key.path[-1]}.{check.check_name}": check.severity
        for check in result.get_asset_check_evaluations()
        if not check.passed
    }


def _bars(folder: Path, symbol: str, rows: list[str], header: str = "Date,Open,High,Low,Close,Volume") -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{symbol}.csv").write_text("\n".join([header, *rows]) + "\n")


def _days(count: int) -> list[str]:
    sessions = exchange_sessions(dt.date(2025, 10, 31))["session_date"].to_pylist()[-count:]
    return [f"{day},{10 + at},{11 + at},{9 + at},{10.5 + at},1000" for at, day in enumerate(sessions)]


def test_the_sample_tells_the_news_story(sample: Any) -> None:
    assert sample.query(CLSK) == [(9.72, 15.73, 11.07, 26.99, 23.61)]
    ((close, change, source),) = sample.query(
        "select close, round(change_pct, 2), price_source from marts.fct_daily_technicals "
        "where symbol = 'CLSK' and trade_date = '2025-11-24'"
    )
    assert (close, change, source) == (11.08, 13.94, "sample")


def test_real_prices_give_the_real_figures(make_pipeline: MakePipeline, real_prices: Path) -> None:
    pipeline = make_pipeline(price_source="files", price_files=real_prices)
    assert pipeline.run(PRICES_TO_READERS).success
    assert pipeline.query(CLSK) == [(9.73, 15.73, 11.07, 26.25, 23.61)]
    assert pipeline.query("select distinct price_source from marts.fct_daily_technicals") == [("files",)]
    ghost = "select is_suspect from marts.fct_daily_technicals where symbol = 'CLSK' and trade_date = '2024-11-08'"
    assert pipeline.query(ghost) == [(True,)]
    relisted = (
        "select min(trade_date)::varchar, count(*) filter (where sma_200 is null) from marts.fct_daily_technicals "
    )
    assert pipeline.query(relisted + "where symbol = 'CORZ'") == [("2024-01-24", 199)]
    weekends = (
        "select count(*) from marts.fct_daily_technicals where symbol = 'BTC-USD' and dayofweek(trade_date) in (0, 6)"
    )
    assert pipeline.query(weekends) == [(0,)], "bitcoin is read at exchange sessions"
    special = (
        "select event_type, count(*) from marts.fct_price_events "
        "where symbol in ('CLSK', 'CORZ') group by all order by all"
    )
    assert {"ghost_bar", "first_bar", "half_day"} <= {name for name, _ in pipeline.query(special)}


def test_a_second_run_changes_nothing_but_what_tells_of_the_run(finished_sample: Any) -> None:
    pipeline = finished_sample
    tables = "select table_name from duckdb_tables() where schema_name = 'marts' order by 1"

    def state() -> dict[str, Any]:
        of_the_run = ("data_quality_results", "publication")
        names = [name for (name,) in pipeline.query(tables) if name not in of_the_run]
        return {name: pipeline.query(f"select count(*), sum(hash(rows)) from marts.{name} as rows") for name in names}

    first, raw_first = state(), pipeline.query_build("select count(*), max(run_id) from raw.market__daily_prices")
    runs = pipeline.query("select count(distinct run_id) from marts.data_quality_results")
    assert pipeline.run().success
    assert state() == first
    assert pipeline.query_build("select count(*), max(run_id) from raw.market__daily_prices") == raw_first
    assert (runs, pipeline.query("select count(distinct run_id) from marts.data_quality_results")) == ([(1,)], [(2,)])


def test_bad_files_load_what_is_good_and_keep_what_is_bad(make_pipeline: MakePipeline, tmp_path: Path) -> None:
    folder = tmp_path / "prices"
    days = _days(30)
    _bars(folder, "CLSK", days)
    spoilt = [*days[:10], days[10].replace("20.5", "-20.5"), *days[11:], days[-1].replace("39.5", "39.6")]
    _bars(folder, "MARA", spoilt)
    _bars(folder, "RIOT", ["1,2"], header="When,How much")
    _bars(folder, "BITF", days[:20])
    _bars(folder, "KEEL", days[19:])  # the company changed its ticker, and the vendor carries one day under both
    pipeline = make_pipeline(price_source="files", price_files=folder)
    result = pipeline.run(PRICES_TO_READERS)
    assert result.success
    assert _failed_checks(result)["market__daily_prices.quarantine_is_empty"] is dg.AssetCheckSeverity.WARN
    loaded = pipeline.query("select symbol, count(*) from marts.fct_daily_technicals group by all order by all")
    assert loaded == [("BITF", 30), ("CLSK", 30), ("MARA", 28)]
    events = "select symbol, trade_date::varchar, event_type, event_value from marts.fct_price_events order by all"
    assert pipeline.query(events) == [
        ("BITF", days[0][:10], "first_bar", 10.5),
        ("BITF", days[20][:10], "symbol_change", None),
        ("CLSK", days[0][:10], "first_bar", 10.5),
        ("MARA", days[0][:10], "first_bar", 10.5),
        ("MARA", days[11][:10], "missing_sessions", 1.0),
    ]
    kept = pipeline.query_build(
        "select source_file, source_row, reason from quarantine.market__daily_prices order by source_file, source_row"
    )
    assert [(file, row) for file, row, _ in kept] == [
        ("MARA.csv", 12),
        ("MARA.csv", 31),
        ("MARA.csv", 32),
        ("RIOT.csv", None),
    ]
    reasons = [reason for _, _, reason in kept]
    assert "close -20.5 is not above 0" in reasons[0]
    assert "several different rows for one symbol, trade_date" in reasons[1]
    assert "unknown header: When,How much" in reasons[3]


def test_an_empty_price_source_keeps_the_old_prices(finished_sample: Any) -> None:
    class Outage:
        name = "sample"
        is_simulated = True
        is_local = True

        def fetch(self, request: PriceRequest, hand_over: HandOver | None = None) -> Batch:
            raise SourceError("sample: the vendor answered 503")

    pipeline = finished_sample
    published = "select count(*), min(publication_id) from marts.fct_daily_technicals, marts.publication"
    ((rows, first),) = pipeline.query(published)
    result = pipeline.run(PRICES_TO_READERS, price_source=Outage())
    assert result.success, "what stood before is built and published again"
    assert _failed_checks(result)["market__daily_prices.batch_is_accepted"] is dg.AssetCheckSeverity.ERROR
    ((rows_after, second),) = pipeline.query(published)
    assert (rows_after, second > first) == (rows, True)


def test_no_prices_at_all_block_and_publish_nothing(make_pipeline: MakePipeline, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    pipeline = make_pipeline(price_source="files", price_files=tmp_path / "empty")
    result = pipeline.run(PRICES_TO_READERS)
    assert not result.success
    assert not pipeline.settings.published_database.exists()
    built = {event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key}
    assert "fct_daily_technicals" not in built


def test_simulated_prices_give_way_to_real_ones(finished_sample: Any, tmp_path: Path) -> None:
    folder = tmp_path / "prices"
    _bars(folder, "CLSK", _days(30))
    pipeline = finished_sample
    assert pipeline.query("select distinct price_source from marts.fct_daily_technicals") == [("sample",)]
    assert pipeline.run(PRICES_TO_READERS, price_source=FilePrices(folder)).success
    assert pipeline.query("select price_source, count(*) from marts.fct_daily_technicals group by 1") == [("files", 30)]


SAVED = ("fct_capital_structure", "fct_site_capacity_history", "fct_mw_assumptions_history")
"""The marts of the files that spreadsheets saved."""


@pytest.fixture(scope="module")
def mixed(
    make_pipeline: MakePipeline, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, dg.ExecuteInProcessResult]:
    """A run whose deals file is a web page, and three others as spreadsheets of two countries save them."""
    folder = Path(shutil.copytree(REFERENCE, tmp_path_factory.mktemp("mixed") / "reference"))
    (folder / "hpc_deals.csv").write_text("<html><body>502 Bad Gateway</body></html>\n")
    saved_by_a_spreadsheet(folder / "capital_structure.csv", ",", "%m/%d/%Y", "{:,}")
    saved_by_a_spreadsheet(folder / "sites_capacity.csv", ";", "%d.%m.%Y", "{:,}")
    saved_by_a_spreadsheet(folder / "mw_valuation_assumptions.csv", ";", "%m/%d/%Y", "{:,}")
    pipeline = make_pipeline(reference_dir=folder)
    facts = dg.AssetSelection.assets(["raw", "curated__hpc_deals"], *(["marts", table] for table in SAVED)).upstream()
    return pipeline, pipeline.run(PRICES_TO_READERS | facts)


def saved_by_a_spreadsheet(path: Path, separator: str, day: str, number: str) -> None:
    """Save the file anew: byte mark, CRLF, days and numbers as the country writes them, empty rows at the end."""
    with path.open(newline="", encoding="utf-8") as handle:
        names, *rows = csv.reader(handle)
    said = [[_said(cell, day, number) for cell in row] for row in rows]
    with path.open("w", newline="", encoding="utf-8-sig") as handle:
        writer = csv.writer(handle, delimiter=separator, lineterminator="\r\n")
        writer.writerows([[*names, ""], *([*row, ""] for row in said), *[[""] * (len(names) + 1)] * 5])


def _said(cell: str, day: str, number: str) -> str:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", cell):
        return dt.date.fromisoformat(cell).strftime(day)
    if re.fullmatch(r"\d{4,}", cell):
        return number.format(int(cell))
    return cell


def test_a_broken_deals_file_never_stops_the_indicators(mixed: tuple[Any, dg.ExecuteInProcessResult]) -> None:
    pipeline, result = mixed
    assert _failed_checks(result)["curated__hpc_deals.batch_is_accepted"] is dg.AssetCheckSeverity.ERROR
    assert pipeline.query(CLSK) == [(9.72, 15.73, 11.07, 26.99, 23.61)]


@pytest.mark.parametrize("table", SAVED)
def test_a_fact_file_that_a_spreadsheet_saved_gives_the_same_mart(
    mixed: tuple[Any, dg.ExecuteInProcessResult], sample: Any, table: str
) -> None:
    pipeline, result = mixed
    assert not [name for name in _failed_checks(result) if "hpc_deals" not in name and name.startswith("curated__")]
    columns = {name for (name,) in sample.query(f"select column_name from (describe marts.{table})")}
    kept = ", ".join(sorted(columns - {"valid_from", "valid_to", "run_id"}))
    asked = f"select {kept} from marts.{table} order by all"
    assert pipeline.query(asked) == sample.query(asked)
    assert pipeline.query(f"select count(*) from marts.{table}")[0][0] > 30


@pytest.mark.parametrize(
    ("file", "change", "reason"),
    [
        ("hpc_deals.csv", {"ticker": "XXXX"}, "ticker XXXX is not in the reference list of companies"),
        ("hpc_deals.csv", {"announced_date": "2199-01-01"}, "lies in the future"),
        ("hpc_deals.csv", {"critical_it_mw": "9999", "gross_mw": "10"}, "MW"),
        ("hpc_deals.csv", {"contract_value_usd": "5"}, "contract_value_usd 5.0 is below"),
        ("hpc_deals.csv", {"source_url": ""}, "source_url is missing"),
        ("rating_changes.csv", {"price_target_new": "cheap"}, "price_target_new: 'cheap' is not a number"),
    ],
)
def test_the_gate_names_the_wrong_row_of_a_curated_file(
    make_pipeline: MakePipeline, reference: Path, file: str, change: dict[str, str], reason: str
) -> None:
    path = reference / file
    with path.open(newline="", encoding="utf-8") as handle:
        reader = csv.DictReader(handle)
        names, rows = list(reader.fieldnames or ()), list(reader)
    rows[0] |= change
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, names)
        writer.writeheader()
        writer.writerows(rows)
    pipeline = make_pipeline(reference_dir=reference)
    table = f"curated__{path.stem}"
    result = pipeline.run(dg.AssetSelection.assets(["raw", "curated__companies"], ["raw", table]))
    assert result.success
    kept = pipeline.query_build(f"select source_file, source_row, reason from quarantine.{table}")
    assert [(name, row) for name, row, _ in kept] == [(file, 2)]
    assert reason in kept[0][2]
    assert pipeline.query_build(f"select count(*) from raw.{table}") == [(len(rows) - 1,)]


def test_an_unreadable_row_that_keeps_terms_out_of_answers_holds_the_marts_back(
    make_pipeline: MakePipeline, reference: Path
) -> None:
    path = reference / "hpc_deals_as_announced.csv"
    first, line, *rest = path.read_text().splitlines(keepends=True)
    deal, day = line.split(",")[:2]
    path.write_text("".join((first, line.replace(day, "2199-01-01", 1), *rest)))
    pipeline = make_pipeline(reference_dir=reference)
    table = dg.AssetKey(["raw", "curated__hpc_deals_as_announced"])
    deals = dg.AssetKey(["marts", "fct_hpc_deals_history"])
    result = pipeline.run(dg.AssetSelection.assets(deals).upstream())
    assert not result.success
    assert _failed_checks(result) == {f"{table.path[-1]}.quarantine_is_empty": dg.AssetCheckSeverity.ERROR}
    made = "select count(*) from duckdb_tables() where table_name = 'fct_hpc_deals_history'"
    assert pipeline.query_build(made) == [(0,)]
    (kept,) = pipeline.query_build(f"select record from quarantine.{table.path[-1]}")
    assert deal in kept[0]


def test_every_contract_has_its_asset_and_every_raw_asset_its_contract(sample: Any) -> None:
    contracts = {contract.table for contract in RAW_TABLES}
    tables = sample.query_build("select table_name from duckdb_tables() where schema_name = 'raw'")
    assert {name for (name,) in tables} == contracts


def test_ratings_of_yahoo_are_off_until_switched_on(make_pipeline: MakePipeline) -> None:
    key = ["raw", "yahoo__rating_changes"]
    raw = dg.AssetSelection.assets(["raw", "curated__companies"], key)
    pipeline = make_pipeline()
    off = pipeline.run(raw)
    assert off.success
    assert _failed_checks(off) == {}
    (materialization,) = off.asset_materializations_for_node("__".join(key))
    assert "MINEHOUSE_RATING_SOURCE=yahoo" in str(materialization.metadata["status"].value)
    assert pipeline.query_build("select count(*) from raw.yahoo__rating_changes") == [(0,)]

    def answer(symbol: str) -> pd.DataFrame:
        if symbol == "CIFR":
            raise UnknownSymbolError("yahoo CIFR: HTTP 404")
        return frame([note("2025-11-24T12:15:00", "JP Morgan", "up", "Neutral > Overweight", (14.0, 14.0))])

    on = pipeline.run(raw, rating_source=YahooRatings(answer))
    assert on.success
    assert _failed_checks(on) == {"yahoo__rating_changes.quarantine_is_empty": dg.AssetCheckSeverity.WARN}
    ((companies,),) = pipeline.query_build("select count(*) from raw.curated__companies")
    assert pipeline.query_build("select count(*) from raw.yahoo__rating_changes") == [(companies - 1,)]

    # switched off again, what was loaded stands
    assert pipeline.run(raw).success
    assert pipeline.query_build("select count(*) from raw.yahoo__rating_changes where valid_to is null") == [
        (companies - 1,)
    ]


def test_the_marts_and_the_sources_agree_on_which_session_is_over(sample: Any) -> None:
    (built_at,) = sample.query_build("select max(built_at) from intermediate.technicals_builds")[0]
    (over,) = sample.query_build("select max(session_date) from marts.dim_sessions where is_complete")[0]
    assert over == last_complete_session(built_at.replace(tzinfo=dt.UTC))
    bells = "select distinct close_utc_minutes from staging.stg_calendar__sessions order by 1"
    assert {17 * 60, 18 * 60, 20 * 60, 21 * 60} <= {minutes for (minutes,) in sample.query_build(bells)}
