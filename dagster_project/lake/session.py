"""Opens the Spark session in which dbt's models run.

Belongs here: what a session is told, and the names by which models find the raw tables. Does not belong here: the files
behind them (`raw_files`).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.contracts.base import Contract
from dagster_project.warehouse.load import LOAD_COLUMNS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_QUIET = Path(__file__).with_name("log4j2.properties")
_PROPERTY = re.compile(r"(spark\.[\w.\-]+)=(\S+)")


@dataclass(frozen=True)
class Lake:
    """One folder of Parquet, which every worker of a cluster sees under the same path, and the master that computes.

    `master` is Spark's address of one: `local[2]`, `spark://host:7077`, `yarn`, `k8s://...`. `options` are properties
    of Spark beside ours, and win over them.
    """

    folder: Path
    master: str
    options: dict[str, str] = field(default_factory=dict)

    def raw_dir(self, table: str) -> Path:
        """The files of a raw table, a folder for each month."""
        return self.folder / "raw" / table

    def table_dir(self, schema: str, table: str) -> Path:
        """The files of a table that Spark made."""
        return self.folder / "warehouse" / f"{schema}.db" / table

    def properties(self) -> dict[str, str]:
        """What a session is told."""
        catalog = self.folder / "catalog"
        ours = {
            "spark.app.name": "minehouse",
            "spark.master": self.master,
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.warehouse.dir": str(self.folder / "warehouse"),
            "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={catalog / 'db'};create=true",
            "spark.driver.extraJavaOptions": (
                f"-Dderby.stream.error.file={catalog / 'derby.log'} -Dlog4j2.configurationFile={_QUIET.as_uri()}"
            ),
            # as DuckDB has it: a timestamp is no moment in a time zone, and a quotient by zero is null
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.timestampType": "TIMESTAMP_NTZ",
            "spark.sql.ansi.enabled": "false",
        }
        if self.master.startswith("local"):
            ours |= {
                "spark.driver.host": "127.0.0.1",
                "spark.driver.bindAddress": "127.0.0.1",
                "spark.sql.shuffle.partitions": "4",
            }
        return ours | self.options


def parse_options(text: str) -> dict[str, str]:
    """Properties of Spark out of `spark.a=1 spark.b=2`; raises `ValueError` where a part is none."""
    found = {}
    for part in text.split():
        written = _PROPERTY.fullmatch(part)
        if written is None:
            raise ValueError(f"{part!r} is no property of Spark; write spark.executor.memory=2g")
        found[written[1]] = written[2]
    return found


def open_session(lake: Lake) -> SparkSession:
    """The session of this process, opened where there is none; dbt-spark takes it up as its own."""
    (lake.folder / "catalog").mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # Spark says so of what it does with pandas, and is asked for nothing of it here
        warnings.filterwarnings("ignore", ".*does not yet fully support pandas", FutureWarning)
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.enableHiveSupport()
        for name, value in lake.properties().items():
            builder = builder.config(name, value)
        session: SparkSession = builder.getOrCreate()
    return session


def name_raw_tables(session: SparkSession, lake: Lake, contracts: Sequence[Contract]) -> None:
    """Let `raw.<table>` be what lies in the files now, with the columns that DuckDB's table has."""
    session.sql("create database if not exists raw")
    for contract in contracts:
        columns = ", ".join([*contract.column_names, *(name for name, _, _ in LOAD_COLUMNS)])
        files = f"parquet.`{lake.raw_dir(contract.table)}`"
        session.sql(f"create or replace view raw.{contract.table} as select {columns} from {files}")
