"""A scratch warehouse of the reference facts: raw tables as the loader fills them, then the real dbt project.

Belongs here: building it, and cutting it at a day. Does not belong here: what the marts must say.
"""

from __future__ import annotations

import datetime as dt
import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from dbt_server import run_dbt

from dagster_project.contracts.batch import Batch
from dagster_project.contracts.curated import CURATED_CONTRACTS
from dagster_project.contracts.filings import CAPITAL_FACTS
from dagster_project.contracts.market import DAILY_PRICES, SESSIONS
from dagster_project.contracts.ratings import YAHOO_RATING_CHANGES
from dagster_project.engine import Engine
from dagster_project.gate.cast import cast_column
from dagster_project.sources.curated import CuratedFacts
from dagster_project.warehouse.load import Load, create_tables, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dagster_project.contracts.base import Contract

REPO_ROOT = Path(__file__).resolve().parents[2]
REFERENCE = REPO_ROOT / "reference"
FIRST_LOAD = dt.datetime(2026, 11, 25, 22)  # noqa: DTZ001 - load times are naive UTC
SELECTED = (
    "+miner_snapshot", "+mw_value", "+deal_flow",
    "+intentions_asof", "+fct_published_totals", "+coverage_by_company", "+lease_economics_asof",
    "+capacity_asof", "+capital_asof", "+sector_deal_flow", "+fct_lease_dcf", "+fct_mw_scenarios",
    "+fct_miner_valuation_daily", "+fct_hpc_deals", "+fct_site_capacity", "+fct_capital_structure",
    "+fct_rating_changes", "+fct_consensus_daily", "+sites_asof", "+capital_asof", "+capacity_asof",
    "+capacity_funnel_asof", "+first_power_asof",
    "int_rating_conflicts", "int_rating_unknown_words",
)  # fmt: skip

KNOWN_DATE = {
    "curated__hpc_deals": "announced_date",
    "curated__sites_capacity": "as_of_date",
    "curated__rating_changes": "rating_date",
    "yahoo__rating_changes": "rating_date",
    "curated__mw_valuation_assumptions": "as_of_date",
}


@dataclass(frozen=True)
class FactsWarehouse:
    """The built database and dbt's manifest of the run that built it."""

    database: Path
    manifest: dict[str, Any]

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A reader."""
        connection = duckdb.connect(str(self.database), read_only=True)
        try:
            yield connection
        finally:
            connection.close()

    def query(self, sql: str) -> pd.DataFrame:
        """The rows of a query."""
        with self.connect() as connection:
            return connection.execute(sql).df()

    def models(self) -> list[dict[str, Any]]:
        """The models of the run with their compiled SQL, each after those it reads."""
        pending = {
            name: node
            for name, node in self.manifest["nodes"].items()
            if node["resource_type"] == "model" and node.get("compiled_code")
        }
        ordered: list[dict[str, Any]] = []
        while pending:
            ready = [
                name
                for name, node in pending.items()
                if not any(other in pending for other in node["depends_on"]["nodes"])
            ]
            ordered.extend(pending.pop(name) for name in ready)
        return ordered


def sessions_between(start: dt.date, end: dt.date) -> list[dt.date]:
    """Weekdays: near enough to a calendar for made-up prices."""
    return [day.date() for day in pd.bdate_range(start, end)]


def made_up_prices(start: dt.date, end: dt.date) -> pd.DataFrame:
    """Bars that nobody traded, for a few companies and (every calendar day) bitcoin; the same on every call."""
    rng = np.random.default_rng(20251124)
    frames = []
    for symbol, first_close in {"CLSK": 10.0, "CIFR": 12.0, "IREN": 30.0, "WULF": 11.0, "BTC-USD": 90_000.0}.items():
        is_bitcoin = symbol == "BTC-USD"
        days = [day.date() for day in pd.date_range(start, end)] if is_bitcoin else sessions_between(start, end)
        close = first_close * np.exp(np.cumsum(rng.normal(0, 0.03, len(days))))
        spread = np.abs(rng.normal(0, 0.01, len(days)))
        frames.append(
            pd.DataFrame(
                {
                    "symbol": symbol,
                    "trade_date": days,
                    "open": None if is_bitcoin else close,
                    "high": None if is_bitcoin else close * (1 + spread),
                    "low": None if is_bitcoin else close * (1 - spread),
                    "close": close,
                    "volume": None if is_bitcoin else rng.integers(1_000_000, 9_000_000, len(days)),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def load_reference(connection: duckdb.DuckDBPyConnection, folder: Path, loaded_at: dt.datetime) -> None:
    """Load every curated file of the folder, as the pipeline does after its gate."""
    for contract in CURATED_CONTRACTS:
        batch = CuratedFacts(folder).fetch(contract)
        load(connection, contract, _typed(batch, contract), Load(loaded_at, f"run-{loaded_at:%Y%m%d}"))


def load_market(
    connection: duckdb.DuckDBPyConnection, prices: pd.DataFrame, session_days: list[dt.date] | None = None
) -> None:
    """Load the bars and the sessions: those given, else the weekdays of their span and of the two years before."""
    days = session_days or sessions_between(dt.date(2024, 1, 1), max(prices["trade_date"]))
    sessions = pa.table(
        {
            "session_date": pa.array(days, pa.date32()),
            "is_half_day": pa.array([False] * len(days)),
            "close_utc_minutes": pa.array([21 * 60] * len(days)),
        }
    )
    missing = {name: None for name in DAILY_PRICES.column_names if name not in prices}
    bars = prices.assign(**missing).reset_index(drop=True)
    types = {
        "varchar": pa.string(),
        "date": pa.date32(),
        "double": pa.float64(),
        "bigint": pa.int64(),
        "boolean": pa.bool_(),
    }
    table = pa.table(
        {
            column.name: pa.array([None if pd.isna(cell) else cell for cell in bars[column.name]], types[column.type])
            for column in DAILY_PRICES.columns
        }
    )
    by = Load(FIRST_LOAD, "run-market")
    load(connection, DAILY_PRICES, Batch("sample", _with_origin(table, "made-up")), by)
    load(connection, SESSIONS, Batch("sample", _with_origin(sessions, "weekdays")), by)


def build(
    workdir: Path,
    loads: Mapping[dt.datetime, Path],
    prices: pd.DataFrame,
    session_days: list[dt.date] | None = None,
    yahoo_ratings: Mapping[dt.datetime, Batch] | None = None,
    sec_facts: Batch | None = None,
) -> FactsWarehouse:
    """Load the folders of facts one after the other, then run dbt; what is not given is an empty table."""
    database = workdir / "build" / "warehouse.duckdb"
    database.parent.mkdir(parents=True)
    connection = duckdb.connect(str(database))
    try:
        for loaded_at, folder in sorted(loads.items()):
            load_reference(connection, folder, loaded_at)
        create_tables(connection, YAHOO_RATING_CHANGES)
        create_tables(connection, CAPITAL_FACTS)
        if sec_facts is not None:
            load(connection, CAPITAL_FACTS, sec_facts, Load(FIRST_LOAD, "run-edgar"))
        for loaded_at, batch in sorted((yahoo_ratings or {}).items()):
            by = Load(loaded_at, f"run-{loaded_at:%Y%m%d}")
            load(connection, YAHOO_RATING_CHANGES, _typed(batch, YAHOO_RATING_CHANGES), by)
        load_market(connection, prices, session_days)
    finally:
        connection.close()
    dbt_dir = REPO_ROOT / "dbt"
    arguments = [
        "--no-use-colors", "--no-version-check", "--log-path", str(workdir / "logs"),
        "run", "--project-dir", str(dbt_dir), "--profiles-dir", str(dbt_dir),
        "--target-path", str(workdir / "target"), "--select", *SELECTED,
    ]  # fmt: skip
    exit_code, output = run_dbt(
        arguments, Engine(data_dir=workdir).environment() | {"DBT_BUILD_DATABASE": str(database)}, workdir
    )
    assert exit_code == 0, output
    return FactsWarehouse(database, json.loads((workdir / "target" / "manifest.json").read_text()))


@contextmanager
def cut(full: FactsWarehouse, day: dt.date) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of what existed on that day, its models rebuilt: later facts, versions and bars are not in it."""
    connection = duckdb.connect()
    try:
        # compiled models name their database, which is called after its file
        connection.execute("attach ':memory:' as warehouse")
        connection.execute("use warehouse")
        connection.execute(f"attach '{full.database}' as whole (read_only)")
        for schema in ("raw", "staging", "intermediate", "marts"):
            connection.execute(f"create schema {schema}")
        connection.execute(
            "create table raw.market__daily_prices as from whole.raw.market__daily_prices where trade_date <= ?", [day]
        )
        connection.execute("create table raw.calendar__sessions as from whole.raw.calendar__sessions")
        connection.execute(
            "create table raw.edgar__capital_facts as from whole.raw.edgar__capital_facts where filed_date <= ?", [day]
        )
        for contract in (*CURATED_CONTRACTS, YAHOO_RATING_CHANGES):
            connection.execute(f"create table raw.{contract.table} as {_standing_then(contract)}", {"day": day})
        for node in full.models():
            connection.execute(_statement(node))
        yield connection
    finally:
        connection.close()


def _standing_then(contract: Contract) -> str:
    """The versions of a curated table that could be known on $day; a closing after that day had not happened."""
    keys = ", ".join(contract.key)
    known = KNOWN_DATE.get(contract.table)
    replaced = {"valid_to": "case when cast(valid_to as date) <= $day then valid_to end"}
    condition = "true"
    if known:
        condition = f"{known} <= $day"
    elif contract.table == "curated__capital_structure":
        # an unseen filing day is estimated by a term of 40 days at the least; the share count has its own day
        condition = "coalesce(filed_date, as_of_date + 40) <= $day"
        for column in ("shares_outstanding", "shares_as_of_date"):
            replaced[column] = f"case when coalesce(shares_as_of_date, as_of_date) <= $day then {column} end"
    if contract.table == "curated__hpc_deals":
        # the end of a contract is a fact with a day of its own
        for column in ("ended_date", "end_known_date", "end_reason", "superseded_by", "end_source_url", "end_notes"):
            replaced[column] = f"case when greatest(ended_date, end_known_date) <= $day then {column} end"
    replacements = ", ".join(f"{expression} as {column}" for column, expression in replaced.items())
    # rules and lists are not facts of a day: they are taken as they stand
    is_fact = known is not None or contract.table == "curated__capital_structure"
    return (
        f"select * replace ({replacements}) from whole.raw.{contract.table} where {condition} and $day is not null "
        f"qualify row_number() over (partition by {keys} order by valid_from) = 1 "
        f"or cast(valid_from as date) <= {'$day' if is_fact else 'cast(valid_from as date)'}"
    )


def _statement(node: dict[str, Any]) -> str:
    """The statement that makes a model from its compiled SQL."""
    name = f"{node['schema']}.{node['name']}"
    materialized = node["config"]["materialized"]
    if materialized == "table_macro":
        return f"create macro {name}({', '.join(node['config']['parameters'])}) as table {node['compiled_code']}"
    kind = "view" if materialized == "view" else "table"  # an incremental one is made whole
    return f"create {kind} {name} as {node['compiled_code']}"


def _typed(batch: Batch, contract: Contract) -> Batch:
    columns = {}
    for column in contract.columns:
        columns[column.name], unfit = cast_column(batch.rows.column(column.name), column)
        assert not unfit, (contract.table, column.name, unfit)
    return replace(
        batch, rows=pa.table(columns | {name: batch.rows.column(name) for name in ("source_file", "source_row")})
    )


def _with_origin(table: pa.Table, origin: str) -> pa.Table:
    rows = table.num_rows
    return table.append_column("source_file", pa.array([origin] * rows)).append_column(
        "source_row", pa.array(range(2, rows + 2), pa.int64())
    )
