"""Reads shares, cash and debt as companies tag them in their filings.

Belongs here: which concepts are read and what each of them measures. Does not belong here: how EDGAR is asked
(`edgar`), or which figure counts where a curated row says otherwise (the curated row; see the dbt models).

Debt has no one tag. Each that is read keeps its own rows and its name, and nothing is added up: whoever adds has to
know which amounts contain which.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from dagster_project.contracts.batch import Batch, Reject
from dagster_project.sources.base import EmptyFetchError
from dagster_project.sources.filings.edgar import Company, Edgar, Fact, accepted_times, facts_of, index_url
from dagster_project.sources.http import one_by_one

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST_PERIOD_END = dt.date(2020, 1, 1)
"""Earlier facts are left out: the curated facts begin later, and several of the companies were others before."""


@dataclass(frozen=True)
class Concept:
    """One tag that is read; `measure` says what of, and whether it is the whole."""

    tag: str
    unit: str
    measure: str
    meaning: str


CONCEPTS = (
    Concept(
        "dei:EntityCommonStockSharesOutstanding",
        "shares",
        "shares_outstanding",
        "shares on the cover page; absent for companies that list several classes, whose counts carry a dimension",
    ),
    Concept("us-gaap:CashAndCashEquivalentsAtCarryingValue", "USD", "cash_usd", "unrestricted cash and equivalents"),
    Concept("ifrs-full:CashAndCashEquivalents", "USD", "cash_usd", "the same, of companies that report by IFRS"),
    Concept(
        "us-gaap:DebtLongtermAndShorttermCombinedAmount",
        "USD",
        "debt_usd",
        "all debt, long-term and short-term, at carrying amount",
    ),
    Concept(
        "us-gaap:LongTermDebt",
        "USD",
        "debt_usd",
        "long-term debt with its current part, at carrying amount; short-term borrowings are not in it",
    ),
    Concept(
        "us-gaap:DebtInstrumentCarryingAmount", "USD", "debt_part_usd", "principal of the debt in the notes' table"
    ),
    Concept("us-gaap:LongTermDebtNoncurrent", "USD", "debt_part_usd", "long-term debt without its current part"),
    Concept("us-gaap:LongTermDebtCurrent", "USD", "debt_part_usd", "its current part"),
    Concept(
        "us-gaap:ShortTermBorrowings", "USD", "debt_part_usd", "borrowings due within a year that are no part of it"
    ),
    Concept("us-gaap:ConvertibleNotesPayable", "USD", "debt_part_usd", "convertible notes, both parts"),
    Concept("us-gaap:ConvertibleNotesPayableNoncurrent", "USD", "debt_part_usd", "convertible notes, long-term"),
    Concept("us-gaap:ConvertibleDebtNoncurrent", "USD", "debt_part_usd", "convertible debt, long-term"),
    Concept("us-gaap:NotesPayable", "USD", "debt_part_usd", "notes, both parts"),
)
_MEASURES = {concept.tag: concept.measure for concept in CONCEPTS}
_UNITS = {concept.tag: concept.unit for concept in CONCEPTS}


def fetch_capital_facts(edgar: Edgar, companies: Sequence[Company]) -> Batch:
    """The facts of each company. Raises `EmptyFetchError` where none of them has one."""
    session = edgar.open_session()

    def read(company: Company) -> tuple[list[Fact], dict[str, dt.datetime]]:
        facts = facts_of(session.company_facts(company), company, _UNITS)
        facts = [fact for fact in facts if fact.end >= FIRST_PERIOD_END]
        if not facts:
            raise EmptyFetchError(f"edgar {company.symbol}: none of the concepts that are read")
        return facts, accepted_times(session.submissions(company), company)

    done, failed = one_by_one(companies, read)
    missing = {company.symbol: why for company, why in failed}
    if not done:
        raise EmptyFetchError(f"edgar: no facts of any company: {'; '.join(dict.fromkeys(missing.values()))[:600]}")
    rows = [
        _row(company, fact, accepted.get(fact.accession), at)
        for company, (facts, accepted) in done
        for at, fact in enumerate(facts, 1)
    ]
    rejects = tuple(
        Reject(f"edgar {symbol}", None, f"{symbol} is missing: {why}", json.dumps({"symbol": symbol}))
        for symbol, why in missing.items()
    )
    return Batch(edgar.name, pa.Table.from_pylist(rows, schema=_SCHEMA), rejects, missing=missing)


def _row(company: Company, fact: Fact, accepted: dt.datetime | None, at: int) -> dict[str, object]:
    return {
        "symbol": company.symbol,
        "cik": company.cik,
        "measure": _MEASURES[fact.concept],
        "concept": fact.concept,
        "period_end_date": fact.end,
        "amount": fact.amount,
        "filed_date": fact.filed,
        "accepted_at": accepted.isoformat(timespec="seconds") if accepted else None,
        "form": fact.form,
        "accession": fact.accession,
        "source_url": index_url(company.cik, fact.accession),
        "source_file": f"companyfacts CIK{company.cik}",
        "source_row": at,
    }


_SCHEMA = pa.schema(
    [
        ("symbol", pa.string()),
        ("cik", pa.string()),
        ("measure", pa.string()),
        ("concept", pa.string()),
        ("period_end_date", pa.date32()),
        ("amount", pa.float64()),
        ("filed_date", pa.date32()),
        ("accepted_at", pa.string()),
        ("form", pa.string()),
        ("accession", pa.string()),
        ("source_url", pa.string()),
        ("source_file", pa.string()),
        ("source_row", pa.int64()),
    ]
)
