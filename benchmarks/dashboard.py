"""How long a reader waits for the dashboard: `python -m benchmarks.dashboard [data folder]`.

Measured, over the published file of the data folder (`MINEHOUSE_DATA_DIR`, else `data`), in milliseconds of wall time:
the first byte and the whole of the HTML shell over HTTP from a server that runs, and each page's script run by
Streamlit's own `AppTest`: once with an empty cache ("first") and the median of five runs after it ("again").

Where Chromium is installed, also what a reader sees in it, in a window without any cache: the browser's own first
contentful paint, the page's heading, and its first chart or table; and, on pages that were open before, from a click on
the way to another page until that page stands still. Writes `results/dashboard.md`.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from urllib.request import urlopen

REPEATS = 5
PAGES = ("sector", "miner", "compare", "history", "capacity", "leases", "worksheet", "quality")
CLICKS = 40
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE_SECONDS = 60
RESULTS = Path(__file__).parent / "results"
SEEN = """JSON.stringify([
    (performance.getEntriesByName("first-contentful-paint")[0] || {}).startTime || null,
    document.querySelector("h1") !== null,
    document.querySelector(".vega-embed canvas, .vega-embed svg, .table table") !== null,
])"""


def _milliseconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - began)


def _pages() -> list[tuple[str, float, float]]:
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    for page in PAGES:
        import_module(f"bi.dashboard.{page}")  # a server imports once, so no page is charged for it

    rows = []
    for page in PAGES:
        st.cache_data.clear()
        script = f"from bi.dashboard import frame, {page}\nframe.guarded({page}.show)()"
        app = AppTest.from_string(script, default_timeout=120)
        first = _milliseconds(app.run)
        assert not app.exception, page
        assert app.metric or app.get("html"), f"{page} shows nothing: is there a published file?"
        rows.append((page, first, statistics.median(_milliseconds(app.run) for _ in range(REPEATS))))
    return rows


@contextmanager
def _server() -> Iterator[str]:
    """The dashboard as `make dashboard` starts it, on a free port; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "bi.dashboard", f"--server.port={port}"], stdout=log, stderr=log
        )
        try:
            while True:
                try:
                    urlopen(f"{address}/_stcore/health").close()  # noqa: S310  # our own server
                    break
                except OSError:
                    assert server.poll() is None, "the server did not start"
                    time.sleep(0.2)
            yield address
        finally:
            _stop(server)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _shell(address: str) -> tuple[float, float]:
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        with urlopen(f"{address}/") as answer:  # noqa: S310
            answer.read(1)
            first = time.perf_counter()
            answer.read()
        times.append((1000 * (first - began), 1000 * (time.perf_counter() - began)))
    return statistics.median(first for first, _ in times), statistics.median(whole for _, whole in times)


def _seen(browser: str, url: str) -> tuple[float, float, float]:
    """Milliseconds to the first contentful paint, the heading, the first chart or table; a browser of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, tempfile.TemporaryFile() as log:
        options = ["--headless=new", "--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={profile}"]
        process = subprocess.Popen([browser, *options, "about:blank"], stdout=log, stderr=log)
        try:
            port_file = Path(profile) / "DevToolsActivePort"
            deadline = time.perf_counter() + PATIENCE_SECONDS
            while not port_file.exists() or "\n" not in port_file.read_text():
                assert process.poll() is None and time.perf_counter() < deadline, "the browser did not start"
                time.sleep(0.1)
            port = port_file.read_text().splitlines()[0]
            with urlopen(f"http://127.0.0.1:{port}/json") as answer:
                tab = next(tab for tab in json.load(answer) if tab["type"] == "page")
            return _watch(tab["webSocketDebuggerUrl"], url)
        finally:
            _stop(process)


def _watch(socket_url: str, url: str) -> tuple[float, float, float]:
    from websockets.sync.client import connect  # Dagster's and Streamlit's own

    with connect(socket_url) as connection:
        numbers = itertools.count(1)

        def ask(method: str, **parameters: str) -> dict:
            number = next(numbers)
            connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
            while (answer := json.loads(connection.recv())).get("id") != number:
                continue
            return answer["result"]

        began = time.perf_counter()
        ask("Page.navigate", url=url)
        heading = None
        while (waited := 1000 * (time.perf_counter() - began)) < 1000 * PATIENCE_SECONDS:
            seen = ask("Runtime.evaluate", expression=SEEN)
            paint, has_heading, has_figure = json.loads(seen["result"].get("value", "[null, false, false]"))
            heading = heading or (waited if has_heading else None)
            if paint and heading and has_figure:
                return paint, heading, waited
            time.sleep(0.02)
    raise AssertionError(f"{url} showed no figure within {PATIENCE_SECONDS} s")


def _clicks(browser: str, address: str) -> list[float]:
    """Milliseconds from a click on the link to the next page until that page's script has run and its head is there."""
    from playwright.sync_api import sync_playwright

    waits = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(address)
        page.wait_for_selector("h1")
        links = page.get_by_test_id("stPageLink").get_by_role("link")
        for click in range(len(PAGES) + CLICKS):
            before = page.locator("h1").inner_text()
            began = time.perf_counter()
            links.nth((click + 1) % len(PAGES)).click()
            page.wait_for_function("before => document.querySelector('h1')?.innerText !== before", arg=before)
            page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
            waits.append(1000 * (time.perf_counter() - began))
        chromium.close()
    return waits[len(PAGES) :]  # the first round fills the cache


def main() -> None:
    """Print the tables, and keep them beside this file."""
    if len(sys.argv) > 1:
        os.environ["MINEHOUSE_DATA_DIR"] = str(Path(sys.argv[1]).resolve())
    logging.disable(logging.CRITICAL)  # AppTest warns of the server it does without
    lines = ["# How long a reader waits for the dashboard", ""]
    lines += [f"Milliseconds; {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before.", ""]
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    with _server() as address:
        first_byte, whole = _shell(address)
        lines += [f"The HTML shell: first byte {first_byte:.0f}, whole {whole:.0f}.", ""]
        if browser is None:
            lines += ["No Chromium here: what a reader sees was not measured.", ""]
        else:
            lines += ["| page, new browser | first contentful paint | heading | first chart or table |"]
            lines += ["|---|---:|---:|---:|"]
            for page in PAGES:
                url = f"{address}/{'' if page == PAGES[0] else page}"
                seen = [_seen(browser, url) for _ in range(REPEATS)]
                cells = " | ".join(f"{statistics.median(times):.0f}" for times in zip(*seen, strict=True))
                lines.append(f"| {page}, median of {REPEATS} | {cells} |")
            waits = _clicks(browser, address)
            p95 = statistics.quantiles(waits, n=20)[18]
            lines += [
                "",
                f"A click to the next page, of {CLICKS}: median {statistics.median(waits):.0f}, p95 {p95:.0f}.",
            ]
            lines.append("")
    lines += ["| the page's script | first | again |", "|---|---:|---:|"]
    lines += [f"| {page} | {first:.0f} | {again:.0f} |" for page, first, again in _pages()]
    table = "\n".join(lines) + "\n"
    (RESULTS / "dashboard.md").write_text(table)
    print(table)


if __name__ == "__main__":
    main()
