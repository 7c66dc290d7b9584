"""Daily bars from Yahoo Finance, through the `yfinance` library; no key is needed.

Belongs here: how yfinance is asked, what its frames mean, and the session that it speaks through. Does not belong
here: when it is asked, and for how much (`live`), how a request is retried (`sources.http`).

Yahoo publishes no documentation of its API and wants a browser's cookies, crumb and TLS handshake; yfinance keeps up
with that. What it does badly for a warehouse is done in the session that it is given: it swallows errors ("possibly
delisted"), so the session looks at every chart before yfinance does, and keeps the fault; and it does not wait when
asked to, so the session retries. `auto_adjust=False` is said outright because its default has changed before: `close`
is adjusted for splits alone, `adj_close` for dividends as well.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit, urlunsplit

import pyarrow as pa

from dagster_project.sources.base import AccessRefusedError, ChangedSchemaError, EmptyFetchError, SourceError
from dagster_project.sources.http import Clock, Conversation, Json, Manners, json_of
from dagster_project.sources.prices.live import BARS, Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from curl_cffi.requests import Response
    from curl_cffi.requests.session import HttpMethod

HISTORY_START = dt.date(2015, 1, 1)

_CHART = "/v8/finance/chart/"
_COLUMNS = {
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Adj Close": "adj_close",
    "Volume": "volume",
    "Dividends": "dividend_usd",
    "Stock Splits": "split_ratio",
}


@dataclass(frozen=True)
class YahooPrices:
    """Yahoo as a vendor. `cache_dir` is where yfinance keeps cookies and time zones between runs.

    `server` takes the place of every Yahoo host: a test's, or a proxy's.
    """

    manners: Manners = field(default_factory=Manners)
    cache_dir: Path | None = None
    server: str | None = None
    name: str = "yahoo"

    def open(self, clock: Clock) -> Reader:
        """A reader for one run."""
        import yfinance

        if self.cache_dir is not None:
            _keep_caches_in(self.cache_dir)
        session = _session(Conversation(self.name, self.manners, clock), self.server)

        def read(symbol: str, start: dt.date | None) -> pa.Table:
            who = f"{self.name} {symbol}"
            session.begin(symbol)
            with _quiet():
                try:
                    frame = yfinance.Ticker(symbol.replace(".", "-"), session=session).history(
                        start=(start or HISTORY_START).isoformat(),
                        interval="1d",
                        auto_adjust=False,
                        back_adjust=False,
                        repair=False,
                        actions=True,
                        keepna=True,
                        timeout=self.manners.timeout,
                    )
                except SourceError:
                    raise
                except Exception as error:  # whatever yfinance trips over, this symbol alone is lost
                    if session.fault is None:
                        raise ChangedSchemaError(f"{who}: yfinance failed on it: {error!r}") from error
                    frame = None
            if session.fault is not None:
                raise session.fault
            if frame is None or frame.empty:
                raise EmptyFetchError(f"{who}: the answer holds no bar")
            return bars_of(frame, symbol, who)

        return read


def bars_of(frame: pd.DataFrame, symbol: str, who: str) -> pa.Table:
    """The frame of `yfinance` as a table of bars."""
    if absent := [name for name in _COLUMNS if name not in frame.columns]:
        raise ChangedSchemaError(f"{who}: the frame has no {', '.join(absent)}")
    columns: dict[str, pa.Array] = {
        "symbol": pa.repeat(pa.scalar(symbol), len(frame)),
        "trade_date": pa.array([moment.date() for moment in frame.index], pa.date32()),
    }
    for theirs, ours in _COLUMNS.items():
        values = frame[theirs].where(frame[theirs] != 0) if theirs in ("Dividends", "Stock Splits") else frame[theirs]
        columns[ours] = pa.array(values, BARS.field(ours).type, from_pandas=True)
    return pa.table(columns, schema=BARS)


def _check_chart(told: Json, who: str) -> None:
    """Refuse a chart that is not laid out as it always was, before yfinance calls it a delisted symbol."""
    try:
        (result,) = told["chart"]["result"]
        zone = result["meta"]["exchangeTimezoneName"]
    except (KeyError, TypeError, ValueError) as error:
        raise ChangedSchemaError(f"{who}: not laid out as a chart") from error
    if not zone:
        raise ChangedSchemaError(f"{who}: the chart names no time zone")
    days = result.get("timestamp")
    if days is None:
        raise EmptyFetchError(f"{who}: the chart holds no bar")
    try:
        (quote,), (adjusted,) = result["indicators"]["quote"], result["indicators"]["adjclose"]
        lists = {name: quote[name] for name in ("open", "high", "low", "close", "volume")}
        lists["adjclose"] = adjusted["adjclose"]
    except (KeyError, TypeError, ValueError) as error:
        raise ChangedSchemaError(f"{who}: the chart has no {error}") from error
    for name, values in lists.items():
        if not isinstance(values, list) or len(values) != len(days):
            raise ChangedSchemaError(f"{who}: {name} of the chart does not have one value per day")
        if strange := [value for value in values if not isinstance(value, int | float | None) or value is True]:
            raise ChangedSchemaError(f"{who}: {name} of the chart holds {strange[0]!r}")


def _session(conversation: Conversation, server: str | None) -> Any:  # noqa: ANN401  # a class that only exists within
    """A session for yfinance that asks politely and keeps what went wrong.

    Made in a function, because its base class comes with a heavy import.
    """
    from curl_cffi.requests import Session

    class PoliteSession(Session):  # type: ignore[type-arg]
        def __init__(self) -> None:
            super().__init__(impersonate="chrome")
            self.begin("")

        def begin(self, symbol: str) -> None:
            """Forget the faults of the symbol before."""
            self.symbol = symbol
            self.fault: SourceError | None = None
            self.may_renew_cookie = True

        def request(self, method: HttpMethod, url: str, **options: Any) -> Response:  # type: ignore[override]  # noqa: ANN401
            if self.fault is not None and not isinstance(self.fault, AccessRefusedError):
                raise self.fault  # it will not get better by asking other addresses for the same symbol
            parts = urlsplit(url)
            target = urlunsplit(urlsplit(server)[:2] + parts[2:]) if server else url
            patience = conversation.manners.timeout
            options["timeout"] = min(options.get("timeout") or patience, patience)
            if not parts.path.startswith(_CHART):
                return cast(
                    "Response", super().request(method, target, **options)
                )  # cookie or crumb: yfinance can do without

            answers: list[Response] = []

            def send(timeout: float) -> Response:
                answers.append(super(PoliteSession, self).request(method, target, **options | {"timeout": timeout}))
                return answers[-1]

            asked = options.get("params") or {}
            key = (parts.path, *(asked.get(name) for name in ("period1", "range", "interval")))
            who = f"{conversation.vendor} {self.symbol}"
            try:
                answer = conversation.ask(send, self.symbol, remember_as=key)
                if "period1" in asked:
                    _check_chart(json_of(answer, who), who)
                else:
                    json_of(answer, who)
            except AccessRefusedError as error:
                self.fault = error
                if self.may_renew_cookie:
                    self.may_renew_cookie = False
                    return answers[-1]  # yfinance fetches another cookie and asks once more
                raise
            except SourceError as error:
                self.fault = error
                raise
            self.fault = None
            return answer

    return PoliteSession()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without yfinance's own guesses and deprecations in the log: what went wrong is reported by whoever asked."""
    logger = logging.getLogger("yfinance")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.setLevel(level)


def _keep_caches_in(folder: Path) -> None:
    from yfinance import cache

    folder.mkdir(parents=True, exist_ok=True)
    if Path(cache._TzDBManager.get_location()) != folder:
        cache.set_cache_location(str(folder))
