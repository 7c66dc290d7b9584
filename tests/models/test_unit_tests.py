"""The unit tests of the models, worked by hand in the yaml beside each, all of them run on DuckDB.

Belongs here: running them. Does not belong here: what they ask (`dbt/models`), and the same on Spark (`spark/parity`).
"""

import json
import shutil
from pathlib import Path
from typing import Any

from dbt_server import DBT_DIR, run_dbt

from dagster_project.engine import Engine


def test_the_unit_tests_of_the_models_pass(sample: Any, tmp_path: Path) -> None:
    database, target = tmp_path / "build" / "warehouse.duckdb", tmp_path / "target"
    database.parent.mkdir()
    shutil.copyfile(sample.settings.build_database, database)
    arguments = [
        "--no-use-colors", "--no-version-check", "--log-path", str(tmp_path / "logs"),
        "test", "--project-dir", str(DBT_DIR), "--profiles-dir", str(DBT_DIR),
        "--target-path", str(target), "--select", "test_type:unit",
    ]  # fmt: skip
    environment = Engine(data_dir=tmp_path).environment() | {"DBT_BUILD_DATABASE": str(database)}
    exit_code, output = run_dbt(arguments, environment, tmp_path)
    assert exit_code == 0, output
    ran = {result["unique_id"] for result in json.loads((target / "run_results.json").read_bytes())["results"]}
    manifest = json.loads((sample.settings.dbt_target_dir / "manifest.json").read_bytes())
    assert ran == set(manifest["unit_tests"])
