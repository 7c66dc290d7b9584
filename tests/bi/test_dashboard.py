"""Every page runs on what the pipeline published, says what is simulated and what is not known, and sees a new file."""

from __future__ import annotations

import ast
import csv
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import duckdb
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from bi.dashboard import sector, tables
from bi.dashboard.__main__ import APP
from bi.dashboard.frame import NOT_KNOWN
from bi.wording import in_words
from dagster_project.settings import PROJECT_DIR

if TYPE_CHECKING:
    from conftest import Pipeline

SECONDS = 120
Open = Callable[..., AppTest]


@pytest.fixture
def published(sample: Pipeline, tmp_path: Path) -> Path:
    """A published file of the sample that a test may change."""
    folder = tmp_path / "published"
    folder.mkdir()
    return Path(shutil.copyfile(sample.settings.published_database, folder / "minehouse.duckdb"))


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens a page of the dashboard over the file of a data folder, with what stands in the address."""

    def opened(data_dir: Path, page: str, **address: str) -> AppTest:
        monkeypatch.setenv("MINEHOUSE_DATA_DIR", str(data_dir))
        script = f"from bi.dashboard import frame, {page}\nframe.guarded({page}.show)()"
        app = AppTest.from_string(script, default_timeout=SECONDS)
        for name, value in address.items():
            app.query_params[name] = value
        return app.run()

    return opened


class _Tables(HTMLParser):
    """The tables of a page, each as columns of texts; a number is its unrounded value."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tables: list[dict[str, list[str]]] = []
        self._column: str | None = None
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "table":
            self.tables.append({})
        elif tag == "td":
            self._column = str(given["data-column"])
            self._value = given.get("data-value")
            self.tables[-1].setdefault(self._column, []).append("")

    def handle_data(self, data: str) -> None:
        if self._column:
            self.tables[-1][self._column][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "td" and self._column:
            if self._value is not None:
                self.tables[-1][self._column][-1] = self._value
            self._column = None


def _tables(app: AppTest) -> list[dict[str, list[str]]]:
    return _Tables("".join(element.proto.body for element in app.get("html"))).tables


def _address(app: AppTest, name: str) -> str:
    said = app.query_params[name]
    return said[0] if isinstance(said, list) else said


def _numbers(cells: list[str]) -> list[float]:
    return [float(cell) for cell in cells if re.fullmatch(r"-?[0-9.e+-]+", cell)]


def _change(published: Path, *statements: str) -> None:
    """Change a copy beside the file and swap it in, as the pipeline does."""
    beside = published.with_suffix(".new")
    shutil.copyfile(published, beside)
    with duckdb.connect(str(beside)) as connection:
        connection.execute("use marts")
        for statement in statements:
            connection.execute(statement)
    os.replace(beside, published)  # noqa: PTH105  # what is tested


def _real_prices(published: Path) -> None:
    tables = ("fct_daily_technicals", "dim_miners", "miner_snapshot", "fct_consensus_daily")
    _change(
        published, *(f"update {table} set price_source = 'files' where price_source = 'sample'" for table in tables)
    )


def _said(app: AppTest) -> str:
    elements = (*app.title, *app.caption, *app.warning, *app.info, *app.success, *app.error)
    return "\n".join(element.value for element in elements)


def _has_no_error(app: AppTest) -> bool:
    return not app.exception and not app.error


def test_the_app_opens_with_the_sector(sample: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINEHOUSE_DATA_DIR", str(sample.settings.data_dir))
    app = AppTest.from_file(APP, default_timeout=SECONDS).run()
    assert _has_no_error(app)
    assert app.title[0].value == "Listed miners as AI data centres"


@pytest.mark.parametrize("page", ["sector", "miner", "quality"])
def test_a_page_states_its_day_and_that_prices_are_simulated(sample: Pipeline, open_page: Open, page: str) -> None:
    app = open_page(sample.settings.data_dir, page)
    assert _has_no_error(app)
    assert "24 November 2025" in app.caption[0].value
    assert "SIMULATED" in app.warning[0].value
    drawings = [str(chart.proto) for chart in app.get("vega_lite_chart")]
    assert any("SIMULATED" in drawing for drawing in drawings) == (page == "miner")


@pytest.mark.parametrize("page", ["sector", "miner", "quality"])
def test_real_prices_are_not_called_simulated(published: Path, open_page: Open, page: str) -> None:
    _real_prices(published)
    app = open_page(published.parent.parent, page)
    assert _has_no_error(app)
    assert "SIMULATED" not in _said(app)
    assert not any("SIMULATED" in str(chart.proto) for chart in app.get("vega_lite_chart"))


def test_one_simulated_price_among_real_ones_is_named(published: Path, open_page: Open) -> None:
    _real_prices(published)
    symbol = min(_symbols(published))
    _change(published, f"update fct_daily_technicals set price_source = 'sample' where symbol = '{symbol}'")
    assert f"Prices of {symbol} are SIMULATED" in open_page(published.parent.parent, "sector").warning[0].value


@pytest.mark.parametrize("page", ["sector", "miner", "quality"])
def test_what_is_held_back_is_said_with_since_when_and_why(published: Path, open_page: Open, page: str) -> None:
    assert not open_page(published.parent.parent, page).error
    _change(
        published,
        "update publication set held_back_since = timestamp '2025-11-22 03:04', "
        "held_back_why = 'check rows_stand_once' "
        "where table_name in ('miner_snapshot', 'fct_rating_changes')",
    )
    (banner,) = open_page(published.parent.parent, page).error
    assert "`fct_rating_changes`, `miner_snapshot`: held back since 22 Nov 2025 03:04 UTC" in banner.value
    assert "because `check rows_stand_once`" in banner.value
    assert "the last good one is shown" in banner.value


@pytest.mark.parametrize("page", ["sector", "miner", "quality"])
def test_without_a_file_a_page_says_what_to_run(tmp_path: Path, open_page: Open, page: str) -> None:
    app = open_page(tmp_path, page)
    assert _has_no_error(app)
    assert "make run" in app.info[0].value


def test_a_file_that_does_not_fit_says_what_to_run(published: Path, open_page: Open) -> None:
    _change(published, "drop table fct_hpc_deals_history")
    app = open_page(published.parent.parent, "sector")
    assert not app.exception
    assert "make run" in app.error[0].value


def _symbols(database: Path) -> list[str]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return [symbol for (symbol,) in connection.execute("select symbol from marts.miner_snapshot").fetchall()]


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.nightly) for part in (1, 2))])
def test_every_miner_has_a_page(sample: Pipeline, open_page: Open, part: int) -> None:
    symbols = _symbols(sample.settings.published_database)
    app = open_page(sample.settings.data_dir, "miner")
    assert sorted(app.selectbox(key="symbol").options) == sorted(symbols)
    for symbol in symbols[part::3]:
        app.selectbox(key="symbol").set_value(symbol).run()
        assert _has_no_error(app), symbol
        assert f"({symbol})" in app.title[0].value


def test_every_company_stands_on_the_capacity_page(sample: Pipeline, open_page: Open) -> None:
    """In the table, or among those of which no contract and no site was seen."""
    app = open_page(sample.settings.data_dir, "capacity")
    listed = _tables(app)[-1]["symbol"]
    (unseen,) = [caption.value for caption in app.caption if "no contract and no site of" in caption.value]
    companies = {symbol for (symbol,) in sample.query("select symbol from marts.miner_snapshot")}
    assert set(listed) | set(re.findall(r"[A-Z]{3,}", unseen)) == companies
    assert not set(listed) & set(re.findall(r"[A-Z]{3,}", unseen))


def test_a_figure_of_a_part_is_called_partial_in_the_table_of_all(sample: Pipeline, open_page: Open) -> None:
    app = open_page(sample.settings.data_dir, "capacity")
    page = "".join(element.proto.body for element in app.get("html"))
    cells = re.findall(r'<td data-column="(approved_power|planned|leased|live)"[^>]*>(.*?)</td>', page)
    stages = sample.query(
        """select stage, mw, is_complete from marts.capacity_funnel_asof((select max(price_date)
           from marts.miner_snapshot)) order by symbol, stage_number"""
    )
    assert [name for name, _ in cells] == [stage for stage, _, _ in stages]
    marked = [("partial" in cell) for _, cell in cells]
    assert marked == [mw is not None and not is_complete for _, mw, is_complete in stages]
    assert len(set(marked)) == 2


def test_every_ranking_has_its_own_figure_in_order(sample: Pipeline, open_page: Open) -> None:
    app = open_page(sample.settings.data_dir, "sector")
    for words, ranking in sector.RANKINGS.items():
        app.selectbox(key="rank").set_value(words).run()
        assert _has_no_error(app), words
        figures = _numbers(_tables(app)[0][ranking.column])
        assert figures == sorted(figures, reverse=not ranking.is_low_first), words
        assert _address(app, "rank") == words


def test_the_address_names_the_miner(sample: Pipeline, open_page: Open) -> None:
    symbol = max(_symbols(sample.settings.published_database))
    for asked in (symbol, symbol.lower()):
        app = open_page(sample.settings.data_dir, "miner", symbol=asked)
        assert f"({symbol})" in app.title[0].value
        assert "No company" not in _said(app)


@pytest.mark.parametrize("asked", ["NOPE", "<script>alert(1)</script>", "![x](http://example.org/x.png)", "'; drop"])
def test_an_unknown_miner_is_said_and_markup_is_not_repeated(sample: Pipeline, open_page: Open, asked: str) -> None:
    app = open_page(sample.settings.data_dir, "miner", symbol=asked)
    assert _has_no_error(app)
    said = next(warning.value for warning in app.warning if "No company" in warning.value)
    assert (asked in said) == (asked == "NOPE")


def test_a_past_day_knows_nothing_later(sample: Pipeline, open_page: Open) -> None:
    app = open_page(sample.settings.data_dir, "sector", as_of="2025-09-30")
    assert _has_no_error(app)
    assert "30 September 2025" in app.caption[0].value
    announced = next(table["announced_date"] for table in _tables(app) if "announced_date" in table)
    assert max(announced) == "2025-09-25"


def test_a_day_out_of_reach_becomes_the_last_session_and_that_is_said(sample: Pipeline, open_page: Open) -> None:
    for asked, said in (("2031-01-01", "after the last session"), ("yesterday", "is not a day")):
        app = open_page(sample.settings.data_dir, "miner", as_of=asked)
        assert _has_no_error(app)
        assert "24 November 2025" in app.caption[0].value
        assert any(said in warning.value and "2025-11-24" in warning.value for warning in app.warning)
        assert _address(app, "as_of") == "2025-11-24"


def test_a_day_without_a_session_is_the_one_before_and_stays_in_the_address(sample: Pipeline, open_page: Open) -> None:
    app = open_page(sample.settings.data_dir, "sector", as_of="2025-11-22")
    assert "21 November 2025" in app.caption[0].value
    assert any("no session" in warning.value for warning in app.warning)
    assert _address(app, "as_of") == "2025-11-22"


def test_the_controls_write_the_address(sample: Pipeline, open_page: Open) -> None:
    app = open_page(sample.settings.data_dir, "miner", symbol="CLSK", as_of="2025-10-31")
    app.selectbox(key="symbol").set_value("IREN").run()
    assert (_address(app, "symbol"), _address(app, "as_of")) == ("IREN", "2025-10-31")
    app.date_input(key="as_of").set_value(date(2025, 11, 3)).run()
    assert (_address(app, "symbol"), _address(app, "as_of")) == ("IREN", "2025-11-03")
    assert "3 November 2025" in app.caption[0].value


def test_tile_ranking_and_table_show_one_value_and_a_part_has_no_upside(sample: Pipeline, open_page: Open) -> None:
    ranked = _tables(open_page(sample.settings.data_dir, "sector", rank="Upside to the low scenario"))[0]
    place = ranked["symbol"].index("CLSK")
    low, high = (f"{float(ranked[f'{end}_value_per_share_usd'][place]):,.2f}" for end in ("low", "high"))
    assert ranked["low_upside_pct"][place] == "a part of the company"
    app = open_page(sample.settings.data_dir, "miner", symbol="CLSK")
    tile = next(metric for metric in app.metric if metric.label == "Value a share, USD")
    assert (tile.value, "no upside" in tile.delta) == (f"{low} to {high}", True)
    shown = next(table for table in _tables(app) if "now_value_per_share_usd" in table)
    lows = [
        value
        for scenario, business, value in zip(
            shown["scenario"], shown["business"], shown["now_value_per_share_usd"], strict=True
        )
        if (scenario, business) == ("low", "colocation")
    ]
    assert f"{float(lows[0]):,.2f}" == low, "the latest publication heads the page"


def test_an_outdated_balance_sheet_is_said_with_its_days(sample: Pipeline, open_page: Open) -> None:
    rows = _tables(open_page(sample.settings.data_dir, "sector"))[0]
    assert any(re.search(r"not up to date: .* of \d\d \w{3} 20\d\d", said) for said in rows["inputs"])


def test_what_is_missing_is_not_known_and_not_zero(published: Path, open_page: Open) -> None:
    symbol = min(_symbols(published))
    _change(
        published,
        f"delete from fct_hpc_deals_history where symbol = '{symbol}'",
        f"delete from fct_rating_changes_history where symbol = '{symbol}'",
        f"delete from fct_consensus_daily where symbol = '{symbol}'",
        f"delete from fct_capital_known where symbol = '{symbol}'",
        f"delete from fct_company_positions where symbol = '{symbol}' and not is_first_day",
        f"update fct_company_positions set next_position_date = null where symbol = '{symbol}'",
        f"delete from fct_daily_technicals where symbol = '{symbol}'",
        f"delete from fct_price_levels where symbol = '{symbol}'",
        f"update dim_miners set last_price_date = null where symbol = '{symbol}'",
    )
    app = open_page(published.parent.parent, "miner", symbol=symbol)
    assert _has_no_error(app)
    assert f"({symbol})" in app.title[0].value
    figures = {metric.label: metric.value for metric in app.metric}
    for label in ("Close, USD", "RSI 14", "Market cap, USD bn", "EV, USD bn", "Value a share, USD"):
        assert figures[label] == NOT_KNOWN, label
    assert figures["Target, USD"] == "no target seen"
    assert figures["Critical IT MW"] == "no contract seen"
    assert "No price is known" in _said(app)
    assert "No contract of this company was seen" in _said(app)
    assert "no analyst note was seen" in _said(app)


def test_an_open_page_shows_a_file_that_was_swapped_in(published: Path, open_page: Open) -> None:
    app = open_page(published.parent.parent, "quality")
    assert "failed" in app.success[0].value
    _change(published, "update data_quality_results set passed = false, observed = '7 rows' where layer = 'staging'")
    app.run()
    assert not app.success
    assert set(_tables(app)[0]["observed"]) == {"7 rows"}


def test_the_quality_page_says_which_fact_is_missing_of_which_company(published: Path, open_page: Open) -> None:
    shown = _tables(open_page(published.parent.parent, "quality"))[-1]
    connection = duckdb.connect(str(published), read_only=True)
    try:
        expected = connection.execute(
            "select count(*), count(missing_fact) from marts.coverage_by_company "
            "where as_of_date = (select max(as_of_date) from marts.coverage_by_company)"
        ).fetchone()
    finally:
        connection.close()
    missing = [fact.startswith("reference/") for fact in shown["missing_fact"]]
    assert (len(missing), sum(missing)) == expected
    assert missing == [said == "no" for said in shown["is_complete"]]
    assert any(missing)


def test_a_file_of_other_days_moves_the_day_asked_for(published: Path, open_page: Open) -> None:
    app = open_page(published.parent.parent, "sector")
    earlier = "2025-10-31"
    _change(
        published,
        f"delete from fct_daily_technicals where trade_date > '{earlier}'",
        f"update dim_miners set last_price_date = '{earlier}' where last_price_date > '{earlier}'",
        f"update miner_snapshot set as_of_session_date = '{earlier}'",
    )
    app.run()
    assert _has_no_error(app)
    assert "31 October 2025" in app.caption[0].value


def test_every_coverage_column_has_words() -> None:
    folder = PROJECT_DIR / "dbt" / "models" / "marts" / "valuation"
    text = (folder / "miner_snapshot.yml").read_text()
    names = re.findall(r"- name: (\w+)_coverage$", text, re.MULTILINE)
    assert "btc" in names
    raw = {name: said for name in names if re.search(r"_|\b(btc|it|mw)\b", said := in_words(name))}
    assert raw == {}


def test_a_long_name_may_break_at_its_joints_and_markup_stays_text() -> None:
    frame = pd.DataFrame({"check": ["unique_<b>"], "source": ["https://www.press.example.com/a"]})
    drawn = tables.html(frame, {"check": tables.text("Check"), "source": tables.source(tier=None)}, caption="Checks")
    assert "unique_<wbr>&lt;b&gt;</td>" in drawn
    assert '<a href="https://www.press.example.com/a">press.<wbr>example.<wbr>com</a>' in drawn


def test_no_ticker_stands_in_the_code() -> None:
    with (PROJECT_DIR / "reference" / "companies.csv").open(newline="") as handle:
        tickers = {row["ticker"] for row in csv.DictReader(handle)}
    for path in (*(PROJECT_DIR / "bi" / "dashboard").glob("*.py"), *(PROJECT_DIR / "bi").glob("*.py")):
        constants = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert not tickers & {value for value in constants if isinstance(value, str)}, path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The dashboard as `make dashboard` starts it, on a port of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bi.dashboard", f"--server.port={port}"],
            cwd=PROJECT_DIR,
            env=os.environ | {"MINEHOUSE_DATA_DIR": str(tmp_path)},
            stdout=output,
            stderr=output,
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()


def test_the_command_serves_this_machine_without_telemetry(server: str, tmp_path: Path) -> None:
    for _ in range(120):
        try:
            with urlopen(f"{server}/_stcore/health") as answer:  # noqa: S310
                assert answer.read() == b"ok"
                break
        except OSError:
            time.sleep(0.5)
    else:
        pytest.fail((tmp_path / "log").read_text())
    with urlopen(server) as answer:  # noqa: S310
        assert b"<title>" in answer.read()
    assert "usage statistics" not in (tmp_path / "log").read_text()
