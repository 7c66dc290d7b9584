"""Defines the contracts of company filings: balance-sheet facts, and filings that may announce a deal.

Does not belong here: curated facts (`contracts.curated`), to which a person may carry something over from here.
"""

import datetime as dt

from dagster_project.contracts.base import LINK, LINK_REASON, AtLeast, Column, Contract, LoadMode

_CIK = r"^\d{10}$"
_ACCESSION = r"^\d{10}-\d{2}-\d{6}$"
_EARLIEST = dt.date(1993, 1, 1)
"""EDGAR began that year."""

CAPITAL_FACTS = Contract(
    table="edgar__capital_facts",
    description="One row per company, concept, period end and filing that states it: shares, cash and debt as tagged.",
    columns=(
        Column("symbol", "varchar", "Company, as in companies.csv.", required=True, references="companies"),
        Column("cik", "varchar", "SEC number, ten digits.", required=True, pattern=_CIK),
        Column(
            "measure",
            "varchar",
            "What the concept measures: the whole (shares_outstanding, cash_usd, debt_usd) or debt_part_usd.",
            required=True,
            allowed=("shares_outstanding", "cash_usd", "debt_usd", "debt_part_usd"),
        ),
        Column("concept", "varchar", "Taxonomy and tag as filed, such as us-gaap:LongTermDebt.", required=True),
        Column(
            "period_end_date",
            "date",
            "Day the amount stands for.",
            required=True,
            not_before=_EARLIEST,
            not_in_future=True,
        ),
        Column("amount", "double", "Shares, or US dollars.", required=True, minimum=0, maximum=1e12),
        Column("filed_date", "date", "Day of the filing.", required=True, not_before=_EARLIEST, not_in_future=True),
        Column(
            "accepted_at",
            "varchar",
            "When the SEC accepted the filing, New York time, to the second; empty where not stated.",
            pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$",
        ),
        Column("form", "varchar", "Form of the filing.", required=True),
        Column("accession", "varchar", "Accession number of the filing.", required=True, pattern=_ACCESSION),
        Column(
            "source_url",
            "varchar",
            "Index page of the filing.",
            required=True,
            pattern=LINK,
            pattern_reason=LINK_REASON,
        ),
    ),
    key=("symbol", "concept", "period_end_date", "accession"),
    rules=(AtLeast("filed_date", "period_end_date", "filed before the day it stands for"),),
    mode=LoadMode.UPSERT,
    guard_by=("symbol",),
)

DEAL_CANDIDATES = Contract(
    table="deal_candidates",
    description="One row per 8-K or 6-K that may announce a deal, for a person to read; lists are '; ' apart.",
    columns=(
        Column("candidate_id", "varchar", "Accession number of the filing.", required=True, pattern=_ACCESSION),
        Column("symbol", "varchar", "Company, as in companies.csv.", required=True, references="companies"),
        Column("company_name", "varchar", "Name in the SEC's records.", required=True),
        Column("filed_date", "date", "Day of the filing.", required=True, not_before=_EARLIEST, not_in_future=True),
        Column("form", "varchar", "Form of the filing.", required=True),
        Column("items", "varchar", "Items that an 8-K reports under, such as 1.01,9.01; a 6-K has none."),
        Column(
            "url",
            "varchar",
            "Document the figures were seen in.",
            required=True,
            pattern=LINK,
            pattern_reason=LINK_REASON,
        ),
        Column("title", "varchar", "Headline of that document; empty where it is the form itself."),
        Column(
            "is_periodic", "boolean", "Whether the headline is one of results or a monthly update: older deals, mostly."
        ),
        Column("snippet", "varchar", "First paragraph with a keyword and a figure.", required=True),
        Column("mw_found", "varchar", "Power figures as written, with critical IT or gross where said nearby."),
        Column("usd_found", "varchar", "Dollar amounts in millions or billions, as written."),
        Column("term_years_found", "varchar", "Terms in years, with extension where said nearby."),
        Column("counterparty_found", "varchar", "Names and words that may be the other party."),
    ),
    key=("candidate_id",),
    mode=LoadMode.UPSERT,
    guard_by=("candidate_id",),
    window_by="filed_date",
)

FILING_CONTRACTS: tuple[Contract, ...] = (CAPITAL_FACTS, DEAL_CANDIDATES)
