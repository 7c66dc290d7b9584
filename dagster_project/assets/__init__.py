"""Defines the Dagster assets, thin: fetch, judge, load, compute, publish, say what happened.

Belongs here: what Dagster shows and runs, in order of flow: `ingest`, `transform`, `serving`. Does not belong here:
SQL, parsing, rules.
"""
