"""What a run at the shell says and returns where it cannot begin."""

import os
import subprocess
import sys
from pathlib import Path

from dagster_project.settings import PROJECT_DIR


def test_a_build_file_that_is_none_is_named_and_left_alone(tmp_path: Path) -> None:
    build_file = tmp_path / "build" / "warehouse.duckdb"
    build_file.parent.mkdir()
    build_file.write_text("no database")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MINEHOUSE_", "DAGSTER_"))}
    ran = subprocess.run(
        [sys.executable, "-m", "dagster_project", "run"],
        cwd=PROJECT_DIR,
        env=kept | {"MINEHOUSE_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    (said,) = ran.stderr.splitlines()
    assert said.startswith("error: the build file cannot be opened: ")
    assert str(build_file) in said
    assert build_file.read_text() == "no database"
