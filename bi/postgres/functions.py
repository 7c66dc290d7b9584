"""The macros of a day as functions of PostgreSQL: `select * from marts.deals_asof('2025-11-24')`.

Belongs here: which macros are offered, and their SQL in PostgreSQL's words. Does not belong here: what a macro answers.
Not offered are those that take more than days, since a parameter `symbol` would be taken for the column of that name
(levels, the technical picture, values of MW, a company's history), and `price_returns`: PostgreSQL has no `max_by`.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

OFFERED = (
    "deals_asof",
    "ratings_asof",
    "sites_asof",
    "assumptions_asof",
    "capital_asof",
    "capacity_asof",
    "intentions_asof",
    "first_power_asof",
    "lease_economics_asof",
    "capacity_funnel_asof",
    "deal_flow",
    "scenarios_asof",
    "miner_snapshot_asof",
    "publications_asof",
    "price_comparison",
    "price_correlation",
)
"""In an order in which each finds those that it asks."""
_WORDS = {
    " AS DOUBLE)": " AS double precision)",
    "to_days(": "make_interval(days => ",
    "count() ": "count(*) ",
    "count_star()": "count(*)",
    '"nullif"(': "nullif(",
}
"""What DuckDB writes otherwise than PostgreSQL, in the definitions of these macros."""


@dataclass(frozen=True)
class Function:
    """A macro whose parameters are days: its columns with DuckDB's types, and its query in PostgreSQL's SQL."""

    name: str
    parameters: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    query: str
    comment: str | None


def read_functions(marts: duckdb.DuckDBPyConnection) -> list[Function]:
    """The offered macros that the published file holds."""
    found = {
        name: (tuple(parameters), definition, comment)
        for name, parameters, definition, comment in marts.execute(
            """select function_name, parameters, macro_definition, coalesce(comment, description)
               from duckdb_functions()
               where database_name = current_database() and schema_name = 'marts'
                   and function_type = 'table_macro'"""
        ).fetchall()
    }
    functions = []
    for name in OFFERED:
        if name not in found:
            continue
        parameters, query, comment = found[name]
        answer = marts.sql(f"from marts.{name}({', '.join(['null::date'] * len(parameters))})")
        for ours, theirs in _WORDS.items():
            query = query.replace(ours, theirs)
        columns = tuple((column, str(kind)) for column, kind in zip(answer.columns, answer.types, strict=True))
        functions.append(Function(name, parameters, columns, query, comment))
    return functions
