"""A server on this machine that speaks as the SEC's EDGAR does, and misbehaves on demand.

Belongs here: company facts, submissions, index pages and documents in EDGAR's layout, with invented figures and texts.
Does not belong here: tests, anything of the project under test.
"""

from __future__ import annotations

import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from fake_vendors import send

CONTACT = "warehouse@prairiehash.example"
PAGES = Path(__file__).parent / "edgar_pages"
NOT_DECLARED = (
    "<html><head><title>SEC.gov | Your Request Originates from an Undeclared Automated Tool</title></head></html>"
)
SLOW_DOWN = "<html><head><title>SEC.gov | Request Rate Threshold Exceeded</title></head></html>"
UNAVAILABLE = "<!DOCTYPE html><html><head><title>SEC.gov | Page temporarily unavailable</title></head></html>"

Fault = Callable[[BaseHTTPRequestHandler], None]


def instant(end: str, value: float, accession: str, filed: str, form: str = "10-Q") -> dict[str, Any]:
    """One fact of a balance sheet as company facts have it."""
    return {"end": end, "val": value, "accn": accession, "fy": int(end[:4]), "fp": "Q3", "form": form, "filed": filed}


def company_facts(cik: str, concepts: dict[str, tuple[str, list[dict[str, Any]]]]) -> dict[str, Any]:
    """`/api/xbrl/companyfacts/CIK##########.json`; concepts as `taxonomy:Tag`: unit and facts."""
    facts: dict[str, Any] = {}
    for concept, (unit, entries) in concepts.items():
        taxonomy, tag = concept.split(":")
        facts.setdefault(taxonomy, {})[tag] = {"label": tag, "description": "...", "units": {unit: entries}}
    return {"cik": int(cik), "entityName": "Prairie Hash, Inc.", "facts": facts}


@dataclass(frozen=True)
class Listed:
    """A filing of the submissions list, with the pages of its documents: (type, file name, text)."""

    accession: str
    filed: str
    items: str
    documents: tuple[tuple[str, str, str], ...] = ()
    form: str = "8-K"
    accepted: str = ""


def submissions(cik: str, filings: list[Listed]) -> dict[str, Any]:
    """`/submissions/CIK##########.json`: parallel arrays, newest first."""
    recent = {
        "accessionNumber": [one.accession for one in filings],
        "filingDate": [one.filed for one in filings],
        "reportDate": [one.filed for one in filings],
        "acceptanceDateTime": [one.accepted or f"{one.filed}T21:05:11.000Z" for one in filings],
        "act": ["34"] * len(filings),
        "form": [one.form for one in filings],
        "fileNumber": ["001-39187"] * len(filings),
        "filmNumber": ["251490001"] * len(filings),
        "items": [one.items for one in filings],
        "core_type": [one.form for one in filings],
        "size": [312_345] * len(filings),
        "isXBRL": [1] * len(filings),
        "isInlineXBRL": [1] * len(filings),
        "primaryDocument": [one.documents[0][1] if one.documents else "form.htm" for one in filings],
        "primaryDocDescription": [one.form for one in filings],
    }
    return {
        "cik": cik,
        "entityType": "operating",
        "sic": "6199",
        "name": "Prairie Hash, Inc.",
        "tickers": ["PHSH"],
        "exchanges": ["Nasdaq"],
        "filings": {"recent": recent, "files": []},
    }


def folder(cik: str, accession: str) -> str:
    """Where a filing's documents are."""
    return f"/Archives/edgar/data/{int(cik)}/{accession.replace('-', '')}"


def index_page(cik: str, filing: Listed) -> str:
    """`...-index.htm`: the form behind the inline viewer, exhibits plain, the whole submission last."""
    rows = []
    for at, (kind, name, _) in enumerate(filing.documents, 1):
        viewer = "/ix?doc=" if at == 1 else ""
        rows.append(
            f'<tr><td scope="row">{at}</td><td scope="row">{kind}</td><td scope="row"><a href="{viewer}'
            f'{folder(cik, filing.accession)}/{name}">{name}</a></td><td scope="row">{kind}</td><td>1</td></tr>'
        )
    whole = f"{folder(cik, filing.accession)}/{filing.accession}.txt"
    rows.append(
        f'<tr><td scope="row">&nbsp;</td><td scope="row">Complete submission text file</td><td scope="row"><a '
        f'href="{whole}">{filing.accession}.txt</a></td><td scope="row">&nbsp;</td><td scope="row">9</td></tr>'
    )
    head = "<tr><th>Seq</th><th>Description</th><th>Document</th><th>Type</th><th>Size</th></tr>"
    table = f'<table class="tableFile" summary="Document Format Files">{head}{"".join(rows)}</table>'
    return (
        f"<!DOCTYPE html><html><head><title>EDGAR Filing Documents for {filing.accession}</title></head>{table}</html>"
    )


def lease(accession: str = "0001213900-25-111222", filed: str = "2025-11-17") -> Listed:
    """An 8-K about a lease, with a press release."""
    return Listed(
        accession,
        filed,
        "1.01,7.01,9.01",
        (
            ("8-K", "ea0266001-8k_prairie.htm", (PAGES / "lease_8k.htm").read_text(encoding="utf-8")),
            ("EX-99.1", "ea0266001-ex991_prairie.htm", (PAGES / "lease_ex991.htm").read_text(encoding="utf-8")),
        ),
    )


def notes(accession: str = "0001213900-25-112333", filed: str = "2025-11-20") -> Listed:
    """An 8-K about convertible notes: no deal."""
    text = (PAGES / "notes_8k.htm").read_text(encoding="utf-8")
    return Listed(accession, filed, "8.01,9.01", (("8-K", "ea0266777-8k_prairie.htm", text),))


def page(name: str) -> str:
    """One of the invented texts."""
    return (PAGES / name).read_text(encoding="utf-8")


def foreign(accession: str = "0001878848-25-000222", filed: str = "2025-11-12") -> Listed:
    """A 6-K, which names no items, about a cloud contract: the cover says nothing, the news release all."""
    documents = (
        ("6-K", "shsh-20251112.htm", page("cloud_6k.htm")),
        ("EX-99.1", "shsh-20251112xex991.htm", page("cloud_ex991.htm")),
    )
    return Listed(accession, filed, "", documents, form="6-K")


@dataclass
class Sec:
    """EDGAR on one port: facts and filings by CIK. `faults` answer instead, once each, by a part of the path."""

    url: str
    facts: dict[str, Any] = field(default_factory=dict)
    filings: dict[str, list[Listed]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    bodies: dict[str, str] = field(default_factory=dict)

    def fail(self, part: str, *faults: Fault) -> None:
        """Answer the next requests whose path has this part with these faults, then well again."""
        self.faults[part] += faults

    def answer(self, path: str) -> str | None:
        """What is at a path."""
        if cik := re.fullmatch(r"/api/xbrl/companyfacts/CIK(\d{10})\.json", path):
            return json.dumps(self.facts[cik[1]]) if cik[1] in self.facts else None
        if cik := re.fullmatch(r"/submissions/CIK(\d{10})\.json", path):
            return json.dumps(submissions(cik[1], self.filings[cik[1]])) if cik[1] in self.filings else None
        for number, filings in self.filings.items():
            for filing in filings:
                place = folder(number, filing.accession)
                if path == f"{place}/{filing.accession}-index.htm":
                    return index_page(number, filing)
                for _, name, text in filing.documents:
                    if path == f"{place}/{name}":
                        return text
        return None


def _handler(sec: Sec) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            sec.asked.append(self.path)
            sec.agents.append(self.headers.get("User-Agent", ""))
            fault = next((faults.pop(0) for part, faults in sec.faults.items() if part in self.path and faults), None)
            body = next((text for part, text in sec.bodies.items() if part in self.path), None)
            if not re.search(r"\w+@[\w.]+\.\w+", sec.agents[-1]):
                send(self, 403, NOT_DECLARED, {"Content_Type": "text/html"})
            elif fault:
                fault(self)
            elif (text := sec.answer(self.path) if body is None else body) is None:
                send(self, 404, "<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>")
            else:
                send(self, 200, text, {"Content_Type": "application/json" if ".json" in self.path else "text/html"})

    return Handler


@contextmanager
def serving_edgar() -> Iterator[Sec]:
    """EDGAR on a free port of this machine."""
    sec = Sec("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(sec))
    server.daemon_threads = True
    sec.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield sec
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
