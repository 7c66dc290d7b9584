"""The brief tells what could be known, in the marts' own figures, and refuses in one line."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bi.brief import words
from bi.brief.__main__ import main
from bi.brief.pictures import draw
from bi.brief.reader import StoryError
from bi.brief.story import read_story
from bi.brief.words import html_page, markdown_page
from bi.published import PublishedFile
from dagster_project.settings import PROJECT_DIR

DAY = date(2025, 11, 24)
NO_PICTURES = dict.fromkeys(("price", "scenarios", "usd_per_mw"))
Spoil = Callable[..., Path]


@pytest.fixture(scope="session")
def published(sample: Any) -> Path:
    """The published file of the bundled sample."""
    return sample.settings.published_database


@pytest.fixture
def spoiled(published: Path, tmp_path: Path) -> Spoil:
    """A copy of it after some SQL."""

    def spoil(*statements: str) -> Path:
        copy = Path(shutil.copyfile(published, tmp_path / "minehouse.duckdb"))
        with duckdb.connect(str(copy)) as connection:
            connection.execute("use marts")
            for statement in statements:
                connection.execute(statement)
        return copy

    return spoil


@pytest.fixture
def data_dir(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with the published file, which the command is told of."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "published").symlink_to(published.parent)
    monkeypatch.setenv("MINEHOUSE_DATA_DIR", str(folder))
    return folder


def _later_days(page: str, than: date) -> list[str]:
    """Days after the one given, in either way of writing; web addresses and days said to be expected do not count."""
    text = re.sub(r"<https?://\S+>", "", page)
    days = {
        found: datetime.strptime(found, form).date()  # noqa: DTZ007 - a day has no zone
        for form, pattern in (
            ("%Y-%m-%d", r"\d{4}-\d\d-\d\d"),
            ("%d %b %Y", r"(?<!expected )\b\d{1,2} [A-Z][a-z]{2} \d{4}"),
        )
        for found in re.findall(pattern, text)
    }
    return [found for found, day in days.items() if day > than]


def test_the_figures_of_the_story(published: Path) -> None:
    story = read_story(published, "clsk", DAY, quote=11.23, since=date(2025, 9, 24))
    technicals = story.technicals
    assert technicals is not None
    assert technicals.trade_date == story.prices_until == date(2025, 11, 21)
    found = (technicals.sma_50, technicals.sma_200, technicals.rsi_14, technicals.high_52w)
    assert found == pytest.approx((15.73, 11.07, 26.99, 23.61), abs=0.005)
    assert (technicals.pct_vs_sma_50, technicals.pct_vs_sma_200) == pytest.approx((-28.6, 1.4), abs=0.05)
    assert story.rating is not None
    assert (story.rating.firm, story.rating.action, story.rating.price_target_new) == ("JPMorgan", "upgrade", 14)
    assert (story.deals.contract_value_usd, story.deals.critical_it_mw, story.deals.own_deals) == (33.53e9, 775, 0)
    assert story.capacity is not None
    assert (story.capacity.planned_critical_it_mw, story.capacity.gross_power_mw) == (200, 686)
    assert {round(scenario.value_per_share_usd or 0, 2) for scenario in story.scenarios} == {5.69, 9.25, 12.10, 13.52}


def test_the_page_says_them(published: Path) -> None:
    page = markdown_page(read_story(published, "CLSK", DAY, quote=11.23))
    for said in (
        "JPMorgan upgraded CLSK from Neutral to Overweight",
        "**28.6% below** its 50-day average ($15.73)",
        "**1.4% above** its 200-day average ($11.07)",
        "RSI (14): 27.0, oversold",
        "**$33.53 bn** for **775** critical IT MW",
        "CLSK: **none** of them",
        "| Grid power contracted | | 686 |",
        "$9.25",
    ):
        assert said in page


def test_every_figure_has_its_source(published: Path) -> None:
    story = read_story(published, "IREN", DAY)
    page, notes = markdown_page(story).split("## Notes")
    cited = {int(number) for number in re.findall(r"\[(\d+)\]", page)}
    assert cited == {note.number for note in story.notes}
    assert cited == {int(number) for number in re.findall(r"^(\d+)\. ", notes, re.MULTILINE)}
    assert all(deal.note in cited for deal in story.deals.rows)


@pytest.mark.parametrize(
    ("symbol", "day", "quote"),
    [
        ("IREN", date(2025, 10, 1), None),
        ("WULF", date(2025, 8, 18), None),
        ("CIFR", date(2025, 11, 20), 15.0),
        ("CLSK", DAY, 11.23),
    ],
)
def test_nothing_of_later_days_is_told(published: Path, symbol: str, day: date, quote: float | None) -> None:
    page = markdown_page(read_story(published, symbol, day, quote=quote))
    assert _later_days(page, day) == []
    assert _later_days(page, date(2025, 6, 30)), "the search finds days"


def test_a_delivery_in_the_future_is_said_to_be_expected(published: Path) -> None:
    page = markdown_page(read_story(published, "IREN", DAY))
    assert "expected 31 Dec 2027" in page


def test_during_a_session_its_close_changes_nothing(published: Path, spoiled: Spoil) -> None:
    later = "trade_date > '2025-11-21'"
    unlike = spoiled(
        f"update fct_daily_technicals set close = 99, sma_50 = 99, rsi_14 = 99, return_21d_pct = 99 where {later}",
        f"update fct_price_levels set level_price = 99 where {later}",
        f"update fct_miner_valuation_daily set enterprise_value_usd = 99, market_cap_usd = 99 where {later}",
        f"update fct_consensus_daily set close = 99, implied_upside_pct = 99 where {later}",
        "update fct_rating_changes set return_1d_pct = 99 where return_1d_known_date > '2025-11-21'",
    )
    pages = [markdown_page(read_story(file, "CLSK", DAY, quote=11.23)) for file in (published, unlike)]
    assert pages[0] == pages[1]
    assert "+13.9%" not in pages[0]
    after_the_close = [markdown_page(read_story(file, "CLSK", DAY)) for file in (published, unlike)]
    assert after_the_close[0] != after_the_close[1]


def test_returns_are_told_as_far_as_they_were_known(published: Path) -> None:
    early, late = (read_story(published, "IREN", day).rating for day in (date(2025, 9, 30), date(2025, 10, 7)))
    assert early is not None
    assert late is not None
    assert early.rating_date == late.rating_date == date(2025, 9, 26)
    assert early.return_1d_pct == late.return_1d_pct is not None
    assert early.return_5d_pct is None
    assert late.return_5d_pct is not None


def test_simulated_prices_are_said_and_real_ones_are_not(published: Path, spoiled: Spoil) -> None:
    simulated = read_story(published, "CLSK", DAY)
    real = read_story(spoiled("update dim_miners set is_simulated = false"), "CLSK", DAY)
    assert markdown_page(simulated).startswith("# SIMULATED PRICES\n")
    assert "<strong>SIMULATED PRICES</strong>" in html_page(simulated, NO_PICTURES)
    assert "SIMULATED" not in markdown_page(real)
    assert "SIMULATED" not in html_page(real, NO_PICTURES)


def test_what_is_held_back_is_said_with_since_when_and_why(published: Path, spoiled: Spoil) -> None:
    said = "held back since 2025-11-22 03:04 UTC because: check rows_stand_once"
    spoilt = spoiled(
        "update publication set held_back_since = timestamp '2025-11-22 03:04', "
        "held_back_why = 'check rows_stand_once' "
        "where table_name = 'miner_snapshot'"
    )
    for database, is_said in ((published, False), (spoilt, True)):
        story = read_story(database, "CLSK", DAY)
        for page in (markdown_page(story), html_page(story, NO_PICTURES)):
            assert (said in page.replace("\\_", "_")) == is_said
            assert ("New rows of miner" in page) == is_said


def test_what_is_missing_is_said_and_never_zero(spoiled: Spoil) -> None:
    tables = "fct_daily_technicals fct_price_levels fct_miner_valuation_daily fct_rating_changes_history".split()
    bare = spoiled(*(f"delete from {table} where symbol = 'GPUS'" for table in tables))
    story = read_story(bare, "GPUS", DAY)
    assert (story.move, story.rating, story.technicals, story.valuation, story.price) == (None,) * 5
    page = markdown_page(story)
    for said in (
        "No price of GPUS is known",
        "No rating change is known in the year before",
        "No site and no firm contract of GPUS is known",
        "No share count of GPUS is known",
        "so there is no value per share",
        "- prices: none is in the published file",
    ):
        assert said in page
    assert "None" not in page
    assert "| 0 |" not in page
    pictures = draw(PublishedFile(bare), story)
    assert pictures["price"] is None
    assert "None" not in html_page(story, pictures)


def test_texts_cannot_break_the_pages(spoiled: Spoil) -> None:
    garbage = '<script>alert("x")</script> | [a](javascript:1) `b` *c*'
    story = read_story(
        spoiled(
            f"update dim_miners set company_name = '{garbage}'",
            f"update fct_hpc_deals_history set counterparty = '{garbage}', source_url = 'javascript:alert(1)'",
            f"update fct_rating_changes_history set firm = '{garbage}'",
        ),
        "CLSK",
        DAY,
    )
    html = html_page(story, NO_PICTURES)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert 'href="javascript' not in html
    page = markdown_page(story)
    assert "<script" not in page
    assert not re.search(r"(?<!\\)\]\(", page)
    row = next(line for line in page.splitlines() if line.startswith("| 20 Nov 2025 | CIFR"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 10


def test_the_page_needs_nothing_from_anywhere(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--symbol", "CLSK", "--as-of", "2025-11-24", "--quote", "11.23"]) == 0
    html, markdown = (Path(line) for line in capsys.readouterr().out.splitlines())
    assert (html.name, markdown.name) == ("CLSK-2025-11-24-at-11.23.html", "CLSK-2025-11-24-at-11.23.md")
    assert sorted(path.name for path in (data_dir / "briefs").iterdir()) == sorted((html.name, markdown.name))
    page = html.read_text()
    assert page.count("<svg ") == 3
    assert not re.search(r"<(?:script|link|img|image|iframe|object|use)\b|@import|url\((?!#)|\bsrc=", page)
    loads = set(re.findall(r'([\w:]+)="https?://', page))
    assert loads <= {"href", "xmlns", "xmlns:xlink"}
    assert set(re.findall(r'<(\w+)[^<>]*\bhref="https?://', page)) == {"a"}


@pytest.mark.parametrize(
    ("asked", "session", "why"),
    [
        (date(2025, 11, 23), date(2025, 11, 21), "last session up to then"),
        (date(2026, 3, 2), DAY, "last session up to then with prices"),
    ],
)
def test_a_day_without_session_says_which_was_used(published: Path, asked: date, session: date, why: str) -> None:
    story = read_story(published, "CLSK", asked)
    assert story.session == session
    assert why in markdown_page(story)


def test_a_quote_while_the_exchange_is_closed_knows_the_last_close(published: Path) -> None:
    assert read_story(published, "CLSK", date(2025, 11, 23), quote=10).prices_until == date(2025, 11, 21)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--symbol", "NVDA", "--as-of", "2025-11-24"], "'NVDA' is not covered; known are APLD, .*CLSK"),
        (["--symbol", "CLSK", "--as-of", "2019-01-02"], "before the first session with prices, 2023-01-03"),
        (["--symbol", "CLSK", "--as-of", "24.11.2025"], "'24.11.2025' is not a day"),
        (["--symbol", "CLSK", "--as-of", "2025-11-24", "--quote", "-1"], "'-1' is not a price"),
        (["--symbol", "CLSK", "--as-of", "2025-11-24", "--quote", "nan"], "'nan' is not a price"),
        (["--symbol", "CLSK", "--as-of", "2025-11-24", "--since", "2025-12-01"], "deals since 2025-12-01"),
        (["--symbol", "", "--as-of", "2025-11-24"], "'' is not covered"),
        (["--as-of", "2025-11-24"], "--symbol"),
    ],
)
def test_a_refusal_is_one_line_and_leaves_nothing(
    data_dir: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    try:
        code = main(arguments)
    except SystemExit as end:
        code = end.code  # type: ignore[assignment]
    assert code == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert re.search(why, said.err)
    assert not (data_dir / "briefs").exists()


def test_without_a_published_file_it_names_the_command_that_makes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINEHOUSE_DATA_DIR", str(tmp_path))
    assert main(["--symbol", "CLSK", "--as-of", "2025-11-24"]) == 2
    assert "make run" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_quote_is_above_zero(published: Path) -> None:
    with pytest.raises(StoryError, match="above zero"):
        read_story(published, "CLSK", DAY, quote=0)


def test_make_passes_what_it_is_given() -> None:
    make = subprocess.run(
        ["make", "-n", "brief", "SYMBOL=CLSK", "AS_OF=2025-11-24", "QUOTE=11.23"],  # noqa: S607 - the user's make
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert '-m bi.brief --symbol "CLSK" --as-of "2025-11-24" --quote "11.23"' in make.stdout
    assert "--since" not in make.stdout


def test_a_tenant_that_is_not_named_is_grammar() -> None:
    assert words.tenant(None) == "a tenant that is not named"
    assert words.tenant("Undisclosed US hyperscaler (second)") == "an undisclosed US hyperscaler (second)"
    assert words.tenant("Fluidstack") == "Fluidstack"


def test_in_a_session_without_prices_yet_the_last_consensus_is_told(published: Path) -> None:
    story = read_story(published, "CLSK", date(2025, 11, 25), quote=15)
    assert (story.session, story.prices_until) == (date(2025, 11, 25), date(2025, 11, 24))
    assert story.consensus is not None
    assert story.consensus.trade_date == date(2025, 11, 24)


def test_a_contract_of_the_day_leads_before_a_note_of_the_day(published: Path) -> None:
    story = read_story(published, "APLD", date(2025, 6, 2))
    assert story.rating is not None and story.rating.rating_date == story.session, "both are of the day"
    assert "APLD signs 250 critical IT MW for $7.00 bn with CoreWeave" in markdown_page(story).split("\n## ")[0]


def test_contracts_for_a_part_of_the_power_give_no_ratio_and_the_reason(published: Path) -> None:
    story = read_story(published, "WULF", DAY)
    assert story.valuation is not None and story.valuation.ev_per_critical_it_mw_usd is None
    assert any(gap.why.startswith("partial: contracts for ") for gap in story.gaps)
    page = markdown_page(story)
    assert "per contracted critical IT MW," not in page
    assert "% of the power)" in page, "the value per share says that it is of a part"
