"""Measures how price files are read, and shows what each shape of file comes to: `python -m benchmarks.price_files`.

Two folders of invented prices are written and read, each in a process of its own: one file of some 200 MB with a symbol
column, and 3,000 files of a symbol each. Then every folder of `tests/fixtures/price_shapes` is read and judged as the
pipeline does. Writes `results/price-files.md`; `--shapes FOLDER` prints the table of another folder of folders alone.

Belongs here: reading and judging. Does not belong here: whole runs (`market`).
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dagster_project.contracts.curated import COMPANIES
from dagster_project.contracts.market import DAILY_PRICES
from dagster_project.gate.gate import judge
from dagster_project.sources.base import SourceError
from dagster_project.sources.curated import CuratedFacts
from dagster_project.sources.prices.base import PriceRequest
from dagster_project.sources.prices.files import FilePrices

REPO = Path(__file__).resolve().parent.parent
SHAPES = REPO / "tests" / "fixtures" / "price_shapes"
RESULTS = Path(__file__).parent / "results" / "price-files.md"
LONG_BYTES = 200 * 10**6
FILES, ROWS_PER_FILE = 3000, 1250
NOW = dt.datetime(2026, 11, 26, 15, tzinfo=dt.UTC)
"""The moment for which the shapes are read: some hold a bar of that day."""


def main() -> None:
    """Measure and write the results, or print what one folder comes to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", type=Path, help="print the table of this folder of folders, and nothing else")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(_measured(given.measure)))
        return
    if given.shapes:
        print("\n".join(_table(given.shapes)))
        return
    lines = [*_timed(), "", "## What each shape comes to", "", *_table(SHAPES)]
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


def _timed() -> Iterator[str]:
    load = os.getloadavg()[0]
    yield "# Reading price files"
    yield ""
    yield f"{platform.system()}, {os.cpu_count()} cores, load average {load:.1f} before. Invented prices; reading"
    yield "alone, not judging and loading. Again: the same folder, nothing changed since."
    yield ""
    yield "| folder | MB | rows | wall s | CPU s | peak MiB | again, wall s |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for name, write in (("one long file with a symbol column", _write_long), (f"{FILES:,} files", _write_many)):
        with tempfile.TemporaryDirectory(prefix="minehouse-files-") as folder:
            write(Path(folder))
            size = sum(path.stat().st_size for path in Path(folder).iterdir()) / 10**6
            found = json.loads(
                subprocess.run(
                    [sys.executable, "-m", "benchmarks.price_files", "--measure", folder],
                    check=True, capture_output=True, text=True, cwd=REPO,
                ).stdout
            )  # fmt: skip
        yield (
            f"| {name} | {size:.0f} | {found['rows']:,} | {found['wall']:.1f} | {found['cpu']:.1f} "
            f"| {found['peak']:,.0f} | {found['again']:.2f} |"
        )


def _measured(folder: Path) -> dict[str, float]:
    """Read a folder twice, the second time with what was remembered of the first."""
    began, cpu = time.perf_counter(), time.process_time()
    batch = FilePrices(folder).fetch(PriceRequest(()))
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.perf_counter()
    again = FilePrices(folder).fetch(PriceRequest((), files={file.label: file for file in batch.files}))
    if batch.rejects or again.rows.num_rows:
        raise RuntimeError(f"{len(batch.rejects)} rejects, {again.rows.num_rows} rows the second time")
    return {
        "rows": batch.rows.num_rows,
        "wall": wall,
        "cpu": cpu,
        "peak": peak,
        "again": time.perf_counter() - began,
    }


def _write_long(folder: Path) -> None:
    with (folder / "all.csv").open("w") as file:
        file.write("symbol,date,open,high,low,close,volume\n")
        number = 0
        while file.tell() < LONG_BYTES:
            file.writelines(f"S{number:04},{line}" for line in _bars(number))
            number += 1
    _make_old(folder)


def _write_many(folder: Path) -> None:
    for number in range(FILES):
        text = "date,open,high,low,close,volume\n" + "".join(_bars(number))
        (folder / f"S{number:04}.csv").write_text(text)
    _make_old(folder)


def _make_old(folder: Path) -> None:
    """A file that was written a moment ago would be told by its bytes."""
    for path in folder.iterdir():
        os.utime(path, (0, 0))


def _bars(number: int) -> Iterator[str]:
    draw = np.random.default_rng(number)
    days = np.busday_offset(np.datetime64("2020-01-02"), np.arange(ROWS_PER_FILE))
    closes = np.round(20 * np.exp(np.cumsum(draw.normal(0, 0.03, ROWS_PER_FILE))) + 1, 4)
    volumes = draw.integers(10**5, 10**7, ROWS_PER_FILE)
    for day, close, volume in zip(days, closes, volumes, strict=True):
        yield f"{day},{close:.4f},{close * 1.02:.4f},{close * 0.98:.4f},{close:.4f},{volume}\n"


def _table(folder: Path) -> Iterator[str]:
    yield "| shape | read | refused, or kept out | said |"
    yield "|---|---|---|---|"
    listed = (*CuratedFacts(REPO / "reference").fetch(COMPANIES).rows["ticker"].to_pylist(), "BTC-USD", "NVDA")
    request = PriceRequest(tuple(listed), always_open=frozenset({"BTC-USD"}))
    for shape in sorted(path for path in folder.iterdir() if path.is_dir()):
        try:
            batch = FilePrices(shape, now=lambda: NOW).fetch(request)
        except SourceError as error:
            yield f"| {shape.name} | | {_cell(str(error))} | |"
            continue
        judged = judge(batch, DAILY_PRICES, {}, NOW.date())
        rows = judged.rows.select(["source_file", "symbol"]).to_pylist()
        counted = Counter((row["source_file"], row["symbol"]) for row in rows)
        read = "; ".join(f"{file}: {count} of {symbol}" for (file, symbol), count in counted.items())
        refused = "; ".join(
            f"{reject.source_file}{f' row {reject.source_row}' if reject.source_row else ''}: {reject.reason}"
            for reject in judged.rejects
        )
        of_list = ("on the reference list", "not on the reference list")
        said = "; ".join(remark for remark in batch.remarks if not remark.startswith(of_list))
        yield f"| {shape.name} | {_cell(read)} | {_cell(refused)} | {_cell(said)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    main()
