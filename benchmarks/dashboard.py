"""How long a reader waits for the dashboard: `python -m benchmarks.dashboard [data folder]`.

Measured, over the published file of the data folder (`MINEHOUSE_DATA_DIR`, else `data`), in milliseconds of wall time:
the first byte and the whole of the HTML shell over HTTP from a server that runs, and each page's script run by
Streamlit's own `AppTest`: once with an empty cache ("first") and the median of five runs after it ("again"). Not
measured: what the browser adds (loading Streamlit's JavaScript, drawing).
"""

from __future__ import annotations

import logging
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

REPEATS = 5
PAGES = ("sector", "miner", "quality")


def _milliseconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - began)


def _pages() -> list[tuple[str, float, float]]:
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    from bi.dashboard import miner, quality, sector  # noqa: F401  # a server imports once, so no page is charged for it

    rows = []
    for page in PAGES:
        st.cache_data.clear()
        script = f"from bi.dashboard import frame, {page}\nframe.guarded({page}.show)()"
        app = AppTest.from_string(script, default_timeout=120)
        first = _milliseconds(app.run)
        assert not app.exception, page
        assert app.dataframe, f"{page} shows no table: is there a published file?"
        rows.append((page, first, statistics.median(_milliseconds(app.run) for _ in range(REPEATS))))
    return rows


def _shell() -> tuple[float, float]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "bi.dashboard", f"--server.port={port}"], stdout=log, stderr=log
        )
        try:
            while True:
                try:
                    urlopen(f"http://127.0.0.1:{port}/_stcore/health").close()
                    break
                except OSError:
                    assert server.poll() is None, "the server did not start"
                    time.sleep(0.2)
            times = []
            for _ in range(REPEATS):
                began = time.perf_counter()
                with urlopen(f"http://127.0.0.1:{port}/") as answer:
                    answer.read(1)
                    first = time.perf_counter()
                    answer.read()
                times.append((1000 * (first - began), 1000 * (time.perf_counter() - began)))
        finally:
            server.terminate()
            try:
                server.wait(timeout=5)
            except subprocess.TimeoutExpired:
                server.kill()
    return statistics.median(first for first, _ in times), statistics.median(whole for _, whole in times)


def main() -> None:
    """Print the table."""
    if len(sys.argv) > 1:
        os.environ["MINEHOUSE_DATA_DIR"] = str(Path(sys.argv[1]).resolve())
    logging.disable(logging.CRITICAL)  # AppTest warns of the server it does without
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    first_byte, whole = _shell()
    print(f"HTML shell: first byte {first_byte:.0f} ms, whole {whole:.0f} ms")
    print(f"{'page':8} {'first ms':>9} {'again ms':>9}")
    for page, first, again in _pages():
        print(f"{page:8} {first:9.0f} {again:9.0f}")


if __name__ == "__main__":
    main()
