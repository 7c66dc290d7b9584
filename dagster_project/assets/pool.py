"""Names the pool that keeps two steps from writing the build file at once.

Does not belong here: the number of its slots (`dagster.yaml`).
"""

POOL = "duckdb"
"""Every step that writes the build file is in this pool; the instance gives it one slot (dagster.yaml)."""
