"""The DuckDB files: opening them, loading into them, publishing from them.

Belongs here: every statement that writes raw, quarantine or published tables. Does not belong here: transformations
(dbt), fetching, Dagster.
"""
