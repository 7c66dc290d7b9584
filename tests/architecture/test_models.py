"""Rules that every dbt model follows, asked of the manifest."""

import re
from pathlib import Path
from typing import Any

from dagster_project.contracts import curated, filings, market, ratings
from dagster_project.settings import PROJECT_DIR
from dagster_project.warehouse.load import LOAD_COLUMNS

READS = {
    "staging": {"raw"},
    "intermediate": {"staging", "intermediate"},
    "marts": {"staging", "intermediate", "marts"},
}
NAMES = {"staging": r"stg_[a-z]+__[a-z_]+", "intermediate": r"int_[a-z_]+"}
FORMULAS = ("int_technical_windows", "int_price_pivots")


def _models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def _is_table(model: dict[str, Any]) -> bool:
    return model["config"]["materialized"] != "table_macro"


def test_layers_read_what_they_may(manifest: dict[str, Any]) -> None:
    nodes = manifest["nodes"] | manifest["sources"]
    for model in _models(manifest):
        for parent in model["depends_on"]["nodes"]:
            assert nodes[parent]["schema"] in READS[model["schema"]], f"{model['name']} reads {parent}"


def test_names_follow_their_layer(manifest: dict[str, Any]) -> None:
    for model in _models(manifest):
        if model["schema"] in NAMES:
            assert re.fullmatch(NAMES[model["schema"]], model["name"]), model["name"]


def test_descriptions_open_with_the_grain(manifest: dict[str, Any]) -> None:
    for model in _models(manifest):
        opens = ("One row per ", "One row for each ") if _is_table(model) else ("",)
        assert model["description"].strip().startswith(opens), model["name"]
        assert len(model["description"]) > 20, model["name"]


def test_yaml_lies_beside_each_model(manifest: dict[str, Any]) -> None:
    for model in _models(manifest):
        beside = Path(model["original_file_path"]).with_suffix(".yml")
        assert model["patch_path"] == f"minehouse://{beside}", model["name"]


def test_every_table_has_a_key(manifest: dict[str, Any]) -> None:
    keyed = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node["test_metadata"]["name"] in ("unique", "unique_combination")
    }
    assert [model["name"] for model in _models(manifest) if _is_table(model) and model["unique_id"] not in keyed] == []


def test_every_mart_column_is_described_and_typed_under_an_enforced_contract(manifest: dict[str, Any]) -> None:
    for model in _models(manifest):
        if model["schema"] != "marts" or not _is_table(model):
            continue
        assert model["contract"]["enforced"], model["name"]
        for column in model["columns"].values():
            assert column["description"], f"{model['name']}.{column['name']}"
            assert column["data_type"], f"{model['name']}.{column['name']}"


def test_units_stand_in_column_names(manifest: dict[str, Any]) -> None:
    for model in _models(manifest):
        for name, column in model["columns"].items():
            kind = (column["data_type"] or "").lower()
            if kind == "boolean":
                assert re.search(r"(^|_)(is|has)_|^passed$|_reversed$", name), f"{model['name']}.{name}"
            if kind == "date":
                assert name.endswith("_date") or name == "month", f"{model['name']}.{name}"
            assert name != "mw" or not _is_table(model), f"{model['name']}: MW of what?"


def test_dbt_sources_are_the_contracts(manifest: dict[str, Any]) -> None:
    contracts = {
        contract.table: contract
        for contract in (
            *curated.CURATED_CONTRACTS,
            *filings.FILING_CONTRACTS,
            market.DAILY_PRICES,
            market.SESSIONS,
            ratings.YAHOO_RATING_CHANGES,
        )
    }
    sources = {source["name"]: source for source in manifest["sources"].values()}
    assert set(sources) == set(contracts)
    for table, contract in contracts.items():
        expected = {column.name: (column.type, column.description) for column in contract.columns}
        expected |= {name: (kind, description) for name, kind, description in LOAD_COLUMNS}
        seen = {c["name"]: (c["data_type"], c["description"]) for c in sources[table]["columns"].values()}
        assert {name: kind for name, (kind, _) in seen.items()} == {
            name: kind for name, (kind, _) in expected.items()
        }, table


def test_formulas_have_unit_tests(manifest: dict[str, Any]) -> None:
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    assert set(FORMULAS) <= tested, f"without a unit test: {set(FORMULAS) - tested}"


def test_no_model_speaks_of_a_ticker() -> None:
    import csv

    with (PROJECT_DIR / "reference" / "companies.csv").open(newline="") as handle:
        tickers = "|".join(row["ticker"] for row in csv.DictReader(handle))
    for path in (PROJECT_DIR / "dbt").rglob("*.sql"):
        assert not re.search(rf"'({tickers})'", path.read_text()), path
