"""Calls dbt as a library.

Belongs here: dbt's interface (`dbt_calls`) and its translation to Dagster's events (`dbt_runner`). Does not belong
here: SQL (`dbt/`), which part of it is built when (`assets.transform`).
"""
