"""Defines jobs, schedules and sensors: when things run.

Does not belong here: what they do (`assets`).
"""
