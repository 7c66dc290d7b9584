"""Build a few models of the real dbt project on input tables made by a test, in a database of their own.

The chosen models are copied with everything they refer to, their yaml, all macros and generic tests; a model given as
an input is replaced by a view on the test's table. So the rest of the project may be in any state.
"""

import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb
import pandas as pd
import pyarrow as pa
import yaml
from dbt_server import run_dbt

REPO_ROOT = Path(__file__).resolve().parents[2]
DBT_DIR = REPO_ROOT / "dbt"
REFERENCE = re.compile(r"""\bref\(\s*['"](\w+)['"]""")

DAILY_BARS_SCHEMA = pa.schema(
    {
        "symbol": pa.string(),
        "trade_date": pa.date32(),
        "open": pa.float64(),
        "high": pa.float64(),
        "low": pa.float64(),
        "close": pa.float64(),
        "volume": pa.int64(),
        "price_source": pa.string(),
        "price_basis": pa.string(),
        "is_repaired": pa.bool_(),
        "is_suspect": pa.bool_(),
    }
)


@dataclass(frozen=True)
class BuiltModels:
    """A database with the models a test asked for."""

    database: Path

    def query(self, sql: str, parameters: list[object] | None = None) -> pd.DataFrame:
        """The result of a query, on a connection that is closed again."""
        connection = duckdb.connect(str(self.database), read_only=True)
        try:
            return connection.execute(sql, parameters).df()
        finally:
            connection.close()


def daily_bars(frame: pd.DataFrame) -> pa.Table:
    """The frame as `int_daily_bars` would give it: columns it lacks are null, no bar is suspect."""
    bars = frame.reindex(columns=DAILY_BARS_SCHEMA.names)
    bars["price_source"] = "test"
    bars["is_suspect"] = bars["is_suspect"].eq(True)
    bars["volume"] = bars["volume"].astype("Int64")
    return pa.Table.from_pandas(bars, schema=DAILY_BARS_SCHEMA, preserve_index=False)


def build_models(
    workdir: Path,
    models: Iterable[str],
    inputs: Mapping[str, pa.Table],
    *,
    command: Literal["run", "build"] = "run",
    variables: Mapping[str, object] | None = None,
) -> BuiltModels:
    """Run (or build, with their unit and data tests) the models on the inputs; a failure shows dbt's own output."""
    database = workdir / "models.duckdb"
    _write_inputs(database, inputs)
    _write_project(workdir, _closure(models, set(inputs)), inputs)
    arguments = [
        "--no-use-colors", "--no-version-check", command,
        "--project-dir", str(workdir), "--profiles-dir", str(workdir), "--threads", "2",
        "--vars", yaml.safe_dump(dict(variables or {}), default_flow_style=True),
    ]  # fmt: skip
    exit_code, output = run_dbt(arguments, {}, workdir)
    assert exit_code == 0, output
    return BuiltModels(database)


def _write_inputs(database: Path, inputs: Mapping[str, pa.Table]) -> None:
    connection = duckdb.connect(str(database))
    try:
        connection.execute("create schema inputs")
        for name, table in inputs.items():
            connection.register("given", table)
            connection.execute(f'create table inputs."{name}" as select * from given')
            connection.unregister("given")
    finally:
        connection.close()


def _closure(models: Iterable[str], given: set[str]) -> list[Path]:
    """The model files asked for and those they refer to, down to the inputs."""
    files = {path.stem: path for path in (DBT_DIR / "models").rglob("*.sql")}
    wanted, found = list(models), {}
    while wanted:
        name = wanted.pop()
        if name not in given and name not in found:
            found[name] = files[name]
            wanted.extend(REFERENCE.findall(files[name].read_text()))
    return sorted(found.values())


def _write_project(workdir: Path, model_files: list[Path], inputs: Mapping[str, pa.Table]) -> None:
    project = yaml.safe_load((DBT_DIR / "dbt_project.yml").read_text())
    kept = {"name", "version", "config-version", "profile", "flags", "vars", "models"}
    project = {key: value for key, value in project.items() if key in kept}
    (workdir / "dbt_project.yml").write_text(yaml.safe_dump(project | {"test-paths": ["tests"]}))
    output = {"type": "duckdb", "path": str(workdir / "models.duckdb"), "threads": 2}
    profile = {project["profile"]: {"target": "test", "outputs": {"test": output}}}
    (workdir / "profiles.yml").write_text(yaml.safe_dump(profile))
    for source, target in (("macros", "macros"), ("tests/generic", "tests/generic"), ("models/docs", "models/docs")):
        if (DBT_DIR / source).is_dir():
            shutil.copytree(DBT_DIR / source, workdir / target)
    for path in model_files:
        for file in (path, path.with_suffix(".yml")):
            if file.is_file():
                target_file = workdir / file.relative_to(DBT_DIR)
                target_file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target_file)
    (workdir / "models" / "inputs").mkdir(parents=True)
    for name in inputs:
        stub = f"{{{{ config(materialized='view') }}}}\nselect * from inputs.{name}\n"
        (workdir / "models" / "inputs" / f"{name}.sql").write_text(stub)
