"""Sends requests to vendors over HTTP: retries, time budgets, and errors that say what happened.

Belongs here: retries of what may pass, the time budget of a run, what was answered already in this run, when a vendor
is left alone, and turning a status or a body into the right `SourceError`. Does not belong here: any vendor's address,
key or format.

`tenacity` does the retrying rather than `urllib3.Retry`, because one source speaks through `requests` and another
through a library with a session of its own, because the wait must know the time that is left, and because a test
must be able to wait without waiting.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import re
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import tenacity

from dagster_project.sources.base import (
    AccessRefusedError,
    OutOfTimeError,
    RateLimitedError,
    SourceError,
    TruncatedAnswerError,
    UnexpectedStatusError,
    UnknownSymbolError,
    VendorDownError,
    WebPageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

Json: TypeAlias = Any
"""Whatever JSON may hold: its reader finds out."""


class Answer(Protocol):
    """What the responses of `requests` and of `curl_cffi` have in common, as far as it is needed."""

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, Any]:
        """The headers, whatever their case."""
        ...

    @property
    def text(self) -> str:
        """The body."""
        ...


AnswerT = TypeVar("AnswerT", bound=Answer)
K = TypeVar("K")
T = TypeVar("T")

FAILURES_IN_A_ROW = 2
"""After so many things in a row that found a vendor down, it is not asked for the others in this run."""


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Clock:
    """The time of day, a stopwatch, and how to wait: exchanged by tests."""

    now: Callable[[], dt.datetime] = _utc_now
    stopwatch: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long a source tries; all times in seconds.

    Between two tries of one request it waits `first_wait`, doubled each time up to `longest_wait`, plus a random
    part of up to `first_wait`, or as long as the vendor asks. `budget` is the time that one run may take in all.
    """

    tries: int = 4
    first_wait: float = 1.0
    longest_wait: float = 30.0
    timeout: float = 10.0
    budget: float = 600.0


@dataclass
class RetryingClient:
    """The requests of one run to one vendor; made anew for each run, so that nothing is remembered for longer."""

    vendor: str
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        """Start the run's stopwatch."""
        self._deadline = self.clock.stopwatch() + self.retry_policy.budget
        self._answered: dict[Hashable, Any] = {}

    def ask(self, send: Callable[[float], AnswerT], what: str, remember_as: Hashable | None = None) -> AnswerT:
        """The good answer (2xx) to a request; `send` is given the time-out.

        What may pass (429, 5xx, time-outs, broken connections) is tried again, what will not is raised at once. A
        request with `remember_as` is sent once in a run, however often it is asked for.
        """
        if remember_as is not None and remember_as in self._answered:
            remembered: AnswerT = self._answered[remember_as]
            return remembered
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_PassingError),
            wait=self._wait,
            stop=self._should_stop,
            sleep=self.clock.sleep,
            reraise=True,
        )
        try:
            answer: AnswerT = retrying(self._try, send, what)
        except _PassingError as error:
            raise error.as_final() from error.__cause__
        if remember_as is not None:
            self._answered[remember_as] = answer
        return answer

    def _try(self, send: Callable[[float], AnswerT], what: str) -> AnswerT:
        left = self._deadline - self.clock.stopwatch()
        if left <= 0:
            raise OutOfTimeError(f"{self.vendor} {what}: the {self.retry_policy.budget:g} s of this run are used up")
        try:
            answer = send(min(self.retry_policy.timeout, left))
        except OSError as error:  # requests and curl_cffi both derive their errors from it
            kind = type(error).__name__
            if kind in _WONT_PASS:
                raise VendorDownError(f"{self.vendor} {what}: {kind}") from error
            final = TruncatedAnswerError if kind in _CUT_OFF else VendorDownError
            raise _PassingError(final, f"{self.vendor} {what}: {_KINDS.get(kind, kind)}") from error
        self._judge(answer, what)
        return answer

    def _judge(self, answer: Answer, what: str) -> None:
        status = answer.status_code
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return
        said = f"{self.vendor} {what}: HTTP {status}"
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise _PassingError(RateLimitedError, said, _asked_wait(answer, self.clock.now()))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            raise _PassingError(VendorDownError, said, _asked_wait(answer, self.clock.now()))
        raise _FINAL_STATUS.get(status, UnexpectedStatusError)(said)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _PassingError) and error.asked_wait is not None:
            return error.asked_wait
        return tenacity.wait_exponential_jitter(
            initial=self.retry_policy.first_wait,
            max=self.retry_policy.longest_wait,
            jitter=self.retry_policy.first_wait,
        )(state)

    def _should_stop(self, state: tenacity.RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        resumes = self.clock.stopwatch() + state.upcoming_sleep
        if isinstance(error, _PassingError):
            error.tries = state.attempt_number
            if resumes >= self._deadline:
                error.too_late = state.upcoming_sleep
        return state.attempt_number >= self.retry_policy.tries or resumes >= self._deadline


class _PassingError(Exception):
    """A fault that may pass; `as_final` is what is raised once patience ends."""

    def __init__(self, final: type[SourceError], said: str, asked_wait: float | None = None) -> None:
        super().__init__(said)
        self.final = final
        self.said = said
        self.asked_wait = asked_wait
        self.tries = 1
        self.too_late: float | None = None

    def as_final(self) -> SourceError:
        how = f" after {self.tries} tries" if self.tries > 1 else ""
        if self.too_late is not None:
            how += f", and a wait of {self.too_late:.0f} s is more than this run has left"
        return self.final(f"{self.said}{how}")


_FINAL_STATUS: Mapping[int, type[SourceError]] = {
    HTTPStatus.UNAUTHORIZED: AccessRefusedError,
    HTTPStatus.FORBIDDEN: AccessRefusedError,
    HTTPStatus.NOT_FOUND: UnknownSymbolError,
}
_WONT_PASS = frozenset(
    {"SSLError", "CertificateVerifyError", "InvalidURL", "InvalidSchema", "MissingSchema", "InvalidHeader"}
)
_CUT_OFF = frozenset({"IncompleteRead", "ChunkedEncodingError", "ContentDecodingError"})
_KINDS = {
    "IncompleteRead": "the answer was cut off",
    "ChunkedEncodingError": "the answer was cut off",
    "Timeout": "timed out",
    "ReadTimeout": "timed out",
    "ConnectTimeout": "timed out",
    "ConnectionError": "no connection",
    "DNSError": "no connection (name not found)",
}
_WEB_PAGE = re.compile(r"\s*<(?:!doctype|!--|\?xml|html|head|body|script)", re.IGNORECASE)


def patience_ends(error: SourceError, failures_in_a_row: int) -> bool:
    """Whether a failure is the vendor's, not that of what was asked for: whoever asks on is a nuisance."""
    over = isinstance(error, RateLimitedError | AccessRefusedError | OutOfTimeError)
    return over or failures_in_a_row >= FAILURES_IN_A_ROW


def one_by_one(things: Iterable[K], read: Callable[[K], T]) -> tuple[list[tuple[K, T]], list[tuple[K, str]]]:
    """Read each; what was read, and what was not, with the reason.

    Where the vendor's `patience_ends`, nobody is asked for the rest.
    """
    done: list[tuple[K, T]] = []
    failed: list[tuple[K, str]] = []
    given_up = ""
    in_a_row = 0
    for thing in things:
        if given_up:
            failed.append((thing, given_up))
            continue
        try:
            done.append((thing, read(thing)))
            in_a_row = 0
        except SourceError as error:
            failed.append((thing, str(error)))
            in_a_row += isinstance(error, VendorDownError)
            if patience_ends(error, in_a_row):
                given_up = f"not asked any more in this run ({error})"
    return done, failed


def first_known(names: Iterable[str], read: Callable[[str], T]) -> T:
    """What is read under the first of these names that is known. Raises `UnknownSymbolError` where none is."""
    unknown: list[UnknownSymbolError] = []
    for name in names:
        try:
            return read(name)
        except UnknownSymbolError as error:
            unknown.append(error)
    raise UnknownSymbolError("; ".join(map(str, unknown)))


def json_of(answer: Answer, who: str) -> Json:
    """The body of a good answer as JSON, or the error that says what it is instead."""
    text = answer.text
    if _WEB_PAGE.match(text):
        raise WebPageError(f"{who}: a web page came instead of data")
    try:
        return json.loads(text)
    except ValueError as error:
        raise TruncatedAnswerError(f"{who}: the answer is cut off or no JSON ({len(text)} characters)") from error


def _asked_wait(answer: Answer, now: dt.datetime) -> float | None:
    """The seconds that a Retry-After header asks for, given as seconds or as a date."""
    asked = str(answer.headers.get("Retry-After") or "").strip()
    if not asked:
        return None
    if asked.isdigit():
        return float(asked)
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(asked) - now).total_seconds())
    except (TypeError, ValueError):
        return None
