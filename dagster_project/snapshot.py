"""Prints the miner snapshot and where to query it.

Belongs here: the table that `make run` ends with. Does not belong here: any figure's computation.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from dagster_project.warehouse import connection

_COLUMNS = {
    "symbol": ("symbol", "{}"),
    "close": ("close", "{:,.2f}"),
    "change_pct": ("chg %", "{:+.2f}"),
    "sma_50": ("SMA 50", "{:,.2f}"),
    "sma_200": ("SMA 200", "{:,.2f}"),
    "rsi_14": ("RSI 14", "{:.2f}"),
    "high_52w": ("52w high", "{:,.2f}"),
    "last_rating_firm": ("last rating", "{}"),
    "last_rating_to": ("", "{}"),
    "last_rating_price_target": ("target", "{:,.2f}"),
    "contracted_revenue_usd": ("contracts $bn", "{:,.2f}"),
}


def show_snapshot(database: Path) -> None:
    """Print `marts.miner_snapshot`, whether its prices are simulated, and three ways to the rest."""
    with connection.read(database) as con:
        result = con.execute("select * from marts.miner_snapshot order by close is null, symbol")
        names = [description[0] for description in result.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        sources = [
            source
            for (source,) in con.execute(
                "select distinct price_source from marts.fct_daily_technicals order by 1"
            ).fetchall()
        ]
    as_of = max((str(row["as_of_session_date"]) for row in rows), default="no session")
    simulated = "sample" in sources
    # a pipe or a narrow shell must not cut figures off
    console = Console(width=None if Console().width >= 120 else 120, highlight=False)
    table = Table(title=f"miner_snapshot as of {as_of}" + (" - SIMULATED PRICES" if simulated else ""))
    for name, (title, _) in _COLUMNS.items():
        table.add_column(title, justify="left" if name in ("symbol", "last_rating_firm", "last_rating_to") else "right")
    for row in rows:
        table.add_row(*(_cell(name, row.get(name)) for name in _COLUMNS))
    console.print(table)
    if simulated:
        console.print("Prices are simulated (price_source = 'sample'); facts on deals, sites and ratings are sourced.")
    console.print(f"SQL      duckdb -readonly {database}", soft_wrap=True)
    console.print(f"Parquet  {database.parent / 'parquet'}", soft_wrap=True)
    console.print("UI       make ui")


def _cell(name: str, value: object) -> str:
    if value is None:
        return "-"
    if name == "contracted_revenue_usd":
        value = float(str(value)) / 1e9
    return _COLUMNS[name][1].format(value)
