"""Defines asset checks on stored and published tables.

Belongs here: questions about data at rest. Does not belong here: the gate before a load (`gate`), dbt's data tests
(`dbt/`), which Dagster shows as checks by itself.
"""
