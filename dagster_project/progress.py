"""Lets whoever does a long piece of work say how far it is, to whoever waits for it.

The work says it to a logger of Python's; `heard` hands it on while a step runs. What is done in a child process is
repeated in the parent (`shell.worker`).

Belongs here: the logger, how often something is said, and who hears it. Does not belong here: what is said, and how it
is shown (`shell.progress`, Dagster's log).
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
Say = Callable[[str], None]

LOGGER = logging.getLogger("dagster_project.progress")
"""Whoever works says to it how far the work is, at level INFO and one line at a time."""
SECONDS = 5.0
"""Between two lines of one piece of work: what is done sooner says nothing."""


class Pace:
    """Says how far one piece of work is, at most every `SECONDS`."""

    def __init__(self, seconds: float = SECONDS) -> None:
        """The clock starts now."""
        self._seconds = seconds
        self._said_at = time.monotonic()

    def say(self, line: str) -> None:
        """Say it if something was last said long enough ago."""
        if time.monotonic() - self._said_at >= self._seconds:
            LOGGER.info(line)
            self._said_at = time.monotonic()


def counted(things: Sequence[T], done: str, seconds: float = SECONDS) -> Iterator[T]:
    """The things one by one, saying how many of all are done; `done` says what and how, like "files read"."""
    pace = Pace(seconds)
    for number, thing in enumerate(things, start=1):
        yield thing
        pace.say(f"{number:,} of {len(things):,} {done}")


class _Ears(logging.Handler):
    def __init__(self, say: Say) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(record.getMessage())


def send_to(handler: logging.Handler) -> None:
    """Let a handler have every line from now on, and no other log of this process."""
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False  # libraries send the root's log to the console
    LOGGER.addHandler(handler)


@contextlib.contextmanager
def heard(say: Say) -> Iterator[None]:
    """Hand every line that is said meanwhile, in this process and those that it waits for, to `say`."""
    ears = _Ears(say)
    send_to(ears)
    try:
        yield
    finally:
        LOGGER.removeHandler(ears)
