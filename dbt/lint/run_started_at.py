"""Stands in for dbt's `run_started_at` while sqlfluff lints, where no run has started."""


def strftime(layout: str) -> str:
    """Some time, in any layout."""
    return "2000-01-01 00:00:00" if layout else ""
