"""A copy of the marts in PostgreSQL, for tools that cannot open a DuckDB file.

Belongs here: carrying the published tables and the macros of a day over, and letting a role read them. Does not belong
here: what a mart holds and what a macro answers (dbt).
"""
