"""The dashboard in a real browser: the address is kept, the values agree, nothing else is asked, axe finds no fault.

Needs the Chromium of the system (Debian: `apt-get install chromium`); skipped with a word where there is none.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, Request, sync_playwright

from bi import charts, questions
from bi.brief.__main__ import write_brief
from bi.published import PublishedFile
from dagster_project.settings import PROJECT_DIR

if TYPE_CHECKING:
    from conftest import Pipeline

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
PAGES = (
    "",
    "miner?symbol=CLSK",
    "compare",
    "history?symbol=CLSK",
    "capacity?symbol=CLSK",
    "leases",
    "worksheet",
    "quality",
)
THEMES: tuple[tuple[Literal["light", "dark"], list[str]], ...] = (
    ("light", ["wcag2a", "wcag2aa"]),
    ("dark", ["cat.color"]),  # the same elements in other colours
)
APP = "document.querySelector('[data-testid=stApp]')"
RUN_AXE = """async tags => {
    const {violations} = await axe.run({runOnly: tags, resultTypes: ["violations"]});
    return violations.flatMap(fault => fault.nodes.map(node => [fault.id, node.html]));
}"""
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: the pages are not looked at")


@pytest.fixture(scope="module")
def dashboard(sample: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The dashboard over the sample, as `make dashboard` starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("dashboard") / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bi.dashboard", f"--server.port={port}"],
            cwd=PROJECT_DIR,
            env=os.environ | {"MINEHOUSE_DATA_DIR": str(sample.settings.data_dir)},
            stdout=output,
            stderr=output,
        )
    try:
        for _ in range(240):
            try:
                urlopen(f"http://127.0.0.1:{port}/_stcore/health").close()
                break
            except OSError:
                time.sleep(0.5)
        else:
            pytest.fail(log.read_text())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """One tab that notes what it asked and what went wrong."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(90_000)
        yield page
        browser.close()


def _open(page: Page, address: str) -> None:
    page.goto(address)
    _settled(page)


def _settled(page: Page) -> None:
    page.wait_for_selector("h1")
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def _asked(page: Page, name: str) -> str:
    return parse_qs(urlsplit(page.url).query)[name][0]


def test_the_day_and_the_miner_stay_in_the_address(dashboard: str, page: Page) -> None:
    _open(page, f"{dashboard}/miner?symbol=CLSK&as_of=2025-10-31")
    for name, title in (("Sector", "Listed miners"), ("Capacity", "CLSK"), ("Data quality", "Data quality")):
        page.get_by_role("link", name=name, exact=True).click()
        page.wait_for_selector(f"h1:has-text('{title}')")
        assert (_asked(page, "symbol"), _asked(page, "as_of")) == ("CLSK", "2025-10-31")
    page.get_by_role("link", name="Miner", exact=True).click()
    page.wait_for_selector("h1:has-text('CLSK')")
    page.reload()
    page.wait_for_selector("h1:has-text('CLSK')")
    assert _asked(page, "as_of") == "2025-10-31"


def test_tile_chart_and_brief_show_one_value(dashboard: str, page: Page, sample: Pipeline) -> None:
    _open(page, f"{dashboard}/miner?symbol=CLSK")
    tile = page.locator("[data-testid=stMetric]", has_text="Value a share").inner_text()
    low, high = re.findall(r"\d+\.\d\d", tile)[:2]
    published = PublishedFile(sample.settings.published_database)
    session = questions.last_session(published)
    publications = questions.publications(published, "CLSK", session).to_pandas()
    drawn = json.dumps(charts.publication_chart(publications[publications["is_headline"]], None).to_dict())
    assert {low, high} <= set(re.findall(r'"said": "([\d.,]+)"', drawn))
    html, _ = write_brief(sample.settings, "CLSK", session)
    page.goto(html.as_uri())
    assert f"${low} to ${high}" in page.locator("dl.tiles").inner_text()


def test_every_filter_writes_the_address_and_a_reload_keeps_it(dashboard: str, page: Page) -> None:
    for path, control, option, name, value in (
        ("", "Ranked by", "EV per planned critical IT MW", "rank", "EV per planned critical IT MW"),
        ("miner?symbol=CLSK", "Chart", "6 months", "chart", "6 months"),
        ("compare", "Scale", "linear", "scale", "linear"),
        ("history?symbol=CLSK", "Measure", "Price target", "measure", "Price target"),
    ):
        _open(page, f"{dashboard}/{path}")
        page.get_by_role("combobox", name=re.compile(control)).click()
        page.get_by_role("option", name=option, exact=True).click()
        page.wait_for_url(lambda url, name=name, value=value: parse_qs(urlsplit(url).query).get(name) == [value])
        page.reload()
        _settled(page)
        assert _asked(page, name) == value


def test_the_worksheet_is_worked_by_keyboard_and_stands_in_the_address(dashboard: str, page: Page) -> None:
    _open(page, f"{dashboard}/worksheet?symbol=CLSK&mw=100&usd_m_per_mw=10")
    tile = page.locator("[data-testid=stMetric]", has_text="Value a share")
    before = tile.inner_text()
    page.get_by_role("slider", name=re.compile("Value of a critical IT MW")).focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("usd_m_per_mw=10.1"))
    _settled(page)
    page.wait_for_function("before => !document.body.innerText.includes(before)", arg=before)
    after = tile.inner_text()
    page.reload()
    _settled(page)
    assert tile.inner_text() == after


def test_pages_ask_no_other_host_say_no_error_and_pass_axe_in_both_themes(dashboard: str, page: Page) -> None:
    hosts: set[str] = set()
    errors: list[str] = []

    def asked(request: Request) -> None:
        hosts.add(str(urlsplit(request.url).hostname))

    def said(message: ConsoleMessage) -> None:
        # Streamlit looks for itself under the page's own path before it looks at the root
        if message.type == "error" and "/_stcore/" not in str(message.location.get("url")):
            errors.append(message.text)

    page.emulate_media(color_scheme="light")
    page.on("request", asked)
    page.on("console", said)
    try:
        for path in PAGES:
            _open(page, f"{dashboard}/{path}")
            assert not page.locator("[data-testid=stException]").count(), path
            page.evaluate(Axe().axe_script)
            for theme, rules in THEMES:
                page.emulate_media(color_scheme=theme)
                page.wait_for_function(f"getComputedStyle({APP}).colorScheme === '{theme}'")
                found = page.evaluate(RUN_AXE, rules)
                assert [fault for fault in found if _is_ours(fault[1])] == [], (path, theme)
    finally:
        page.remove_listener("request", asked)
        page.remove_listener("console", said)
    assert hosts <= {"127.0.0.1", "None"}
    assert errors == []


def _is_ours(html: str) -> bool:
    """Whether we wrote it: the frames, menus and inputs of Streamlit are its own."""
    return bool(re.match(r"<(table|t[rdh]|a|p|small|h\d|span class=\"none\"|div class=\"table)\b", html))
