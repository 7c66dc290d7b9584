"""The dashboards as Superset imports them.

The files name tables, charts and headings; a mart that none of them names becomes a dataset all the same. Where the
published file lies, and which columns its tables have, with their descriptions, is filled in here, so that a new column
of a mart needs no edit.

Belongs here: reading the files and completing them. Does not belong here: importing them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import duckdb
import yaml

from bi.published import connect
from dagster_project.engine import duckdb_config

ASSETS = Path(__file__).resolve().parent / "assets"


class UnknownTableError(LookupError):
    """The published file does not hold what a dataset shows."""


def read_assets(folder: Path = ASSETS) -> dict[str, dict[str, Any]]:
    """Every file of the export by its name in the bundle, parsed."""
    return {
        path.relative_to(folder).as_posix(): yaml.safe_load(path.read_text()) for path in sorted(folder.rglob("*.yaml"))
    }


def complete_assets(database: Path) -> dict[str, str]:
    """The bundle for this published file, as text by file name.

    Raises `NotPublishedError` where there is no file, and `UnknownTableError` where it is older than the dashboards.
    """
    assets = read_assets()
    with connect(database) as marts:
        for name, asset in assets.items():
            if name.startswith("databases/"):
                asset["sqlalchemy_uri"] = asset["sqlalchemy_uri"].format(published_database=database)
                asset["extra"]["engine_params"]["connect_args"]["config"] |= duckdb_config()
            elif name.startswith("datasets/"):
                asset["columns"] = _columns(marts, asset)
        shown = {str(asset["table_name"]) for name, asset in assets.items() if name.startswith("datasets/")}
        tables = marts.execute(
            """select table_name from duckdb_tables()
               where database_name = current_database() and schema_name = 'marts' order by table_name"""
        ).fetchall()
        for (table,) in tables:
            if table not in shown:
                assets[f"datasets/minehouse/{table}.yaml"] = _registered(marts, table, assets)
    return {name: yaml.safe_dump(asset, sort_keys=False) for name, asset in assets.items()}


def _registered(marts: duckdb.DuckDBPyConnection, table: str, assets: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A dataset for a mart that no chart shows yet, so that a reader finds it with its columns and their words."""
    (database,) = (asset["uuid"] for name, asset in assets.items() if name.startswith("databases/"))
    dataset: dict[str, Any] = {
        "table_name": table,
        "schema": "marts",
        "sql": None,
        "uuid": str(uuid5(UUID(database), table)),
        "columns": [],
        "metrics": [{"metric_name": "count", "verbose_name": "Rows", "expression": "count(*)"}],
        "version": "1.0.0",
        "database_uuid": database,
    }
    return dataset | {"columns": _columns(marts, dataset)}


def table_of(dataset: dict[str, Any]) -> str:
    """The mart that a dataset shows: itself, or the only one that its query reads."""
    if not dataset["sql"]:
        return str(dataset["table_name"])
    (table,) = {
        word.removeprefix("marts.") for word in str(dataset["sql"]).replace(",", " ").split() if "marts." in word
    }
    return table


def _columns(marts: duckdb.DuckDBPyConnection, dataset: dict[str, Any]) -> list[dict[str, Any]]:
    headings = {column["column_name"]: column["verbose_name"] for column in dataset["columns"]}
    described = dict(
        marts.execute(
            """select column_name, comment from duckdb_columns()
               where database_name = current_database() and schema_name = 'marts' and table_name = ?""",
            [table_of(dataset)],
        ).fetchall()
    )
    try:
        relation = marts.sql(dataset["sql"] or f'from marts."{dataset["table_name"]}"')
    except duckdb.Error as error:
        table = dataset["table_name"]
        raise UnknownTableError(f"the published file cannot show {table}: run `make run` again") from error
    return [
        {
            "column_name": name,
            "verbose_name": headings.get(name),
            "description": described.get(name),
            "type": str(kind),
            "is_dttm": str(kind).startswith(("DATE", "TIMESTAMP")),
            "is_active": True,
            "groupby": True,
            "filterable": True,
        }
        for name, kind in zip(relation.columns, relation.types, strict=True)
    ]
