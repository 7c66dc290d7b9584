"""Runs the pipeline from a shell: commands, one run with its progress, and what is printed at the end.

Does not belong here: the assets (`assets`), when Dagster starts them by itself (`automation`).
"""
