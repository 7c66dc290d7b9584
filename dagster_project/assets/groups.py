"""Names the groups that assets are shown in; Dagster lists them by name, so a number keeps them in order of flow.

Does not belong here: which asset is in which group (the room that makes it).
"""

INGEST = "1_ingest"
AREAS = {"market": "2_market", "ratings": "3_ratings", "hpc": "4_hpc", "valuation": "5_valuation"}
"""The areas of dbt, each built by one op, in order; named after the folders and tags in `dbt/models`."""
SERVING = "6_serving"
