"""What a person accepts of what was found: one word for one subject, or one for all of a day."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from typing import Any

import dagster as dg
import duckdb

FINDINGS = dg.AssetSelection.assets(
    dg.AssetKey(["staging", "stg_curated__accepted_findings"]), dg.AssetKey(["marts", "fct_rating_findings"])
)
RAW = "raw.curated__accepted_findings"


def test_two_acceptances_of_one_finding_are_no_two_findings(sample: Any, make_pipeline: Callable[..., Any]) -> None:
    """The word on the subject is the one that is told; a word on the day covers what no other word is on."""
    made = make_pipeline()
    shutil.copyfile(sample.settings.build_database, made.settings.build_database)
    found = "select symbol, subject, accepted_reason from marts.fct_rating_findings order by all"
    before = made.query_build(found)
    (_, subject, reason), (symbol, other, _) = before[0], before[1]
    with contextlib.closing(duckdb.connect(str(made.settings.build_database))) as con:
        con.execute(
            f"""insert into {RAW} select accepted.* replace (null as subject, 'of the whole day' as reason)
                from {RAW} as accepted where valid_to is null and subject in (?, ?)""",
            [subject, other],
        )
        con.execute(f"delete from {RAW} where subject = ? and ticker = ?", [other, symbol])
    assert made.run(FINDINGS).success
    expected = [*before]
    expected[1] = (symbol, other, "of the whole day")
    assert made.query_build(found) == expected
    assert reason != "of the whole day"
