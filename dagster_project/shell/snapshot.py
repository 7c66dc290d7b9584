"""Prints the miner snapshot and where to query it.

Belongs here: the table that `make run` ends with. Does not belong here: any figure's computation.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from dagster_project.warehouse import connection

_COLUMNS = {
    # column of the mart: title, format, left-aligned
    "symbol": ("symbol", "{}"),
    "close": ("close", "{:,.2f}"),
    "change_pct": ("chg %", "{:+.2f}"),
    "sma_50": ("SMA 50", "{:,.2f}"),
    "sma_200": ("SMA 200", "{:,.2f}"),
    "rsi_14": ("RSI 14", "{:.1f}"),
    "nearest_support": ("support", "{:,.2f}"),
    "nearest_resistance": ("resist.", "{:,.2f}"),
    "high_52w": ("52w high", "{:,.2f}"),
    "last_rating": ("last rating", "{}"),
    "last_rating_price_target": ("target", "{:,.2f}"),
    "contracted_revenue_usd_bn": ("deals $bn", "{:,.2f}"),
    "contracted_critical_it_mw": ("IT MW", "{:,.0f}"),
    "value_per_share": ("$/share", "{}"),
}
_LEFT = ("symbol", "last_rating")
_MIN_WIDTH = 152


def show_snapshot(database: Path) -> None:
    """Print `marts.miner_snapshot`, whether its prices are simulated, and three ways to the rest."""
    with connection.read(database) as con:
        rows = (
            con.sql(
                """
            select
                *,
                last_rating_firm || ': ' || last_rating_to as last_rating,
                contracted_revenue_usd / 1e9 as contracted_revenue_usd_bn,
                case when high_value_per_share_usd is not null
                    then format('{:.1f}-{:.1f}', low_value_per_share_usd, high_value_per_share_usd)
                end as value_per_share
            from marts.miner_snapshot
            order by close is null, symbol
            """
            )
            .to_arrow_table()
            .to_pylist()
        )
        covered = con.execute(
            """
            select as_of_date, count_if(is_complete) as complete, count(*) as inputs,
                   count(distinct symbol) filter (where is_complete) as companies
            from marts.coverage_by_company
            where as_of_date <= (select max(as_of_session_date) from marts.miner_snapshot)
            group by as_of_date order by as_of_date desc limit 1
            """
        ).fetchone()
        # asked of the file: an earlier version's `publication` does not say it
        alone = con.execute(
            "select view_name from duckdb_views() where schema_name = 'marts' order by view_name"
        ).fetchall()
    as_of = max((str(row["as_of_session_date"]) for row in rows), default="no session")
    is_simulated = any(row["price_source"] == "sample" for row in rows)
    console = Console(highlight=False)
    # a pipe or a narrow shell must not cut figures off
    console.width = max(console.width, _MIN_WIDTH)
    title = f"miner_snapshot as of {as_of}" + (" - SIMULATED PRICES" if is_simulated else "")
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name, (title, _) in _COLUMNS.items():
        table.add_column(title, justify="left" if name in _LEFT else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(row[name], shape) for name, (_, shape) in _COLUMNS.items()))
    console.print(table)
    console.print(
        "deals, IT MW: contracted, cumulated; $/share: low-high of the last published $ per critical IT MW; "
        "-: not known then"
    )
    if covered:
        console.print(
            f"coverage {covered[0]}: {covered[1]} of {covered[2]} inputs complete; which are not, and which fact would "
            "fill them: marts.coverage_by_company"
        )
    if is_simulated:
        console.print("Prices are simulated (price_source = 'sample'); facts on deals, sites and ratings are sourced.")
    if alone:
        console.print(
            f"Published as Parquet alone, with a view in the DuckDB file: {', '.join(name for (name,) in alone)}",
            soft_wrap=True,
        )
    console.print(f"SQL      duckdb -readonly {shlex.quote(str(database))}", soft_wrap=True)
    console.print(f"Parquet  {database.parent / 'parquet'}", soft_wrap=True)
    console.print("UI       make ui")


def _cell(value: object, shape: str) -> str:
    return "-" if value is None else shape.format(value)
