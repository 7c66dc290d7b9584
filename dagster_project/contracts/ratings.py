"""Defines the contracts of ratings that a data feed gives.

Does not belong here: the curated ratings, their scale and the names of firms (`contracts.curated`).
"""

import datetime as dt

from dagster_project.contracts.base import LINK, LINK_REASON, Column, Contract, LoadMode

_EARLIEST = dt.date(1990, 1, 1)
_LATEST_EPOCH = 4_102_444_800
"""The first second of 2100."""

YAHOO_RATING_CHANGES = Contract(
    table="yahoo__rating_changes",
    description="One row per analyst firm, company and day of a rating, as Yahoo Finance lists it.",
    columns=(
        Column(
            "rating_date",
            "date",
            "Day of the note, exchange time.",
            required=True,
            not_before=_EARLIEST,
            not_in_future=True,
        ),
        Column(
            "graded_at_epoch",
            "bigint",
            "Time that Yahoo gives for it, seconds since 1970 UTC.",
            minimum=0,
            maximum=_LATEST_EPOCH,
        ),
        Column("ticker", "varchar", "Company, as in companies.csv.", required=True, references="companies"),
        Column("firm", "varchar", "Analyst firm, as Yahoo spells it.", required=True),
        Column(
            "action",
            "varchar",
            "What happened to the rating: up, down, init (started), main (maintained) or reit (reiterated).",
            required=True,
            allowed=("up", "down", "init", "main", "reit"),
        ),
        Column("from_grade", "varchar", "Rating before, in the firm's words."),
        Column("to_grade", "varchar", "Rating after, in the firm's words.", required=True),
        Column("price_target_action", "varchar", "What happened to the price target, in Yahoo's words."),
        Column("price_target_prior", "double", "Price target before, US dollars.", minimum=0.01, maximum=10000),
        Column("price_target_new", "double", "Price target after, US dollars.", minimum=0.01, maximum=10000),
        Column(
            "source_url",
            "varchar",
            "Page that shows the company.",
            required=True,
            pattern=LINK,
            pattern_reason=LINK_REASON,
        ),
    ),
    key=("rating_date", "ticker", "firm"),
    mode=LoadMode.UPSERT,
    guard_by=("ticker",),
)
