"""Minehouse: the Dagster code location. Nothing runs on import; `definitions` assembles."""
