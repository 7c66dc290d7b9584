"""A server on this machine that speaks as Yahoo's APIs of charts and ratings and Tiingo's end-of-day API do.

It misbehaves on demand.

Belongs here: the truth about a few invented listings, how each vendor words it, and the faults of networks and vendors.
Does not belong here: tests, anything of the project under test.
"""

from __future__ import annotations

import datetime as dt
import json
import socket
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import prod
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
KEY = "not-a-real-key-but-as-long-as-one-40-chr"
"""The only key that the invented Tiingo accepts."""


@dataclass
class Listing:
    """One instrument as it traded: unadjusted closes and volumes by day, splits and dividends by ex-day."""

    closes: dict[dt.date, float]
    splits: dict[dt.date, float] = field(default_factory=dict)
    dividends: dict[dt.date, float] = field(default_factory=dict)
    around_the_clock: bool = False

    def volume(self, day: dt.date) -> int:
        """Shares traded, as counted on the day."""
        return 1_000_000 + 1_000 * day.day

    def later_splits(self, day: dt.date) -> float:
        """By how many shares of today one share of the day became."""
        return prod(ratio for ex_day, ratio in self.splits.items() if ex_day > day)

    def dividend_factor(self, day: dt.date) -> float:
        """What the dividends after the day take off its adjusted close."""
        days = sorted(self.closes)
        return prod(
            1 - amount / self.closes[days[days.index(ex_day) - 1]]
            for ex_day, amount in self.dividends.items()
            if ex_day > day and ex_day in self.closes and days.index(ex_day) > 0
        )


Fault = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    vendor: str
    symbol: str
    query: dict[str, str]


@dataclass
class Vendors:
    """Both vendors on one port. `faults` answers instead of them: by (vendor, symbol), "*" standing for any.

    Yahoo's ratings count as a vendor of their own, "ratings".
    """

    url: str
    listings: dict[str, Listing] = field(default_factory=dict)
    ratings: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    faults: dict[tuple[str, str], list[Fault]] = field(default_factory=lambda: defaultdict(list))
    outages: dict[tuple[str, str], Fault] = field(default_factory=dict)

    def fail(self, vendor: str, symbol: str, *faults: Fault) -> None:
        """Answer the next requests with these faults, one after the other, then well again."""
        self.faults[vendor, symbol] += faults

    def break_down(self, vendor: str, symbol: str, fault: Fault) -> None:
        """Answer every request with this fault, until `recover`."""
        self.outages[vendor, symbol] = fault

    def recover(self) -> None:
        """Be well again."""
        self.faults.clear()
        self.outages.clear()

    def requests_for(self, vendor: str, symbol: str | None = None) -> list[Asked]:
        """What was asked of a vendor (about a symbol) so far: of Yahoo, the charts, not its look-ups of a time zone."""
        return [
            ask
            for ask in self.asked
            if ask.vendor == vendor and symbol in (None, ask.symbol) and ask.query.get("range") != "1d"
        ]

    def fault_for(self, vendor: str, symbol: str, query: dict[str, str]) -> Fault | None:
        """The fault that is due, if any. A look-up of a time zone meets outages, but uses up no single fault."""
        for key in ((vendor, symbol), (vendor, "*")):
            if self.faults.get(key) and query.get("range") != "1d":
                return self.faults[key].pop(0)
            if key in self.outages:
                return self.outages[key]
        return None


# Faults


def status(code: int, body: str = "", **headers: str) -> Fault:
    """An HTTP status; header names are written with underscores."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        send(handler, code, body or json.dumps({"detail": f"status {code}"}), headers)

    return answer


def body(text: str, content_type: str = "application/json") -> Fault:
    """Status 200 with any body."""
    return lambda handler: send(handler, 200, text, {"Content_Type": content_type})


WEB_PAGE = body("<!DOCTYPE html><html><body>We will be right back...</body></html>", "text/html")


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    """Half of the body that was promised."""
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b'{"chart":{"result":[{"meta"')
    handler.close_connection = True


def reset(handler: BaseHTTPRequestHandler) -> None:
    """A connection that breaks before any answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def hang(handler: BaseHTTPRequestHandler) -> None:
    """No answer within the patience of a test that waits for none."""
    time.sleep(1.0)
    handler.close_connection = True


# The vendors' own words


def yahoo_chart(symbol: str, listing: Listing, since: dt.date) -> dict[str, Any]:
    """`/v8/finance/chart/SYMBOL`: prices adjusted for splits, the adjusted close for dividends too."""
    zone = dt.UTC if listing.around_the_clock else NEW_YORK
    opens_at = dt.time(0) if listing.around_the_clock else dt.time(9, 30)

    def moment(day: dt.date) -> int:
        return int(dt.datetime.combine(day, opens_at, zone).timestamp())

    days = [day for day in sorted(listing.closes) if day >= since]
    closes = [listing.closes[day] / listing.later_splits(day) for day in days]
    quote = {
        "open": [close * 0.99 for close in closes],
        "high": [close * 1.02 for close in closes],
        "low": [close * 0.98 for close in closes],
        "close": closes,
        "volume": [round(listing.volume(day) * listing.later_splits(day)) for day in days],
    }
    adjusted = [close * listing.dividend_factor(day) for close, day in zip(closes, days, strict=True)]
    events: dict[str, Any] = {}
    if paid := {day: amount for day, amount in listing.dividends.items() if day >= since}:
        events["dividends"] = {
            str(moment(day)): {"amount": amount / listing.later_splits(day), "date": moment(day)}
            for day, amount in paid.items()
        }
    if split := {day: ratio for day, ratio in listing.splits.items() if day >= since}:
        events["splits"] = {
            str(moment(day)): {
                "date": moment(day),
                "numerator": ratio,
                "denominator": 1.0,
                "splitRatio": f"{ratio:g}:1",
            }
            for day, ratio in split.items()
        }
    meta = {
        "currency": "USD",
        "symbol": symbol,
        "exchangeName": "CCC" if listing.around_the_clock else "NCM",
        "instrumentType": "CRYPTOCURRENCY" if listing.around_the_clock else "EQUITY",
        "firstTradeDate": moment(min(listing.closes)),
        "regularMarketTime": moment(max(listing.closes)) + 23_400,
        "hasPrePostMarketData": not listing.around_the_clock,
        "gmtoffset": 0 if listing.around_the_clock else -18_000,
        "timezone": "UTC" if listing.around_the_clock else "EST",
        "exchangeTimezoneName": "UTC" if listing.around_the_clock else "America/New_York",
        "regularMarketPrice": closes[-1] if closes else None,
        "priceHint": 2,
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
    }
    result: dict[str, Any] = {"meta": meta}
    if days:
        result["timestamp"] = [moment(day) for day in days]
        if events:
            result["events"] = events
        result["indicators"] = {"quote": [quote], "adjclose": [{"adjclose": adjusted}]}
    else:
        result["indicators"] = {"quote": [{}], "adjclose": [{}]}
    return {"chart": {"result": [result], "error": None}}


YAHOO_NOT_FOUND = {
    "chart": {
        "result": None,
        "error": {"code": "Not Found", "description": "No data found, symbol may be delisted"},
    }
}


CRUMB = "w8zV/.uXaL0"


def yahoo_summary(history: list[dict[str, Any]]) -> dict[str, Any]:
    """`/v10/finance/quoteSummary/SYMBOL?modules=upgradeDowngradeHistory`."""
    return {
        "quoteSummary": {"result": [{"upgradeDowngradeHistory": {"history": history, "maxAge": 86400}}], "error": None}
    }


def _yahoo_error(part: str, code: str, description: str) -> str:
    return json.dumps({part: {"result": None, "error": {"code": code, "description": description}}})


def tiingo_daily(listing: Listing, since: dt.date) -> list[dict[str, Any]]:
    """`/tiingo/daily/SYMBOL/prices`: prices as traded, and prices adjusted for splits and dividends."""
    rows = []
    for day in sorted(listing.closes):
        if day < since:
            continue
        close, splits = listing.closes[day], listing.later_splits(day)
        factor = listing.dividend_factor(day) / splits
        bar = {"open": close * 0.99, "high": close * 1.02, "low": close * 0.98, "close": close}
        rows.append(
            {"date": f"{day}T00:00:00.000Z", **bar, "volume": listing.volume(day)}
            | {f"adj{name.capitalize()}": price * factor for name, price in bar.items()}
            | {"adjVolume": round(listing.volume(day) * splits)}
            | {"divCash": listing.dividends.get(day, 0.0), "splitFactor": listing.splits.get(day, 1.0)}
        )
    return rows


def tiingo_crypto(pair: str, listing: Listing, since: dt.date) -> list[dict[str, Any]]:
    """`/tiingo/crypto/prices?tickers=PAIR&resampleFreq=1day`."""
    days = [day for day in sorted(listing.closes) if day >= since]
    data = [
        {
            "date": f"{day}T00:00:00+00:00",
            "open": listing.closes[day] * 0.99,
            "high": listing.closes[day] * 1.02,
            "low": listing.closes[day] * 0.98,
            "close": listing.closes[day],
            "volume": listing.volume(day) + 0.4,
            "volumeNotional": listing.closes[day] * listing.volume(day),
            "tradesDone": 1000.0,
        }
        for day in days
    ]
    return [{"ticker": pair, "baseCurrency": pair[:-3], "quoteCurrency": pair[-3:], "priceData": data}] if data else []


# The server


def send(handler: BaseHTTPRequestHandler, code: int, text: str, headers: dict[str, str] | None = None) -> None:
    """A whole answer."""
    data = text.encode()
    handler.send_response(code)
    for name, value in {"Content_Type": "application/json", **(headers or {})}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def _handler(vendors: Vendors) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            steps = parts.path.strip("/").split("/")
            if parts.path.startswith("/v8/finance/chart/"):
                self._yahoo(steps[-1], query)
            elif parts.path.startswith("/tiingo/daily/"):
                self._tiingo(steps[2], query)
            elif parts.path == "/tiingo/crypto/prices":
                self._tiingo(query["tickers"], query)
            elif parts.path.startswith("/v10/finance/quoteSummary/"):
                self._ratings(steps[-1], query)
            elif parts.path == "/v1/test/getcrumb":
                send(self, 200, CRUMB, {"Content_Type": "text/plain"})
            else:  # fc.yahoo.com answers 404 with the cookie, the consent page of Europe has no form here
                expires = "Fri, 31 Dec 2038 23:59:59 GMT"
                cookie = f"A3=d=AQABBK; Expires={expires}; Path=/; HttpOnly"
                send(self, 404, "<html></html>", {"Content_Type": "text/html", "Set_Cookie": cookie})

        def _yahoo(self, symbol: str, query: dict[str, str]) -> None:
            vendors.asked.append(Asked("yahoo", symbol, query))
            if fault := vendors.fault_for("yahoo", symbol, query):
                fault(self)
            elif symbol not in vendors.listings:
                send(self, 404, json.dumps(YAHOO_NOT_FOUND))
            else:
                since = dt.date.min
                if "period1" in query:
                    since = dt.datetime.fromtimestamp(int(query["period1"]), dt.UTC).date()
                send(self, 200, json.dumps(yahoo_chart(symbol, vendors.listings[symbol], since)))

        def _ratings(self, symbol: str, query: dict[str, str]) -> None:
            vendors.asked.append(Asked("ratings", symbol, query))
            if fault := vendors.fault_for("ratings", symbol, query):
                fault(self)
            elif query.get("crumb") != CRUMB:
                send(self, 401, _yahoo_error("finance", "Unauthorized", "Invalid Crumb"))
            elif symbol in vendors.ratings:
                send(self, 200, json.dumps(yahoo_summary(vendors.ratings[symbol])))
            elif symbol in vendors.listings:
                said = f"No fundamentals data found for symbol: {symbol}"
                send(self, 404, _yahoo_error("quoteSummary", "Not Found", said))
            else:
                send(self, 404, _yahoo_error("quoteSummary", "Not Found", f"Quote not found for symbol: {symbol}"))

        def _tiingo(self, ticker: str, query: dict[str, str]) -> None:
            symbol = next((name for name in vendors.listings if name.replace("-", "").lower() == ticker), ticker)
            vendors.asked.append(Asked("tiingo", symbol, query))
            since = dt.date.fromisoformat(query["startDate"])
            if fault := vendors.fault_for("tiingo", symbol, query):
                fault(self)
            elif self.headers["Authorization"] != f"Token {KEY}":
                token = self.headers["Authorization"]
                send(self, 401, json.dumps({"detail": f"Invalid token {token}"}))
            elif symbol not in vendors.listings:
                send(self, 404, json.dumps({"detail": f"Error: Ticker '{symbol}' not found"}))
            elif vendors.listings[symbol].around_the_clock:
                send(self, 200, json.dumps(tiingo_crypto(ticker, vendors.listings[symbol], since)))
            else:
                send(self, 200, json.dumps(tiingo_daily(vendors.listings[symbol], since)))

    return Handler


@contextmanager
def serving() -> Iterator[Vendors]:
    """Both vendors, on a free port of this machine."""
    vendors = Vendors("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(vendors))
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # connections that tests break on purpose
    vendors.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield vendors
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
