"""Where EDGAR differs from a curated balance sheet, a row says so, a test warns, and the build goes on."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
from dbt_harness import build_models

CURATED = pa.schema(
    {
        "symbol": pa.string(),
        "period_end_date": pa.date32(),
        "shares_outstanding": pa.int64(),
        "shares_as_of_date": pa.date32(),
        "cash_usd": pa.float64(),
        "source_url": pa.string(),
        "source_url_shares": pa.string(),
        "valid_to": pa.timestamp("us"),
    }
)
EDGAR = pa.schema(
    {
        "symbol": pa.string(),
        "measure": pa.string(),
        "concept": pa.string(),
        "period_end_date": pa.date32(),
        "amount": pa.float64(),
        "filed_date": pa.date32(),
        "form": pa.string(),
        "accession": pa.string(),
        "source_url": pa.string(),
    }
)
QUARTER, COVER = dt.date(2025, 9, 30), dt.date(2025, 11, 5)


def _curated(symbol: str, cash: float, shares: int) -> dict[str, Any]:
    page = f"https://ir.example/{symbol}"
    return {
        "symbol": symbol,
        "period_end_date": QUARTER,
        "cash_usd": cash,
        "shares_outstanding": shares,
        "shares_as_of_date": COVER,
        "source_url": page,
    }


def _filed(symbol: str, measure: str, day: dt.date, amount: float, filed: dt.date) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "measure": measure,
        "concept": f"taxonomy:{measure}",
        "period_end_date": day,
        "amount": amount,
        "filed_date": filed,
        "form": "10-Q",
        "accession": f"0000000001-{filed:%y}-{filed:%m%d}00",
        "source_url": f"https://www.sec.gov/{symbol}/{filed}",
    }


def test_only_a_difference_for_the_same_day_is_a_conflict(tmp_path: Path) -> None:
    november, february = dt.date(2025, 11, 6), dt.date(2026, 2, 20)
    curated = [
        _curated("SAME", 5e7, 280_000_000),
        _curated("RESTATED", 5e7, 280_000_000),
        _curated("NONE", 0.0, 5_000_000),
    ]
    filed = [
        _filed("SAME", "cash_usd", QUARTER, 5.001e7, november),
        _filed("SAME", "shares_outstanding", COVER, 280_000_000, november),
        _filed("SAME", "debt_usd", QUARTER, 9e9, november),
        _filed("RESTATED", "cash_usd", QUARTER, 5e7, november),
        _filed("RESTATED", "cash_usd", QUARTER, 4e7, february),
        _filed("RESTATED", "shares_outstanding", QUARTER, 270_000_000, november),
        _filed("NONE", "cash_usd", QUARTER, 12.0, november),
    ]
    built = build_models(
        tmp_path,
        ["int_capital_conflicts"],
        {
            "stg_curated__capital_structure": pa.Table.from_pylist(curated, schema=CURATED),
            "stg_edgar__capital_facts": pa.Table.from_pylist(filed, schema=EDGAR),
        },
        command="build",
        variables={"capital_conflict_tolerance": 0.001},
    )
    found = built.query("select * from intermediate.int_capital_conflicts order by symbol")
    assert found[["symbol", "measure", "curated_amount", "edgar_amount"]].to_numpy().tolist() == [
        ["NONE", "cash_usd", 0.0, 12.0],
        ["RESTATED", "cash_usd", 5e7, 4e7],
    ]
    assert abs(found["edgar_over_curated"][1] + 0.2) < 1e-12
