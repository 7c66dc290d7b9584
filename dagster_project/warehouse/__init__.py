"""Keeps the DuckDB files: opens them, loads into them, publishes from them.

Belongs here: every statement that writes raw, quarantine or published tables. Does not belong here: transformations
(dbt), fetching, Dagster.
"""
