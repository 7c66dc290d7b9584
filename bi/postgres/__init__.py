"""A copy of the marts in PostgreSQL, for tools that cannot open a DuckDB file.

Belongs here: carrying the published tables over and letting a role read them. Does not belong here: what a mart holds
(dbt), and table macros, which have no counterpart in PostgreSQL.
"""
