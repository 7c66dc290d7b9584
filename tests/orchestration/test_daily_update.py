"""The daily update of the technicals through the pipeline: what changed is computed, and the run says so."""

import contextlib
import copy
import shutil
from collections.abc import Callable
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import pandas as pd
import pytest

from dagster_project.transform.dbt_calls import fingerprint, read_project

MART = dg.AssetKey(["marts", "fct_daily_technicals"])
BARS = dg.AssetSelection.assets(dg.AssetKey(["intermediate", "int_daily_bars"]))
BARS_AND_MART = BARS | dg.AssetSelection.assets(MART)
RAW = "raw.market__daily_prices"


def _metadata(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    assert result.success
    (event,) = [event for event in result.get_asset_materialization_events() if event.asset_key == MART]
    return {name: value.value for name, value in event.step_materialization_data.materialization.metadata.items()}


def _mart(pipeline: Any) -> pd.DataFrame:
    with contextlib.closing(duckdb.connect(str(pipeline.settings.build_database), read_only=True)) as con:
        return con.execute("from marts.fct_daily_technicals order by symbol, trade_date").df()


def _change(pipeline: Any, *statements: str) -> None:
    with contextlib.closing(duckdb.connect(str(pipeline.settings.build_database))) as con:
        for statement in statements:
            con.execute(statement)


@pytest.fixture
def pipeline(sample: Any, make_pipeline: Callable[..., Any]) -> Any:
    """A pipeline of its own on a copy of the finished sample."""
    made = make_pipeline()
    shutil.copyfile(sample.settings.build_database, made.settings.build_database)
    return made


def test_a_run_computes_what_changed_and_equals_a_rebuild(pipeline: Any) -> None:
    """A late correction, lost sessions, a ghost bar, a lost symbol and another source; then formulas that changed."""
    _change(
        pipeline,
        f"""update {RAW} set close = close * 1.01, high = high * 1.02
            where symbol = 'CLSK' and trade_date = '2025-03-05'""",
        f"delete from {RAW} where symbol = 'MARA' and trade_date >= '2025-11-20'",
        f"""update {RAW} as bar set volume = 0, open = before.close, high = before.close, low = before.close,
            close = before.close from {RAW} as before
            where bar.symbol = 'RIOT' and bar.trade_date = '2025-06-11'
                and before.symbol = 'RIOT' and before.trade_date = '2025-06-10'""",
        f"delete from {RAW} where symbol = 'BTBT'",
        f"update {RAW} set source = 'corrected' where symbol = 'IREN' and trade_date > '2025-10-01'",
    )
    told = _metadata(pipeline.run(BARS_AND_MART))
    by_tail = _mart(pipeline)
    assert told["summary"].startswith("brought up to date")
    assert told["symbols_written"] == 4
    assert 0 < told["rows_written"] < len(by_tail) / 10
    assert "BTBT" not in set(by_tail["symbol"])

    # the mart asked for alone brings along what it is built with
    assert _metadata(pipeline.run(dg.AssetSelection.assets(MART)))["rows_written"] == 0

    _change(
        pipeline,
        "update intermediate.technicals_builds set fingerprint = 'that of older formulas'",
        "insert into intermediate.technicals_builds (build_number) select -range from range(150)",
    )
    told = _metadata(pipeline.run(dg.AssetSelection.assets(MART)))
    rebuilt = _mart(pipeline)
    assert told["summary"] == f"computed anew: {len(rebuilt):,} rows of {rebuilt['symbol'].nunique()} symbols written"
    pd.testing.assert_frame_equal(by_tail, rebuilt, rtol=1e-9, atol=1e-12)
    assert np.isfinite(rebuilt["sma_200"].dropna()).all()
    (kept,) = pipeline.query_build("select count(*) from intermediate.technicals_builds")[0]
    assert kept == 100, "the notes of a few months"


def test_the_fingerprint_is_of_the_formulas_alone(sample: Any) -> None:
    """A macro, dispatched or not, a model before the mart and a column change it; a model that gives rows does not."""
    settings = sample.settings
    manifest = read_project(settings.dbt_project_dir, settings.dbt_target_dir)

    def changed(change: Callable[[Any], None]) -> bool:
        other = copy.copy(manifest)
        other.nodes, other.macros = copy.deepcopy(dict(manifest.nodes)), copy.deepcopy(dict(manifest.macros))
        change(other)
        return fingerprint(other, MART.path[-1], settings.dbt_project_dir) != before

    def macro(name: str) -> Callable[[Any], None]:
        return lambda other: setattr(other.macros[f"macro.minehouse.{name}"], "macro_sql", "changed")

    def model(name: str) -> Callable[[Any], None]:
        return lambda other: setattr(other.nodes[f"model.minehouse.{name}"], "raw_code", "changed")

    before = fingerprint(manifest, MART.path[-1], settings.dbt_project_dir)
    assert not changed(lambda _: None)
    assert changed(macro("sma")) and changed(macro("duckdb__sum_in_block")) and changed(macro("term_or_known"))
    assert changed(model("int_technical_windows")) and changed(model("fct_daily_technicals"))
    assert changed(lambda other: other.nodes["model.minehouse.fct_daily_technicals"].columns.pop("rsi_14"))
    assert not changed(macro("price_pivots")) and not changed(model("int_daily_bars"))
