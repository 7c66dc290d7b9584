"""The dashboards as Superset imports them.

The files name tables, charts and headings; a mart that none of them names becomes a dataset all the same. Where the
published file lies, and which columns its tables have, with their descriptions, is filled in here, so that a new column
of a mart needs no edit. So are, in the query of a dataset, the day of the dashboards' filter (`{{ as_of }}`) and links
(`{{ link(column) }}` to the address in a column, `{{ miner(column) }}` to the dashboard of a company on that day).

Belongs here: reading the files and completing them. Does not belong here: importing them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import duckdb
import yaml

from bi.published import connect
from dagster_project.engine import duckdb_config

ASSETS = Path(__file__).resolve().parent / "assets"
LAST_DAY = "(select max(as_of_session_date) from marts.miner_snapshot)"
"""The day unless the filter names another, as SQL."""
_CHOSEN_DAY = (
    "{% set days = filter_values('as_of', remove_filter=True) %}"
    f"{{% if days %}}cast({{{{ days[:1] | where_in }}}} as date){{% else %}}{LAST_DAY}{{% endif %}}"
)
"""The day of the filter, as Superset's template of SQL."""
_FILTERED = "NATIVE_FILTER-{0}:(id:NATIVE_FILTER-{0},extraFormData:(filters:!((col:{0},op:IN,val:!(''{1}'')))),"
_FILTERED += "filterState:(value:!(''{1}'')))"
"""How an address of Superset says the value of a filter, within a text of SQL."""


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
                asset.pop("described_by", None)
                asset["sql"] = asset["sql"] and written(asset["sql"], _CHOSEN_DAY)
        shown = {str(asset["table_name"]) for name, asset in assets.items() if name.startswith("datasets/")}
        tables = marts.execute(
            """select distinct table_name from duckdb_columns()
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
    """The mart whose columns describe those of a dataset: itself, or what its file says."""
    return str(dataset.get("described_by") or dataset["table_name"])


def written(sql: str, day: str) -> str:
    """The query of a dataset with a day, which is SQL, and with its links."""

    def miner(column: str) -> str:
        filters = (_FILTERED.format(name, f"' || {value} || '") for name, value in
                   (("as_of", "cast({{ as_of }} as varchar)"), ("symbol", column)))  # fmt: skip
        address = f"/superset/dashboard/minehouse-miner/?native_filters=({','.join(filters)})"
        return f"""'<a href="{address}">' || {column} || '</a>'"""

    def link(column: str) -> str:
        escaped = f"""replace(replace({column}, '"', '&quot;'), '<', '&lt;')"""
        site = f"regexp_extract({column}, '^https?://(?:www[.])?([^/?#<]+)', 1)"
        return f"""case when {site} != '' then '<a href="' || {escaped} || '">' || {site} || '</a>' else {column} end"""

    sql = re.sub(r"\{\{ miner\(([\w.]+)\) \}\}", lambda found: miner(found[1]), sql)
    sql = re.sub(r"\{\{ link\(([\w.]+)\) \}\}", lambda found: link(found[1]), sql)
    return sql.replace("{{ as_of }}", day)


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
        relation = marts.sql(
            written(dataset["sql"], LAST_DAY) if dataset["sql"] else f'from marts."{dataset["table_name"]}"'
        )
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
