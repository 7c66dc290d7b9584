"""Asks the SEC's EDGAR: addresses, pace, and the layout of its answers.

Belongs here: who we say we are, how often we ask, and reading company facts, submissions and filing indexes into plain
values. Does not belong here: which facts are wanted (`capital`), what is looked for in a text (`deals`).

The SEC asks whoever reads by program to name a contact in the User-Agent and to stay below ten requests a second, and
refuses (403) whoever does not. Without a contact nothing is asked. The contact goes into that header and is shown
nowhere else.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from dagster_project.sources.base import (
    ChangedSchemaError,
    RateLimitedError,
    SwitchedOffError,
    WebPageError,
)
from dagster_project.sources.http import Clock, Json, RetryingClient, RetryPolicy, json_of

if TYPE_CHECKING:
    import requests
    from pydantic import SecretStr

PER_SECOND = 4.0
"""Requests a second of one session; a sensor and a run may have one each at once, and stay at eight together."""

_NEW_YORK = ZoneInfo("America/New_York")
_OPENS, _CLOSES = 6, 22
"""Hours in New York between which EDGAR accepts filings."""

_CONTROL_PAGE = re.compile(r"Request Rate Threshold Exceeded|Undeclared Automated Tool", re.IGNORECASE)
_ERROR_PAGE = re.compile(r"<title>[^<]*(?:unavailable|not found|error|maintenance)", re.IGNORECASE)

PUBLIC_SERVER = "https://www.sec.gov"
"""Where a reader finds a filing; links that are kept name it."""


@dataclass(frozen=True)
class Company:
    """A company of the watch list."""

    symbol: str
    cik: str


@dataclass(frozen=True)
class Filing:
    """One filing as the list of submissions names it; `items` as filed, such as `1.01,9.01`."""

    symbol: str
    cik: str
    company_name: str
    accession: str
    form: str
    filed_date: dt.date
    items: str
    primary_document: str


@dataclass(frozen=True)
class Document:
    """One document of a filing, such as the press release in exhibit 99.1."""

    kind: str
    url: str


@dataclass(frozen=True)
class Fact:
    """One amount of one concept as one filing states it."""

    concept: str
    end: dt.date
    amount: float
    filed: dt.date
    form: str
    accession: str


@dataclass(frozen=True)
class Edgar:
    """EDGAR; switched off where `contact` is None."""

    contact: SecretStr | None = field(default=None, repr=False)
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    clock: Clock = field(default_factory=Clock, repr=False)
    data_server: str = "https://data.sec.gov"
    archive_server: str = PUBLIC_SERVER
    name: str = "edgar"

    def ensure_on(self) -> SecretStr:
        """The contact. Raises `SwitchedOffError` where there is none."""
        if self.contact is None:
            raise SwitchedOffError("switched off: MINEHOUSE_SEC_CONTACT is not set")
        return self.contact

    def open_session(self) -> EdgarSession:
        """Requests of one run, with a time budget of their own. Raises `SwitchedOffError` without a contact."""
        import requests

        session = requests.Session()
        session.headers["User-Agent"] = f"Minehouse {self.ensure_on().get_secret_value()}"
        return EdgarSession(self, session, RetryingClient(self.name, self.retry_policy, self.clock))


class EdgarSession:
    """What is asked of EDGAR in one run, one request after another, never faster than `PER_SECOND`."""

    def __init__(self, edgar: Edgar, session: requests.Session, client: RetryingClient) -> None:
        self._edgar = edgar
        self._session = session
        self._client = client
        self._free_from = 0.0

    def company_facts(self, company: Company) -> Json:
        """All that the company has ever tagged."""
        return self._json(f"{self._edgar.data_server}/api/xbrl/companyfacts/CIK{company.cik}.json", company.symbol)

    def submissions(self, company: Company) -> Json:
        """The list of the company's filings."""
        return self._json(f"{self._edgar.data_server}/submissions/CIK{company.cik}.json", company.symbol)

    def documents(self, filing: Filing) -> tuple[Document, ...]:
        """The documents of a filing, as its index page lists them."""
        page = self.page(index_url(filing.cik, filing.accession), filing.accession)
        return documents_of(page, PUBLIC_SERVER, f"edgar {filing.accession}")

    def page(self, url: str, what: str) -> str:
        """A page of the archive by its public address, wherever the archive is asked.

        Raises `RateLimitedError` or `WebPageError` for a page that excuses itself.
        """
        text = self._ask(url.replace(PUBLIC_SERVER, self._edgar.archive_server, 1), what).text
        if _CONTROL_PAGE.search(text[:20_000]):
            raise RateLimitedError(f"edgar {what}: asked to slow down")
        if _ERROR_PAGE.search(text[:2_000]):
            raise WebPageError(f"edgar {what}: an error page came instead of a document")
        return text

    def _json(self, url: str, what: str) -> Json:
        return json_of(self._ask(url, what), f"edgar {what}")

    def _ask(self, url: str, what: str) -> requests.Response:
        def send(timeout: float) -> requests.Response:
            self._keep_pace()
            return self._session.get(url, timeout=timeout, allow_redirects=False)

        return self._client.ask(send, what)

    def _keep_pace(self) -> None:
        clock = self._edgar.clock
        now = clock.stopwatch()
        if now < self._free_from:
            clock.sleep(self._free_from - now)
        self._free_from = max(now, self._free_from) + 1 / PER_SECOND


def index_url(cik: str, accession: str) -> str:
    """The page that lists a filing's documents."""
    return f"{PUBLIC_SERVER}/Archives/edgar/data/{int(cik)}/{accession.replace('-', '')}/{accession}-index.htm"


def facts_of(body: Json, company: Company, concepts: Mapping[str, str]) -> list[Fact]:
    """The facts of these concepts (`taxonomy:Tag` by unit) in a company-facts answer, each once.

    A concept or unit that the company does not use is no fault. Raises `ChangedSchemaError` where the answer is laid
    out otherwise, or speaks of another company.
    """
    who = f"edgar {company.symbol} company facts"
    taxonomies = _part(body, "facts", dict, who)
    if str(body.get("cik", "")).zfill(10) != company.cik:
        raise ChangedSchemaError(f"{who}: the answer is not about CIK {company.cik}")
    found: dict[Fact, None] = {}
    for concept, unit in concepts.items():
        taxonomy, tag = concept.split(":")
        if tag not in (tags := taxonomies.get(taxonomy, {})):
            continue
        for entry in _part(tags[tag], "units", dict, f"{who}: {concept}").get(unit, []):
            found[_fact(entry, concept, who)] = None
    return list(found)


def _fact(entry: Json, concept: str, who: str) -> Fact:
    try:
        return Fact(
            concept,
            dt.date.fromisoformat(entry["end"]),
            float(entry["val"]),
            dt.date.fromisoformat(entry["filed"]),
            str(entry["form"]),
            str(entry["accn"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ChangedSchemaError(f"{who}: {concept} has an entry without end, val, filed, form or accn") from error


def accepted_times(told: Json, company: Company) -> dict[str, dt.datetime]:
    """By accession number, when each recent filing was accepted: New York time, without a zone.

    The stamps end in Z, and for about a quarter of the filers they are New York time all the same; a filer keeps to
    one or the other (github.com/john-friedman/datamule-python/issues/115). EDGAR accepts from 6 in the morning to 10
    at night, so an hour at which it is closed tells which it is. Where none does, the stamp is read as New York time,
    the later of the two: nothing may be known too early. Stamps that are no time are left out.
    """
    recent = _part(_part(told, "filings", dict, f"edgar {company.symbol} submissions"), "recent", dict, company.symbol)
    stamps: dict[str, dt.datetime] = {}
    for accession, stamp in zip(recent.get("accessionNumber", []), recent.get("acceptanceDateTime", []), strict=False):
        with contextlib.suppress(TypeError, ValueError):
            stamps[accession] = dt.datetime.fromisoformat(stamp).replace(tzinfo=dt.UTC)
    is_utc = any(stamp.hour >= _CLOSES or stamp.hour < _OPENS for stamp in stamps.values())
    zone = _NEW_YORK if is_utc else dt.UTC
    return {accession: stamp.astimezone(zone).replace(tzinfo=None) for accession, stamp in stamps.items()}


_SUBMISSION_COLUMNS = ("accessionNumber", "filingDate", "form", "items", "primaryDocument")


def filings_of(body: Json, company: Company) -> list[Filing]:
    """The recent filings in an answer about submissions, newest first as they come.

    Raises `ChangedSchemaError` where the answer is laid out otherwise.
    """
    who = f"edgar {company.symbol} submissions"
    recent = _part(_part(body, "filings", dict, who), "recent", dict, who)
    columns = [_part(recent, name, list, who) for name in _SUBMISSION_COLUMNS]
    if len({len(column) for column in columns}) > 1:
        raise ChangedSchemaError(f"{who}: its columns differ in length")
    name = str(body.get("name") or company.symbol)
    try:
        return [
            Filing(company.symbol, company.cik, name, accession, form, dt.date.fromisoformat(filed), items, document)
            for accession, filed, form, items, document in zip(*columns, strict=True)
        ]
    except (TypeError, ValueError) as error:
        raise ChangedSchemaError(f"{who}: a filing has no day") from error


def _part(body: Json, name: str, kind: type[Any], who: str) -> Any:  # noqa: ANN401
    part = body.get(name) if isinstance(body, dict) else None
    if not isinstance(part, kind):
        raise ChangedSchemaError(f"{who}: no {name}")
    return part


def documents_of(page: str, server: str, who: str) -> tuple[Document, ...]:
    """The documents on a filing's index page: rows of sequence, description, document, type, size."""
    reader = _IndexReader()
    reader.feed(page)
    found = tuple(
        Document(cells[3].strip().upper(), f"{server}{link.removeprefix('/ix?doc=')}")
        for cells, link in reader.rows
        if len(cells) > 3 and cells[3].strip() and link.removeprefix("/ix?doc=").startswith("/Archives/")
    )
    if not found:
        raise ChangedSchemaError(f"{who}: its index page lists no document")
    return found


class _IndexReader(HTMLParser):
    """Collects the rows of all tables: the text of the cells, and the first link."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[list[str], str]] = []
        self._cells: list[str] = []
        self._link = ""

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """A row begins, a cell begins, or a link is met."""
        if tag == "tr":
            self._cells, self._link = [], ""
        elif tag == "td":
            self._cells.append("")
        elif tag == "a" and not self._link:
            self._link = dict(attrs).get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        """A row ends."""
        if tag == "tr" and self._cells:
            self.rows.append((self._cells, self._link))

    def handle_data(self, data: str) -> None:
        """Text of a cell."""
        if self._cells:
            self._cells[-1] += data
