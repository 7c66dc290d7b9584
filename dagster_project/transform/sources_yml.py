"""Writes `dbt/models/sources.yml` from the contracts, so that a raw table is described once.

Belongs here: what dbt is told of a raw table. Does not belong here: what the table promises (`contracts`), what the
loader adds to each (`warehouse.load`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from dagster_project.contracts.base import Contract
from dagster_project.contracts.tables import RAW_TABLES
from dagster_project.warehouse.load import LOAD_COLUMNS

PATH = "models/sources.yml"
"""Where the file lies in dbt's project."""

_HEAD = "# Written by `make sources` from dagster_project/contracts: change a contract and run it again.\n"


OWNER = "team:data"
"""Who answers for the raw tables, in Dagster and in the documentation of dbt."""


def sources_yml(contracts: Sequence[Contract] = RAW_TABLES) -> str:
    """The file as it should be: one source `raw` with a table per contract."""
    raw = {
        "name": "raw",
        "schema": "raw",
        "description": "Facts as loaded, every version of them; nothing but the loader writes here.",
        "tables": [_table(contract) for contract in contracts],
    }
    return _HEAD + yaml.safe_dump({"sources": [raw]}, sort_keys=False, width=120, allow_unicode=True)


def _table(contract: Contract) -> dict[str, Any]:
    columns = [(column.name, column.type, column.description) for column in contract.columns]
    return {
        "name": contract.table,
        "description": contract.description,
        "config": {"meta": {"owner": OWNER, "dagster": {"asset_key": ["raw", contract.table]}}},
        "columns": [
            {"name": name, "data_type": kind, "description": description}
            for name, kind, description in (*columns, *LOAD_COLUMNS)
        ],
    }
