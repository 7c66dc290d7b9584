"""A small HTTP API over the published file: questions as addresses, answers as JSON or CSV, read-only.

Belongs here: addresses, parameters and formats. Does not belong here: figures (marts), and opening the file
(`bi.published`).
"""
