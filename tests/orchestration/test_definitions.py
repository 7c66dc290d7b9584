"""The definitions: loadable, without side effects, and safe for DuckDB's single writer."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from dagster_project.definitions import build_defs
from dagster_project.settings import PROJECT_DIR
from dagster_project.shell import inventory

MATERIALIZATION = "dagster-dbt/materialization_type"
IMPORT = """
import builtins, io, json, sys
opened = []
real = io.open
def spy(file, mode="r", *arguments, **options):
    if str(file).startswith(sys.argv[1]) and not str(file).endswith((".py", ".pyc")):
        opened.append(str(file))
    return real(file, mode, *arguments, **options)
builtins.open = io.open = spy
import dagster_project.definitions
print(json.dumps({"opened": opened, "gx": "great_expectations" in sys.modules, "dbt": "dbt.cli.main" in sys.modules}))
"""


def test_importing_opens_no_file_of_ours_and_no_heavy_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, str(PROJECT_DIR) + "/"],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(done.stdout.splitlines()[-1])
    opened = [path for path in seen["opened"] if "/.venv/" not in path]
    assert (opened, seen["gx"], seen["dbt"]) == ([], False, False)


def test_definitions_hold_together_and_can_be_built_twice(sample: Any) -> None:
    for _ in range(2):
        dg.Definitions.validate_loadable(build_defs(sample.settings))


def test_every_step_waits_for_the_turn_of_its_run(sample: Any) -> None:
    defs = build_defs(sample.settings)
    ops = [node for node in defs.resolve_job_def("daily_refresh").all_node_defs if isinstance(node, dg.OpDefinition)]
    assert ops
    assert [op.name for op in ops if "warehouse" not in op.required_resource_keys] == []


def test_public_names_are_those_that_were_reviewed(sample: Any) -> None:
    manifest = json.loads((sample.settings.dbt_target_dir / "manifest.json").read_text())
    found = inventory.inventory(build_defs(sample.settings), manifest).splitlines()
    reviewed = (PROJECT_DIR / inventory.PATH).read_text().splitlines()
    added, gone = sorted(set(found) - set(reviewed)), sorted(set(reviewed) - set(found))
    assert found == reviewed, f"run `make inventory` and look at the change: added {added}, gone {gone}"


def test_raw_assets_are_what_dbt_calls_its_sources(sample: Any) -> None:
    keys = {
        key for key in build_defs(sample.settings).resolve_asset_graph().get_all_asset_keys() if key.path[0] == "raw"
    }
    manifest = json.loads((sample.settings.dbt_target_dir / "manifest.json").read_text())
    sources = {dg.AssetKey([source["source_name"], source["name"]]) for source in manifest["sources"].values()}
    assert sources <= keys
    assert {
        asset.key
        for asset in build_defs(sample.settings).resolve_asset_graph().asset_nodes
        if not asset.is_materializable
    } == set()


def test_areas_depend_on_each_other_in_one_direction(sample: Any) -> None:
    graph = build_defs(sample.settings).resolve_asset_graph()
    may_read = {
        "2_market": {"1_ingest", "2_market"},
        "3_ratings": {"1_ingest", "2_market", "3_ratings"},
        "4_hpc": {"1_ingest", "2_market", "4_hpc"},
        "5_valuation": {"1_ingest", "2_market", "3_ratings", "4_hpc", "5_valuation"},
    }
    for node in graph.asset_nodes:
        if node.group_name in may_read:
            parents = {graph.get(parent).group_name for parent in node.parent_keys}
            assert parents <= may_read[node.group_name], f"{node.key} reads {parents}"


def test_a_reader_can_tell_what_each_asset_is(sample: Any) -> None:
    groups = set()
    for node in build_defs(sample.settings).resolve_asset_graph().asset_nodes:
        assert len(node.description or "") > 20, node.key
        assert node.owners, node.key
        assert node.tags["layer"] == node.key.path[0]
        assert any(tag.startswith("dagster/kind/") for tag in node.tags), node.key
        assert node.group_name
        groups.add(node.group_name)
        if node.key.path[0] == "published":
            continue
        schema = node.metadata["dagster/column_schema"]
        for column in schema.columns:
            assert column.description, f"{node.key} {column.name}"
            # what a macro returns is typed where it is called, and a step in between where it is built
            is_typed = node.key.path[0] in ("raw", "marts") and node.metadata.get(MATERIALIZATION) != "table_macro"
            assert column.type != "?" or not is_typed, f"{node.key} {column.name}"
    assert sorted(groups) == ["1_ingest", "2_market", "3_ratings", "4_hpc", "5_valuation", "6_serving"]


def test_a_reader_can_tell_what_each_check_asks(sample: Any) -> None:
    graph = build_defs(sample.settings).resolve_asset_graph()
    for key in graph.asset_check_keys:
        said = graph.get_check_spec(key).description or ""
        assert said.endswith("."), key
        assert len(said) > 10, key
        assert "No row fails the test" not in said, f"{key}: say it in wording.py or as a description of the test"


def test_a_raw_asset_says_where_its_rows_come_from(sample: Any) -> None:
    graph = build_defs(sample.settings).resolve_asset_graph()
    deals = graph.get(dg.AssetKey(["raw", "curated__hpc_deals"]))
    assert "reference/hpc_deals.csv" in (deals.description or "")
    assert (PROJECT_DIR / "reference" / "hpc_deals.csv").exists()
    columns = {column.name: column for column in deals.metadata["dagster/column_schema"].columns}
    assert not columns["deal_id"].constraints.nullable
    assert columns["gross_mw"].constraints.nullable
    assert "valid_to" in columns


def test_a_model_says_what_it_is_and_in_which_file_its_sql_is(sample: Any) -> None:
    mart = build_defs(sample.settings).resolve_asset_graph().get(dg.AssetKey(["marts", "fct_hpc_deals"]))
    assert (mart.description or "").startswith("One row per HPC/AI contract")
    assert "select" not in (mart.description or "")
    assert (PROJECT_DIR / mart.metadata["sql"]).read_text().startswith("with")


def test_a_mart_names_its_readers(sample: Any) -> None:
    graph = build_defs(sample.settings).resolve_asset_graph()
    readers = graph.get(dg.AssetKey(["marts", "fct_hpc_deals"])).metadata["readers"].value
    assert "[Dashboard](http://127.0.0.1:8501)" in readers
    published = graph.get(dg.AssetKey(["published", "minehouse"])).metadata["readers"].value
    assert set(readers.splitlines()) <= set(published.splitlines())


def test_what_changes_with_every_run_can_be_plotted(sample: Any) -> None:
    event = sample.instance.get_latest_materialization_event(dg.AssetKey(["marts", "fct_daily_technicals"]))
    metadata = event.asset_materialization.metadata
    assert metadata["dagster/row_count"].value > 1000
    assert metadata["last_session"].value == "2025-11-24"
    assert metadata["sessions_behind"].value > 0


def test_the_weekly_deep_check_asks_for_whole_histories(sample: Any) -> None:
    defs = build_defs(sample.settings)
    schedule = defs.resolve_schedule_def("weekly_deep_check")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    with dg.build_schedule_context() as context:
        (request,) = schedule.evaluate_tick(context).run_requests or ()
    prices = request.run_config["ops"]["raw__market__daily_prices"]["config"]
    assert prices == {"full_history": True}
    assert dg.validate_run_config(defs.resolve_job_def("refresh_prices"), request.run_config)


def test_the_schedule_runs_after_the_close_in_exchange_time(sample: Any) -> None:
    schedule = build_defs(sample.settings).resolve_schedule_def("after_the_close")
    assert schedule.execution_timezone == "America/New_York"
    assert schedule.cron_schedule == "30 17 * * 1-5"


def test_a_missing_manifest_says_what_to_do(tmp_path: Path) -> None:
    from dagster_project.assets.transform import ManifestMissingError
    from dagster_project.settings import Settings

    with pytest.raises(ManifestMissingError, match="make manifest"):
        build_defs(Settings(data_dir=tmp_path))
