"""Tests and readers in words: every kind of dbt test that the project uses has a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from dagster_project.assets.wording import readers, sentence_for


def _test(kind: str, **kwargs: Any) -> dict[str, Any]:
    return {"name": f"{kind}_of_something", "description": "", "test_metadata": {"name": kind, "kwargs": kwargs}}


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        (_test("unique", column_name="deal_id"), "No deal_id occurs twice."),
        (_test("unique_combination", columns=["symbol", "trade_date"]), "One row per symbol, trade_date."),
        (_test("unique_combination", columns=["a"], filled=["a", "b"]), "One row per a. Filled in every row: a, b."),
        (_test("accepted_values", column_name="tier", values=[1, 2]), "tier is one of: 1, 2."),
        (_test("no_rows"), "The table is empty: each of its rows is something that somebody should look at."),
        (
            _test("relationships", column_name="symbol", to="ref('dim_miners')", field="symbol"),
            "Every symbol is a symbol of dim_miners.",
        ),
        (
            _test("relationships", column_name="symbol", to="source('raw', 'curated__companies')", field="ticker"),
            "Every symbol is a ticker of curated__companies.",
        ),
        (_test("lies_between", column_name="sma_50", low="low", high="high"), "sma_50 lies between low and high."),
        (_test("adds_up", column_name="c", of=["a", "-b"]), "c is the sum of a, -b, and null where one of them is."),
        (
            _test("deals_add_up", deals="ref('fct_hpc_deals')"),
            "By month, by company and in total the firm contracts give the same sums.",
        ),
        (
            _test("equals_position", positions="ref('positions')", day="trade_date", columns=["close"]),
            "Every row says of its company and trade_date what positions says of them.",
        ),
        (
            _test("tells_of_suspect_bars", bars="ref('int_daily_bars')"),
            "A ghost bar is told of for every bar of int_daily_bars that is_suspect, and for no other.",
        ),
        (_test("never_seen"), "No row fails the test never_seen_of_something."),
        (_test("unique", column_name="x") | {"description": "Each x once. "}, "Each x once."),
        ({"name": "written_by_hand", "description": None}, "No row fails the test written_by_hand."),
    ],
)
def test_a_test_is_a_sentence(test: dict[str, Any], sentence: str) -> None:
    assert sentence_for(test) == sentence


def test_readers_are_the_exposures_of_a_model_or_all_of_them() -> None:
    manifest = {
        "child_map": {"model.a": ["exposure.b", "model.c"], "model.c": []},
        "exposures": {
            "exposure.b": {"name": "b", "label": "Board", "url": "http://127.0.0.1:1"},
            "exposure.a": {"name": "a", "label": None, "url": None},
        },
    }
    assert readers(manifest, "model.a") == "- [Board](http://127.0.0.1:1)"
    assert readers(manifest, "model.c") == ""
    assert readers(manifest) == "- a\n- [Board](http://127.0.0.1:1)"
