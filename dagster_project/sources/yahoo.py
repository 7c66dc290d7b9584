"""Opens the session with Yahoo Finance that the `yahoo` sources hand to the `yfinance` library.

Belongs here: where yfinance is kept from doing what is bad for a warehouse. Does not belong here: what is asked, and
what an answer means (`prices.yahoo`, `ratings.yahoo`), how a request is retried (`http`).

Yahoo publishes no documentation of its API and wants a browser's cookies, crumb and TLS handshake; yfinance keeps up
with that. It swallows errors, though ("possibly delisted", an empty frame), so the session looks at every answer before
yfinance does, and keeps the fault; and it does not wait when asked to, so the session retries. yfinance keeps the last
session it was given for the whole process: whoever asks hands over one of their own.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit, urlunsplit

from dagster_project.sources.base import AccessRefusedError, ChangedSchemaError, SourceError
from dagster_project.sources.http import Json, RetryingClient, json_of

if TYPE_CHECKING:
    from curl_cffi.requests import Response
    from curl_cffi.requests.session import HttpMethod

Check = Callable[[Json, Mapping[str, Any], str], None]
"""Raises `SourceError` where an answer is not laid out as it should be; given are answer, parameters and who asked."""

T = TypeVar("T")


def open_session(
    client: RetryingClient, checks: Mapping[str, Check], server: str | None, cache_dir: Path | None
) -> Any:  # noqa: ANN401  # a class that only exists within
    """A session for yfinance that asks politely and keeps what went wrong.

    `checks` says by the beginning of a path which answers are data; the others are cookies and crumbs. `server` takes
    the place of every Yahoo host; `cache_dir` is where yfinance keeps cookies and time zones between runs. Made in a
    function, because its base class comes with a heavy import.
    """
    from curl_cffi.requests import Session

    if cache_dir is not None:
        _keep_caches_in(cache_dir)

    class PoliteSession(Session):  # type: ignore[type-arg]
        def __init__(self) -> None:
            super().__init__(impersonate="chrome")
            self.begin("")

        def begin(self, symbol: str) -> None:
            """Forget the faults of the symbol before."""
            self.symbol = symbol
            self.fault: SourceError | None = None
            self.refused_with = ""
            self.may_renew_cookie = True

        def request(self, method: HttpMethod, url: str, **options: Any) -> Response:  # type: ignore[override]  # noqa: ANN401
            if self.fault is not None and not isinstance(self.fault, AccessRefusedError):
                raise self.fault  # it will not get better by asking other addresses for the same symbol
            parts = urlsplit(url)
            target = urlunsplit(urlsplit(server)[:2] + parts[2:]) if server else url
            patience = client.retry_policy.timeout
            options["timeout"] = min(options.get("timeout") or patience, patience)
            check = next((check for path, check in checks.items() if parts.path.startswith(path)), None)
            if check is None:
                return cast(
                    "Response", super().request(method, target, **options)
                )  # cookie or crumb: yfinance can do without

            answers: list[Response] = []

            def send(timeout: float) -> Response:
                answers.append(super(PoliteSession, self).request(method, target, **options | {"timeout": timeout}))
                return answers[-1]

            asked = options.get("params") or {}
            key = (parts.path, *(asked.get(name) for name in ("period1", "range", "interval", "modules")))
            who = f"{client.vendor} {self.symbol}"
            try:
                answer = client.ask(send, self.symbol, remember_as=key)
                check(json_of(answer, who), asked, who)
            except AccessRefusedError as error:
                self.fault = error
                if self.may_renew_cookie:
                    self.may_renew_cookie = False
                    return answers[-1]  # yfinance fetches another cookie and asks once more
                raise
            except SourceError as error:
                self.fault = error
                self.refused_with = answers[-1].text if answers else ""
                raise
            self.fault = None
            return answer

    return PoliteSession()


def read(session: Any, symbol: str, ask: Callable[[], T]) -> T:  # noqa: ANN401
    """What `ask` gets out of yfinance through this session, or the `SourceError` that says why nothing."""
    session.begin(symbol)
    with _quiet():
        try:
            found = ask()
        except SourceError:
            raise
        except Exception as error:  # whatever yfinance trips over, this symbol alone is lost
            if session.fault is not None:
                raise session.fault from error
            raise ChangedSchemaError(f"yahoo {symbol}: yfinance failed on it: {error!r}") from error
    if session.fault is not None:
        raise session.fault
    return found


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
