"""A market of 500 symbols through the main job: it ends, within its memory, and the next day costs less."""

import re
from pathlib import Path

import pytest

from benchmarks import market, panel

SYMBOLS = 500
ROWS = 1_450_000
MEMORY_BOUND_BYTES = 4 * 2**30


@pytest.mark.nightly
def test_a_market_of_files_stays_within_its_memory_and_a_new_day_is_a_tail(tmp_path: Path) -> None:
    """The first run computes every bar; after a new session in every file little more than a month of each symbol."""
    files = panel.write_files(tmp_path / "files", SYMBOLS, ROWS)
    held_back = panel.hold_back_last_session(files)
    cold, said = market.run_pipeline(files, tmp_path / "data")
    assert f"computed anew: {ROWS - SYMBOLS:,} rows of {SYMBOLS} symbols written" in said
    assert cold.peak_bytes < MEMORY_BOUND_BYTES
    panel.append(held_back)
    daily, said = market.run_pipeline(files, tmp_path / "data")
    written = re.search(rf"brought up to date: ([\d,]+) rows of {SYMBOLS} symbols written", said)
    assert written is not None, said
    assert SYMBOLS <= int(written[1].replace(",", "")) < ROWS / 10
    assert daily.peak_bytes < MEMORY_BOUND_BYTES
    assert daily.cpu_seconds < cold.cpu_seconds


def test_the_panel_as_files_is_the_panel(tmp_path: Path) -> None:
    """Same bars, one file per symbol, the same bytes each time; a line held back comes back."""
    import duckdb

    files = panel.write_files(tmp_path / "files", 5, 900)
    again = panel.write_files(tmp_path / "again", 5, 900)
    assert [path.read_bytes() for path in sorted(files.iterdir())] == [
        path.read_bytes() for path in sorted(again.iterdir())
    ]
    database = panel.build(tmp_path / "panel.duckdb", 5, 900)
    with duckdb.connect(str(database), read_only=True) as connection:
        unlike = connection.execute(
            f"""
            with read as (
                select parse_filename(filename, true) as symbol, * exclude (filename)
                from read_csv('{files}/*.csv', filename = true)
            ), made as (select symbol, trade_date, open, high, low, close, volume from intermediate.int_daily_bars)
            select (select count(*) from (from read except all from made))
                + (select count(*) from (from made except all from read))
            """
        ).fetchall()
    assert unlike == [(0,)]
    before = {path: path.read_bytes() for path in files.iterdir()}
    held_back = panel.hold_back_last_session(files)
    assert all(path.read_bytes() != before[path] for path in files.iterdir())
    panel.append(held_back)
    assert {path: path.read_bytes() for path in files.iterdir()} == before
