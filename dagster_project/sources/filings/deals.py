"""What in an 8-K or 6-K may be a data-centre deal: figures and names picked out of its text, for a person to read.

Belongs here: which filings are looked at, and the patterns. Does not belong here: how EDGAR is asked (`edgar`), or the
deals themselves, which a person writes into the reference folder after reading the document.

A pattern does not understand a sentence. It finds what is written near certain words, as it is written; it may miss a
deal, and what it finds may belong to another one.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass, fields
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pyarrow as pa

from dagster_project.contracts.batch import Batch, Reject
from dagster_project.sources.base import EmptyFetchError
from dagster_project.sources.filings.edgar import Company, Document, Edgar, Filing, filings_of, index_url
from dagster_project.sources.http import one_by_one

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ITEMS = {"8-K": frozenset({"1.01", "7.01", "8.01"}), "6-K": None}
"""The forms that are read, each with the items that announce agreements: a material agreement, a release under fair
disclosure, other events. A foreign filer's 6-K names no items, so each is read. Amendments repeat what was said."""

LOOK_BACK = dt.timedelta(days=30)
"""How old a filing may be to count as new."""

MOST_EXHIBITS = 3

KEYWORD = re.compile(
    r"data[\s-]?cent(?:er|re)s?|high[\s-]performance[\s-]comput|\bHPC\b|artificial intelligence|\bAI\b"
    r"|\bGPUs?\b|cloud services|co-?location|hyperscale|\bleas(?:e|es|ed|ing)\b",
    re.IGNORECASE,
)
"""A paragraph without one of these words is not looked at."""

FINANCING = re.compile(
    r"convertible|senior (?:secured |unsecured )?notes|net proceeds|initial purchasers?|underwrit|private placement"
    r"|(?:private|public|registered|notes) offering|at-the-market|aggregate principal|over-?allotment|capped call",
    re.IGNORECASE,
)
"""A paragraph with one of these words is not looked at: money is raised for a data centre, and none is let."""

POWER_SUPPLY = re.compile(
    r"power purchase|\bPPA\b|interconnection agreement|(?:energy|electric|electricity) (?:supply|services?) agreement",
    re.IGNORECASE,
)
"""Nor is a paragraph with one of these, unless it speaks of a `CUSTOMER`: power is bought, and none is sold on."""

CUSTOMER = re.compile(
    r"\bleas(?:e|es|ed|ing)\b|tenant|customer|co-?location|\bhosting|cloud services|\bGPUs?\b", re.IGNORECASE
)

PERIODIC = re.compile(
    r"\b(?:reports?|announces?|provides?|releases?)\b.*\b(?:results|production|operations|operational|update)\b",
    re.IGNORECASE,
)
_PERIOD = re.compile(
    r"\b(?:quarter|Q[1-4]|[1-4]Q|fiscal|full[\s-]year|year[\s-]end|monthly|january|february|march|april|may|june|july"
    r"|august|september|october|november|december)\b",
    re.IGNORECASE,
)

MW = re.compile(
    r"(?<![\w.,$])(?P<amount>\d[\d,]*(?:\.\d+)?)[\s-]*(?P<kind>(?:gross|net|utility|critical[\s-]+IT)[\s-]+)?"
    r"(?P<unit>MW|megawatts?|GW|gigawatts?)\b",
    re.IGNORECASE,
)
"""168 MW, 1,000 megawatts, 2.4 GW, 300-megawatt, 70 critical IT MW."""

USD = re.compile(r"(?:(?:US|C)?\$|\bUSD)\s?\d[\d,]*(?:\.\d+)?[\s-]*(?:billion|million|bn|mm|[MB])\b", re.IGNORECASE)
"""$3.0 billion, US$665 million, $1.5B; smaller amounts are no deals. C$ stays C$."""

_WORDS = (
    "twenty-five one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty"
).split()
TERM = re.compile(
    rf"\b(\d{{1,2}}|{'|'.join(_WORDS)})(?:\s*\(\d{{1,2}}\))?[\s-]+years?\b(?!\s+ended|\s+ago)", re.IGNORECASE
)
"""15-year, ten (10) years; only near a word of `_TERM_WORDS`."""

_TERM_WORDS = re.compile(r"term|lease|agreement|contract|hosting|extension|extend|renew|option", re.IGNORECASE)
_EXTENSION = re.compile(r"extension|extend|renew|option", re.IGNORECASE)
_LABELS = {
    "critical IT": re.compile(r"critical[\s-]+IT|IT[\s-]+load", re.IGNORECASE),
    "gross": re.compile(r"\bgross\b|utility", re.IGNORECASE),
}
_CLAUSE_ENDS = re.compile(rf"[,.;]\s|{MW.pattern}", re.IGNORECASE)

_NAME = (
    r"[A-Z][\w&'’]*(?:\.(?=\w)\w+)*(?:[ -](?:(?:of|and) )?[A-Z0-9][\w&'’]*)*"
    r"(?:,? (?:Inc|Ltd|Corp|LLC|L\.P|plc|N\.V)\b\.?)?"
)
PARTY = re.compile(
    r"(?:(?i:agreement|leases?|contract|partnership|venture|term sheet|letter of intent)\b[^.;$]{0,60}?\bwith"
    r"|\b(?:leased|hosted|backstopped|guaranteed|signed) (?:by|to|with)|\btenant,?|\bcustomer,?)\s+"
    rf"(?:an? affiliate of |a subsidiary of )?({_NAME})"
)
"""A capitalised name after "lease ... with", "leased to", "backstopped by", "tenant" and the like."""

PARTY_WORDS = re.compile(
    r"investment[\s-]grade|hyperscaler?s?|neocloud|fortune \d+|cloud (?:provider|company)", re.IGNORECASE
)
"""Words for a party that is not named."""

_BOILERPLATE = re.compile(
    r"^\s*(?:About [A-Z]"
    r"|(?i:(?:safe harbor|cautionary|special|note)?[\w\s]{0,30}forward[\s-]looking (?:statements?|information))"
    r"|(?i:signatures?)\s*$)"
)
_NO_TITLE = re.compile(
    r"^(?:ex(?:hibit)?[\s.-]*\d|for immediate release|press release|news release|document|this news release"
    r"|/?not for (?:distribution|dissemination))",
    re.IGNORECASE,
)
_LONGEST_HEADING = 120
_SHORTEST_TITLE = 25
_SNIPPET = 400
_NEAR = 60


@dataclass(frozen=True)
class Findings:
    """What the patterns found in one document, each thing once, in order.

    `is_periodic` says that the headline is one of results or of a monthly update, which repeat older deals.
    """

    title: str
    is_periodic: bool
    snippet: str
    mw: tuple[str, ...]
    usd: tuple[str, ...]
    term_years: tuple[str, ...]
    counterparty: tuple[str, ...]


def is_of_interest(filing: Filing, since: dt.date) -> bool:
    """Whether it is one of the forms that are read, from that day on, under one of its items."""
    if filing.form not in ITEMS or filing.filed_date < since:
        return False
    items = ITEMS[filing.form]
    return items is None or not items.isdisjoint(filing.items.split(","))


def recent_filings(
    edgar: Edgar, companies: Sequence[Company], today: dt.date
) -> tuple[dict[str, list[Filing]], dict[str, str]]:
    """The filings of interest within `LOOK_BACK` by symbol; by symbol again, why a company's could not be listed."""
    session = edgar.open_session()
    done, failed = one_by_one(companies, lambda company: filings_of(session.submissions(company), company))
    found = {
        company.symbol: [filing for filing in filings if is_of_interest(filing, today - LOOK_BACK)]
        for company, filings in done
    }
    return found, {company.symbol: why for company, why in failed}


def fetch_candidates(edgar: Edgar, filings: Sequence[Filing], unlisted: Mapping[str, str]) -> Batch:
    """Read the filings' main documents and press releases; the candidates among them, and what could not be read.

    `unlisted` names companies whose filings could not even be listed, with the reason; they are rejects as well. Raises
    `EmptyFetchError` where there is nothing but them.
    """
    if unlisted and not filings:
        raise EmptyFetchError(f"edgar: filings not listed: {'; '.join(dict.fromkeys(unlisted.values()))[:600]}")
    session = edgar.open_session()

    def read(filing: Filing) -> tuple[str, Findings] | None:
        for document in _worth_reading(session.documents(filing)):
            page = session.page(document.url, f"{filing.accession} {document.kind}")
            found = find(page, has_headline=document.kind not in ITEMS)
            if found:
                return document.url, found
        return None

    done, failed = one_by_one(filings, read)
    rows = [_row(filing, *found, at) for at, (filing, found) in enumerate(done, 1) if found]
    rejects = [_reject(filing, why) for filing, why in failed]
    rejects += [
        Reject(f"edgar {symbol}", None, f"{symbol}: filings not listed: {why}", json.dumps({"symbol": symbol}))
        for symbol, why in unlisted.items()
    ]
    return Batch(
        edgar.name,
        pa.Table.from_pylist(rows, schema=_SCHEMA),
        tuple(rejects),
        since={filing.accession: filing.filed_date for filing, _ in done},
        missing={filing.accession: why for filing, why in failed},
    )


def _worth_reading(documents: Sequence[Document]) -> list[Document]:
    """Press releases first, for they have headlines; then the form itself."""
    exhibits = [document for document in documents if document.kind.startswith("EX-99")][:MOST_EXHIBITS]
    return exhibits + [document for document in documents if document.kind in ITEMS][:1]


def find(page: str, *, has_headline: bool = True) -> Findings | None:
    """What a document says of a deal; None where no paragraph has both a keyword and a figure in MW or dollars."""
    lines = _without_boilerplate(text_of(page))
    relevant = [line for line in lines if KEYWORD.search(line) and not _is_other_business(line)]
    with_figures = [line for line in relevant if MW.search(line) or USD.search(line)]
    if not with_figures:
        return None
    prose = [line for line in with_figures if len(line) > _LONGEST_HEADING] or with_figures
    headlines = (line for line in lines if len(line) >= _SHORTEST_TITLE and not _NO_TITLE.match(line))
    title = next(headlines, "")[:200] if has_headline else ""
    return Findings(
        title=title,
        is_periodic=bool(PERIODIC.search(title) and _PERIOD.search(title)),
        snippet=prose[0] if len(prose[0]) <= _SNIPPET else f"{prose[0][:_SNIPPET]} ...",
        mw=_once(found for line in relevant for found in _power(line)),
        usd=_once(found[0].strip() for line in relevant for found in USD.finditer(line)),
        term_years=_once(found for line in relevant for found in _terms(line)),
        counterparty=_once(found for line in relevant for found in _parties(line)),
    )


def _is_other_business(line: str) -> bool:
    return bool(FINANCING.search(line) or (POWER_SUPPLY.search(line) and not CUSTOMER.search(line)))


def _power(line: str) -> Iterable[str]:
    for found in MW.finditer(line):
        yield f"{found['amount']} {'GW' if found['unit'][0] in 'gG' else 'MW'}{_label(line, found)}"


def _terms(line: str) -> Iterable[str]:
    for found in TERM.finditer(line):
        if _TERM_WORDS.search(line[max(0, found.start() - _NEAR) : found.end() + _NEAR]):
            label = " (extension)" if _EXTENSION.search(line[found.end() : found.end() + 30]) else ""
            yield f"{found[1].lower()} years{label}"


def _parties(line: str) -> Iterable[str]:
    for found in PARTY.finditer(line):
        yield found[1].strip(" ,.")
    for found in PARTY_WORDS.finditer(line):
        yield found[0].lower()


def _label(line: str, figure: re.Match[str]) -> str:
    """Critical IT or gross, where said within a figure, between commas right after it, or else right before it."""
    if kind := figure["kind"]:
        return next((f" {label}" for label, words in _LABELS.items() if words.search(kind)), "")
    before, after = line[max(0, figure.start() - _NEAR) : figure.start()], line[figure.end() : figure.end() + _NEAR]
    after = after[: min((found.start() for found in _CLAUSE_ENDS.finditer(after)), default=len(after))]
    before = before[max((found.end() for found in _CLAUSE_ENDS.finditer(before)), default=0) :]
    after_first = [(found.start(), label) for label, words in _LABELS.items() for found in words.finditer(after)]
    before_last = [(-found.end(), label) for label, words in _LABELS.items() for found in words.finditer(before)]
    nearest = after_first or before_last
    return f" {min(nearest)[1]}" if nearest else ""


def _once(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.sub(r"\s+", " ", one) for one in found))


def _without_boilerplate(lines: Sequence[str]) -> list[str]:
    """The lines up to the first heading that opens a company's portrait, the legal notice or the signatures."""
    kept: list[str] = []
    for line in lines:
        if len(line) <= _LONGEST_HEADING and _BOILERPLATE.match(line):
            break
        kept.append(line)
    return kept


def text_of(page: str) -> list[str]:
    """The paragraphs of a page, without markup, without what is hidden, and without what a spreadsheet would run."""
    reader = _TextReader()
    reader.feed(page)
    reader.close()
    lines = (re.sub(r"\s+", " ", line) for line in "".join(reader.pieces).split("\x00"))
    seen = ("".join(sign for sign in line if sign.isprintable()).lstrip(" =+@-").rstrip() for line in lines)
    return [line for line in seen if line]


class _TextReader(HTMLParser):
    _BLOCKS = frozenset("p div tr td th br li h1 h2 h3 h4 h5 h6 table ul ol hr title body".split())
    _HIDDEN = frozenset("script style ix:header title".split())

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden += tag in self._HIDDEN
        if tag in self._BLOCKS:
            self.pieces.append("\x00")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in self._HIDDEN and self._hidden > 0
        if tag in self._BLOCKS:
            self.pieces.append("\x00")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def _row(filing: Filing, url: str, found: Findings, at: int) -> dict[str, object]:
    lists = {f"{name.name}_found": "; ".join(getattr(found, name.name)) or None for name in fields(found)[3:]}
    return lists | {
        "candidate_id": filing.accession,
        "symbol": filing.symbol,
        "company_name": filing.company_name,
        "filed_date": filing.filed_date,
        "form": filing.form,
        "items": filing.items or None,
        "url": url,
        "title": found.title or None,
        "is_periodic": found.is_periodic,
        "snippet": found.snippet,
        "source_file": f"submissions CIK{filing.cik}",
        "source_row": at,
    }


def _reject(filing: Filing, why: str) -> Reject:
    record = {"candidate_id": filing.accession, "symbol": filing.symbol, "url": index_url(filing.cik, filing.accession)}
    return Reject(f"edgar {filing.accession}", None, f"{filing.symbol} {filing.accession}: {why}", json.dumps(record))


_SCHEMA = pa.schema(
    [
        *(
            (name, {"filed_date": pa.date32(), "is_periodic": pa.bool_()}.get(name, pa.string()))
            for name in (
                "candidate_id",
                "symbol",
                "company_name",
                "filed_date",
                "form",
                "items",
                "url",
                "title",
                "is_periodic",
                "snippet",
                "mw_found",
                "usd_found",
                "term_years_found",
                "counterparty_found",
                "source_file",
            )
        ),
        ("source_row", pa.int64()),
    ]
)
