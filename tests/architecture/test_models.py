"""Rules that every dbt model follows, asked of the manifest."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dagster_project.contracts.tables import RAW_TABLES
from dagster_project.settings import PROJECT_DIR
from dagster_project.transform import sources_yml
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
    """Or it is a view whose rows are, one for one, those of a table that has it."""
    keyed = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node["test_metadata"]["name"] in ("unique", "unique_combination")
    }
    names = {model["name"]: model for model in _models(manifest)}
    for model in _models(manifest):
        elsewhere = names.get(model["config"]["meta"].get("key_is_tested_in"))
        if elsewhere is None:
            assert not _is_table(model) or model["unique_id"] in keyed, model["name"]
        else:
            assert model["config"]["materialized"] == "view", model["name"]
            assert model["unique_id"] in _above(manifest, elsewhere), model["name"]
            assert elsewhere["unique_id"] in keyed, model["name"]


def _above(manifest: dict[str, Any], model: dict[str, Any]) -> set[str]:
    """The models that a model rests on, over any number of steps."""
    found: set[str] = set()
    waiting = list(model["depends_on"]["nodes"])
    while waiting:
        if (unique_id := waiting.pop()) not in found and unique_id in manifest["nodes"]:
            found.add(unique_id)
            waiting += manifest["nodes"][unique_id]["depends_on"]["nodes"]
    return found


def test_every_symbol_of_a_mart_is_looked_up(manifest: dict[str, Any]) -> None:
    # contracts and sites do not wait for prices, which dim_miners needs
    lists = {("ref('dim_miners')", "symbol"), ("source('raw', 'curated__companies')", "ticker")}
    looked_up = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") == "relationships"
        if node["column_name"] == "symbol"
        if (node["test_metadata"]["kwargs"]["to"], node["test_metadata"]["kwargs"]["field"]) in lists
    }
    for model in _models(manifest):
        # what is wrong with a row may be its symbol
        if model["name"] == "dim_miners" or model["name"].endswith("_findings"):
            continue
        if model["schema"] == "marts" and _is_table(model) and "symbol" in model["columns"]:
            assert model["unique_id"] in looked_up, model["name"]


def test_every_mart_column_is_typed_under_an_enforced_contract(manifest: dict[str, Any]) -> None:
    for model in _models(manifest):
        if model["schema"] != "marts" or not _is_table(model):
            continue
        assert model["contract"]["enforced"], model["name"]
        for column in model["columns"].values():
            assert column["data_type"], f"{model['name']}.{column['name']}"


def test_everything_has_a_description(manifest: dict[str, Any]) -> None:
    assert list(_undescribed(manifest)) == []


def test_a_missing_description_is_found() -> None:
    column = {"name": "close", "description": " "}
    macro = {
        "package_name": "minehouse",
        "name": "pct_change",
        "description": "Change.",
        "arguments": [{"name": "value", "description": "New."}],
        "macro_sql": "{% macro pct_change(value, base=none) -%}",
    }
    manifest = {
        "nodes": {
            "m": {"resource_type": "model", "name": "bars", "description": "Bars.", "columns": {"close": column}},
            "n": {"resource_type": "model", "name": "none", "description": "No columns.", "columns": {}},
        },
        "sources": {},
        "macros": {"p": macro},
        "exposures": {"e": {"name": "dashboard", "description": ""}},
        "metrics": {},
        "semantic_models": {},
        "unit_tests": {},
    }
    assert list(_undescribed(manifest)) == ["bars.close", "none has no columns", "pct_change(base)", "dashboard"]


def _undescribed(manifest: dict[str, Any]) -> Iterator[str]:
    """What has no description: tables, columns, macros and their arguments, tests, exposures, metrics and theirs."""
    for table in (*_models(manifest), *manifest["sources"].values()):
        if not table["description"].strip():
            yield table["name"]
        if not table["columns"]:
            yield f"{table['name']} has no columns"
        for column in table["columns"].values():
            if not column["description"].strip():
                yield f"{table['name']}.{column['name']}"
    for macro in manifest["macros"].values():
        # what is dispatched is described once, under its own name
        if macro["package_name"] != "minehouse" or re.match(r"(default|duckdb|spark)__", macro["name"]):
            continue
        if not macro["description"].strip():
            yield macro["name"]
        described = {argument["name"] for argument in macro["arguments"] if (argument["description"] or "").strip()}
        signature = re.search(r"{%-?\s*(?:macro|test)\s+\w+\((.*?)\)\s*-?%}", macro["macro_sql"], re.DOTALL)
        for argument in re.findall(r"(\w+)(?:\s*=[^,]*)?(?:,|$)", signature[1] if signature else ""):
            if argument not in described:
                yield f"{macro['name']}({argument})"
    for kind in ("exposures", "metrics", "semantic_models", "unit_tests"):
        for node in manifest[kind].values():
            if not (node["description"] or "").strip():
                yield node["name"]
            for part in (*node.get("entities", ()), *node.get("dimensions", ()), *node.get("measures", ())):
                if not (part["description"] or "").strip():
                    yield f"{node['name']}.{part['name']}"


def test_every_metric_has_a_name_for_people_and_a_unit(manifest: dict[str, Any]) -> None:
    for metric in manifest["metrics"].values():
        assert metric["label"], metric["name"]
        assert metric["config"]["meta"]["unit"], metric["name"]
        if metric["name"].endswith("_usd"):
            assert metric["config"]["meta"]["unit"].startswith("USD"), metric["name"]


def test_exposures_name_an_owner_and_read_marts_alone(manifest: dict[str, Any]) -> None:
    for exposure in manifest["exposures"].values():
        assert exposure["owner"]["name"], exposure["name"]
        assert {manifest["nodes"][node]["schema"] for node in exposure["depends_on"]["nodes"]} == {"marts"}
        if exposure["type"] == "dashboard":
            assert exposure["url"], exposure["name"]


def test_every_mart_is_exposed_to_sql_and_every_table_to_postgresql(manifest: dict[str, Any]) -> None:
    marts = {model["unique_id"]: model for model in _models(manifest) if model["schema"] == "marts"}
    tables = {name for name, model in marts.items() if _is_table(model)}
    exposed = {e["name"]: set(e["depends_on"]["nodes"]) for e in manifest["exposures"].values()}
    assert (exposed["published_file"], exposed["postgresql_copy"]) == (set(marts), tables)


def test_the_front_page_of_the_documentation_is_ours_and_names_what_exists(manifest: dict[str, Any]) -> None:
    page = manifest["docs"]["doc.minehouse.__overview__"]["block_contents"]
    marts = {model["name"] for model in _models(manifest) if model["schema"] == "marts"}
    named = set(re.findall(r"`((?:fct|dim)_\w+|miner_snapshot\w*|sector_deal_flow)`", page))
    named |= set(re.findall(r"`(\w+)\(", page))
    assert len(named) > 10
    assert named <= marts, named - marts


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
    sources = {source["name"]: source for source in manifest["sources"].values()}
    assert set(sources) == {contract.table for contract in RAW_TABLES}
    for contract in RAW_TABLES:
        expected = {column.name: (column.type, column.description) for column in contract.columns}
        expected |= {name: (kind, description) for name, kind, description in LOAD_COLUMNS}
        seen = {c["name"]: (c["data_type"], c["description"]) for c in sources[contract.table]["columns"].values()}
        assert seen == expected, contract.table


def test_the_file_of_sources_is_the_one_that_the_contracts_make() -> None:
    path = PROJECT_DIR / "dbt" / sources_yml.PATH
    assert path.read_text() == sources_yml.sources_yml(), "run `make sources`"


def test_formulas_have_unit_tests(manifest: dict[str, Any]) -> None:
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    assert set(FORMULAS) <= tested, f"without a unit test: {set(FORMULAS) - tested}"


def test_no_model_speaks_of_a_ticker() -> None:
    import csv

    with (PROJECT_DIR / "reference" / "companies.csv").open(newline="") as handle:
        tickers = "|".join(row["ticker"] for row in csv.DictReader(handle))
    for path in (PROJECT_DIR / "dbt").rglob("*.sql"):
        assert not re.search(rf"'({tickers})'", path.read_text()), path
