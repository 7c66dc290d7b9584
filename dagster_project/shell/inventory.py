"""Lists what others rely on by name: assets, their checks, and the columns of the marts.

Belongs here: the list as text, one name per line, so that a change of the public surface is seen in a review. Does not
belong here: descriptions (`make docs`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import dagster as dg

from dagster_project.definitions import build_defs
from dagster_project.settings import PROJECT_DIR, Settings
from dagster_project.shell.prepare import prepare
from dagster_project.warehouse.publish import PUBLICATION_COLUMNS
from dagster_project.warehouse.quality import COLUMNS

PATH = "docs/inventory.txt"
_HEAD = "# Written by `make inventory`: what others rely on by name. Mart columns are added, never renamed or dropped."


def inventory(defs: dg.Definitions, manifest: dict[str, Any]) -> str:
    """The list for these definitions and dbt's manifest, sorted."""
    graph = defs.resolve_asset_graph()
    assets = sorted(f"asset {key.to_user_string()}" for key in graph.get_all_asset_keys())
    checks = sorted(f"check {key.asset_key.to_user_string()} {key.name}" for key in graph.asset_check_keys)
    columns = sorted([*_columns(manifest), *_own_columns()])
    return "\n".join([_HEAD, *assets, *checks, *columns, ""])


def write_inventory(settings: Settings) -> None:
    """Write the list for the project as it is to `docs/inventory.txt`."""
    prepare(settings)
    manifest = json.loads((settings.dbt_target_dir / "manifest.json").read_bytes())
    (PROJECT_DIR / PATH).write_text(inventory(build_defs(settings), manifest))


def _own_columns() -> Iterator[str]:
    """Of the marts that dbt does not make."""
    for table, columns in (("data_quality_results", COLUMNS), ("publication", PUBLICATION_COLUMNS)):
        for name, (kind, _) in columns.items():
            yield f"column marts.{table}.{name} {kind}"


def _columns(manifest: dict[str, Any]) -> Iterator[str]:
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model" and node["schema"] == "marts":
            for column in node["columns"].values():
                yield f"column marts.{node['name']}.{column['name']} {column['data_type'] or ''}".rstrip()
