"""Keeps the folder of Parquet that Spark computes on, and the session that computes.

Belongs here: raw tables on their way to Spark, finished tables on their way back, the settings of a session. Does not
belong here: formulas (dbt), loading and publishing (`warehouse`).
"""
