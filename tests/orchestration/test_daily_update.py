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
    assert told["symbols_written"] == 3, "MARA and BTBT only lost rows"
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


def test_a_new_session_writes_its_own_rows_and_no_other(pipeline: Any) -> None:
    """A row per symbol, whether its last month began before that session or with it, and however short its history."""
    before = _mart(pipeline)
    last, first_of_month, short = "2025-11-24", "2025-11-03", "2025-10-15"
    held = f"""(trade_date >= '{last}' or symbol = 'CLSK' and trade_date >= '{first_of_month}'
        or symbol = 'MARA' and trade_date < '{short}')"""
    _change(pipeline, f"create table held as from {RAW} where {held}", f"delete from {RAW} where {held}")
    assert pipeline.run(BARS_AND_MART).success
    _change(pipeline, f"insert into {RAW} from held where trade_date >= '{last}' or symbol = 'CLSK'")
    told = _metadata(pipeline.run(BARS_AND_MART))
    new = (before["trade_date"] >= last) | (before["symbol"] == "CLSK") & (before["trade_date"] >= first_of_month)
    assert told["rows_written"] == new.sum()
    assert told["symbols_written"] == before.loc[new, "symbol"].nunique()
    now, others = _mart(pipeline), before[before["symbol"] != "MARA"]
    pd.testing.assert_frame_equal(
        now[now["symbol"] != "MARA"].reset_index(drop=True), others.reset_index(drop=True), rtol=1e-9, atol=1e-12
    )

    _change(pipeline, f"insert into {RAW} from held where symbol = 'MARA' and trade_date < '{short}'")
    assert _metadata(pipeline.run(BARS_AND_MART))["symbols_written"] == 1
    pd.testing.assert_frame_equal(_mart(pipeline), before, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "damage",
    [
        "insert into marts.fct_daily_technicals from marts.fct_daily_technicals where {at}",
        "delete from marts.fct_daily_technicals where {at}",
        "update marts.fct_daily_technicals set trade_date = trade_date + 1 where {at}",
    ],
)
def test_rows_of_the_mart_that_are_doubled_lost_or_moved_are_made_again(pipeline: Any, damage: str) -> None:
    """In the middle of a month, where the month before stands."""
    before = _mart(pipeline)
    _change(pipeline, damage.format(at="symbol = 'RIOT' and trade_date = '2025-11-14'"))
    told = _metadata(pipeline.run(BARS_AND_MART))
    assert told["rows_written"] == ((before["symbol"] == "RIOT") & (before["trade_date"] >= "2025-11-14")).sum()
    pd.testing.assert_frame_equal(_mart(pipeline), before, rtol=1e-9, atol=1e-12)


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
