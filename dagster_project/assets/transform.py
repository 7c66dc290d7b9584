"""The dbt models as assets, one op per area.

Belongs here: how Dagster runs dbt. One op builds one area (the folder below the layer, tagged in dbt_project.yml), so
that a failure in `hpc` leaves the indicators of `market` standing. Does not belong here: SQL, or which model exists:
both live in `dbt/`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets

from dagster_project.assets.ingest import POOL
from dagster_project.dbt_runner import DbtRunner

AREAS = ("market", "ratings", "hpc", "valuation")


class ManifestMissingError(FileNotFoundError):
    """dbt's manifest is not there; `make manifest` writes it."""


class MinehouseTranslator(DagsterDbtTranslator):
    """How a dbt model looks in Dagster: grouped by area, tagged by layer."""

    def __init__(self) -> None:
        """Data tests are checks; so are those on sources."""
        super().__init__(DagsterDbtTranslatorSettings(enable_asset_checks=True, enable_source_tests_as_checks=True))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`schema/name` for models, the raw asset's own key for sources."""
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The area."""
        return next((tag for tag in dbt_resource_props.get("tags", []) if tag in AREAS), None)

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        """The layer."""
        return {"layer": str(dbt_resource_props["schema"])}

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:  # noqa: ARG002
        """One team owns all models."""
        return ["team:data"]


def transform_assets(project: DbtProject) -> list[dg.AssetsDefinition]:
    """One `@dbt_assets` per area. Raises `ManifestMissingError` where dbt has not been parsed."""
    if not project.manifest_path.exists():
        raise ManifestMissingError(f"{project.manifest_path} is missing: run `make manifest` once")
    return [_area_assets(area, project) for area in AREAS]


def _area_assets(area: str, project: DbtProject) -> dg.AssetsDefinition:
    @dbt_assets(
        manifest=project.manifest_path,
        select=f"tag:{area}",
        name=f"build_{area}",
        project=project,
        dagster_dbt_translator=MinehouseTranslator(),
        pool=POOL,
    )
    def build(context: dg.AssetExecutionContext, dbt: dg.ResourceParam[DbtRunner]) -> Iterator[Any]:
        yield from dbt.build(context, select=f"tag:{area}")

    return build
