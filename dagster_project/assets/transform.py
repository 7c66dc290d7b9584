"""Defines the dbt models as assets, one op per area.

Belongs here: how Dagster runs dbt. One op builds one area (the folder below the layer, tagged in dbt_project.yml), so
that a failure in `hpc` leaves the indicators of `market` standing. Does not belong here: SQL, or which model exists:
both live in `dbt/`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from dagster_project.assets import groups
from dagster_project.assets.freshness import after_every_close, within_days
from dagster_project.assets.preview import markdown_table
from dagster_project.assets.wording import readers, sentence_for
from dagster_project.transform.dbt_calls import DbtRunError
from dagster_project.transform.dbt_runner import FAILED_SQL, DbtRunner
from dagster_project.warehouse.audit import record
from dagster_project.warehouse.resource import TableSummary, TechnicalsBuild, Warehouse

TECHNICALS_KEY = dg.AssetKey(["marts", "fct_daily_technicals"])

SUMMARY = "summary"
"""Metadata of an asset: what its step did, in a sentence that the shell prints too."""

DAILY_MARTS = frozenset({"fct_daily_technicals", "miner_snapshot"})
"""The marts that are worth nothing a day late; the others hold facts, which change slowly."""


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

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """As dagster-dbt has it, with the file of its SQL; a mart also has a freshness policy and names its readers."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        if unique_id not in manifest["nodes"]:
            return spec
        spec = spec.merge_attributes(metadata={"sql": f"dbt/{manifest['nodes'][unique_id]['original_file_path']}"})
        if spec.key.path[0] != "marts" or spec.freshness_policy is not None:
            return spec
        daily = spec.key.path[-1] in DAILY_MARTS
        return spec.replace_attributes(
            freshness_policy=after_every_close() if daily else within_days()
        ).merge_attributes(metadata={"readers": dg.MetadataValue.md(readers(manifest, unique_id))})

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The model's own; its SQL, which dagster-dbt would add, is in the file that the metadata names."""
        return str(dbt_resource_props["description"]).strip()

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetCheckSpec | None:
        """As dagster-dbt has it, with a sentence that says what is asked."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec and spec._replace(description=sentence_for(manifest["nodes"][unique_id]))

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The area."""
        return next((groups.AREAS[tag] for tag in dbt_resource_props.get("tags", []) if tag in groups.AREAS), None)

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        """The layer."""
        return {"layer": str(dbt_resource_props["schema"])}

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """As the documentation of dbt names it."""
        return [dbt_resource_props["meta"]["owner"]] if "owner" in dbt_resource_props.get("meta", {}) else []


Manifest = Mapping[str, Any]
"""dbt's `manifest.json`."""


def read_manifest(project: DbtProject) -> Manifest:
    """What dbt knows of the project. Raises `ManifestMissingError` where dbt has not read it yet."""
    try:
        manifest: Manifest = json.loads(project.manifest_path.read_bytes())
    except FileNotFoundError:
        raise ManifestMissingError(f"{project.manifest_path} is missing: run `make manifest` once") from None
    return manifest


def transform_assets(project: DbtProject, manifest: Manifest) -> list[dg.AssetsDefinition]:
    """One op per area."""
    translator = MinehouseTranslator()
    return [_area_assets(area, project, manifest, translator) for area in groups.AREAS]


def _area_assets(
    area: str, project: DbtProject, manifest: Manifest, translator: DagsterDbtTranslator
) -> dg.AssetsDefinition:
    specs, check_specs = _specs(area, project, manifest, translator)
    models = {unique_id: spec.key for unique_id, spec in specs.items()}
    tests = {unique_id: spec.key for unique_id, spec in check_specs.items()}

    builds_with = {
        unique_id: manifest["nodes"][unique_id]["config"]["meta"].get("builds_with", ()) for unique_id in models
    }

    # as `@dbt_assets` does, which would ask dbt what the tag selects, and import it for that
    @dg.multi_asset(
        name=f"build_{area}",
        specs=list(specs.values()),
        check_specs=list(check_specs.values()),
        can_subset=True,
        allow_arbitrary_check_specs=True,  # a test of a source is a check of what another op makes
    )
    def build(
        context: dg.AssetExecutionContext,
        dbt: dg.ResourceParam[DbtRunner],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> Iterator[Any]:
        audit = _Audit(check_specs.values())
        audit.begin(context, warehouse)
        results = dbt.build(context, f"tag:{area}", models, tests, builds_with)
        try:
            for result in _with_rows(results, context, warehouse):
                audit.hear(result)
                yield result
        except DbtRunError:
            audit.keep(context, warehouse)
            raise
        audit.keep(context, warehouse)

    return build


class _Audit:
    """What the checks of one area say of its tables; one that was built and not asked all of its own has not passed."""

    def __init__(self, checks: Iterable[dg.AssetCheckSpec]) -> None:
        self._checks = list(checks)
        self._built: set[dg.AssetKey] = set()
        self._checked: set[dg.AssetCheckKey] = set()
        self._failed: dict[dg.AssetKey, str] = {}

    def begin(self, context: dg.AssetExecutionContext, warehouse: Warehouse) -> None:
        """Hold every selected table back until its verdict is known: a build may be killed before its checks."""
        with warehouse.write() as connection:
            record(
                connection,
                good=[],
                bad={
                    key.path[-1]: "its last build was cut off before its checks" for key in context.selected_asset_keys
                },
            )

    def hear(self, result: dg.MaterializeResult | dg.AssetCheckResult) -> None:
        """Take in one result."""
        if isinstance(result, dg.MaterializeResult):
            if result.asset_key:
                self._built.add(result.asset_key)
            return
        if result.asset_key and result.check_name:
            self._checked.add(dg.AssetCheckKey(result.asset_key, result.check_name))
        if not result.passed and result.severity == dg.AssetCheckSeverity.ERROR and result.asset_key:
            self._failed.setdefault(result.asset_key, f"check {result.check_name} failed")

    def keep(self, context: dg.AssetExecutionContext, warehouse: Warehouse) -> None:
        """Write the verdict on every selected table to the build file."""
        selected = context.selected_asset_keys
        unchecked = {spec.asset_key for spec in self._checks if spec.key not in self._checked}
        bad = dict.fromkeys(unchecked & self._built, "it was built without its checks")
        bad |= dict.fromkeys(selected - self._built, "could not be built") | self._failed
        with warehouse.write() as connection:
            record(
                connection,
                good=[key.path[-1] for key in self._built - bad.keys()],
                bad={key.path[-1]: why for key, why in bad.items() if key.path[0] != "raw"},
            )


def _specs(
    area: str, project: DbtProject, manifest: Manifest, translator: DagsterDbtTranslator
) -> tuple[dict[str, dg.AssetSpec], dict[str, dg.AssetCheckSpec]]:
    """By dbt's unique id: the models that carry the area's tag; the tests of them and of the sources they read."""
    assets = {
        unique_id: translator.get_asset_spec(manifest, unique_id, project)
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and area in node["tags"]
    }
    sources = {
        parent: translator.get_asset_spec(manifest, parent, project)
        for unique_id in assets
        for parent in manifest["parent_map"][unique_id]
        if parent in manifest["sources"]
    }
    checks = {
        child: spec
        for parent, of in (assets | sources).items()
        for child in manifest["child_map"][parent]
        if child.startswith("test.")
        if (spec := translator.get_asset_check_spec(of, manifest, child, project))
    }
    return assets, checks


def _with_rows(
    results: Iterator[dg.MaterializeResult | dg.AssetCheckResult],
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """The results, with row counts on those of tables, a preview on those of marts, and rows on failed checks.

    dbt is done when its first result comes, so that one look at the build file is enough for all.
    """
    seen: dict[str, TableSummary] | None = None
    for result in results:
        if isinstance(result, dg.AssetCheckResult):
            yield result if result.passed else with_failing_rows(result, warehouse)
            continue
        if seen is None:
            seen = warehouse.summarize(
                {".".join(key.path) for key in context.selected_asset_keys}, preview_schema="marts"
            )
        table = seen.get(".".join(result.asset_key.path)) if result.asset_key else None
        metadata = {**(result.metadata or {}), **dict(_shown(table) if table else ())}
        if result.asset_key == TECHNICALS_KEY and (build := warehouse.last_technicals_build()):
            metadata |= _how_built(build)
            context.log.debug(f"fct_daily_technicals {metadata[SUMMARY]}")
        yield dg.MaterializeResult(asset_key=result.asset_key, metadata=metadata)


def _shown(table: TableSummary) -> Iterator[tuple[str, Any]]:
    yield "dagster/row_count", table.rows
    if table.last_session is not None:
        yield "last_session", table.last_session.isoformat()
    if table.sessions_behind is not None:
        yield "sessions_behind", table.sessions_behind
    if table.first_rows is not None:
        yield "preview", dg.MetadataValue.md(markdown_table(table.first_rows))


def _how_built(build: TechnicalsBuild) -> dict[str, Any]:
    way = "brought up to date" if build.is_by_tail else "computed anew"
    return {
        SUMMARY: f"{way}: {build.rows_written:,} rows of {build.symbols:,} symbols written",
        "rows_written": build.rows_written,
        "symbols_written": build.symbols,
    }


def with_failing_rows(result: dg.AssetCheckResult, warehouse: Warehouse) -> dg.AssetCheckResult:
    """The result with the first rows that its test found, so that nobody has to run the test again to see them."""
    query = (result.metadata or {}).get(FAILED_SQL)
    rows = warehouse.first_rows(str(query.value)) if isinstance(query, dg.TextMetadataValue) else []
    said = "; ".join(", ".join(f"{name} {value}" for name, value in row.items()) for row in rows[:3])
    added: dict[str, Any] = (
        {"observed": dg.MetadataValue.text(said), "rows": dg.MetadataValue.md(markdown_table(rows))} if rows else {}
    )
    return result._replace(metadata={**(result.metadata or {}), **added})
