"""Reads networks and files into Arrow tables that fit a contract.

Belongs here: reading and normalising what others publish. Pure: no Dagster, no DuckDB, no settings, no environment;
what a source needs is handed to it. A new price source is one module in `prices/` and one fixture.
"""
