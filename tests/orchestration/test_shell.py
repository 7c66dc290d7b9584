"""What a run at the shell says and returns where it cannot begin."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from dagster_project.settings import PROJECT_DIR


def _run(data_dir: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MINEHOUSE_", "DAGSTER_"))}
    return subprocess.run(
        [sys.executable, "-m", "dagster_project", "run"],
        cwd=PROJECT_DIR,
        env=kept | {"MINEHOUSE_DATA_DIR": str(data_dir)} | settings,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_build_file_that_is_none_is_named_and_left_alone(tmp_path: Path, dbt_target: Path) -> None:
    shutil.copytree(dbt_target, tmp_path / "build" / "dbt")
    build_file = tmp_path / "build" / "warehouse.duckdb"
    build_file.write_text("no database")
    ran = _run(tmp_path)
    assert ran.returncode == 1
    (said,) = ran.stderr.splitlines()
    assert said.startswith("error: the build file cannot be opened: ")
    assert str(build_file) in said
    assert build_file.read_text() == "no database"


def test_without_any_price_it_says_what_is_missing(tmp_path: Path, dbt_target: Path) -> None:
    shutil.copytree(dbt_target, tmp_path / "data" / "build" / "dbt")
    folder = tmp_path / "prices"
    folder.mkdir()
    ran = _run(tmp_path / "data", MINEHOUSE_PRICE_SOURCE="files", MINEHOUSE_PRICE_FILES=str(folder))
    assert ran.returncode == 1
    assert ran.stderr.splitlines() == [f"no snapshot is published yet under {tmp_path / 'data' / 'published'}"]
    assert "ERROR  raw/market__daily_prices batch_is_accepted: " in ran.stdout
    assert "WITH ERRORS" in ran.stdout
    assert "INFO" not in ran.stdout
