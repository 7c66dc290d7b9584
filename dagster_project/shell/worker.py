"""Runs functions in a child process, for libraries that take seconds to import.

dbt and Great Expectations each take as long to import as to do their work here. A run at the shell imports them in
children, beside its own imports and each other's, and asks them when the time comes.

Belongs here: the child and how it is asked. Does not belong here: what it is asked for.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

from dagster_project.calls import Call
from dagster_project.progress import LOGGER, send_to
from dagster_project.runs.parent import end_with_parent, killed_with_parent
from dagster_project.shell.fast_start import leave_as_killed, leave_when_done

_LISTEN_SECONDS = 1.0
"""Between two looks at what the child has said."""

P = ParamSpec("P")
T = TypeVar("T")


def run_first(first: Callable[[], object], call: Call) -> Call:
    """The same `call`, `first` being done before each."""

    def run(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        first()
        return call(function, *args, **kwargs)

    return run


def give_back_memory() -> None:
    """Hand what was freed back to the system, which Arrow and the C library would keep for the next batch."""
    if arrow := sys.modules.get("pyarrow"):
        arrow.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):  # a C library without it
        ctypes.CDLL(None).malloc_trim(0)


def _start(said: Path) -> None:
    killed_with_parent()
    leave_when_done()
    end_with_parent(grace_seconds=0)
    # a file, and no pipe: whoever is killed while he writes to it stops nobody who reads
    send_to(logging.FileHandler(said, encoding="utf-8"))


class Child:
    """A `Call` to a child process."""

    def __init__(self, pool: ProcessPoolExecutor, said: Path) -> None:
        """`pool` is of one process, which writes to the file `said` how far it is."""
        self._pool = pool
        self._said = said
        self._repeated = 0

    def start(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Let it run `function` without waiting for it; what it is asked afterwards comes after that."""
        return self._pool.submit(function, *args, **kwargs)

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` there and wait for what it returns.

        Where the child was killed this process ends at once, after one sentence: Dagster would take any exception for
        the failure of one step, go on with the others and publish what little they make.
        """
        try:
            asked = self.start(function, *args, **kwargs)
            while not wait((asked,), _LISTEN_SECONDS).done:
                self._repeat()
            self._repeat()
            result = asked.result()
            self.start(give_back_memory)
        except BrokenProcessPool:
            leave_as_killed(
                f"error: the child process that was to run {function.__name__} was killed (by hand, or for want of "
                "memory); nothing of this run was published; `make run` does its work again"
            )
        return result

    def _repeat(self) -> None:
        """Say here what was said there."""
        if self._said.exists():
            with self._said.open(encoding="utf-8") as lines:
                lines.seek(self._repeated)
                for line in iter(lines.readline, ""):
                    if line.endswith("\n"):
                        LOGGER.info(line.rstrip("\n"))
                        self._repeated = lines.tell()


@contextlib.contextmanager
def child(folder: Path | None = None) -> Iterator[Child]:
    """A child process, started when it is first asked for something; it ends with the context, and with that thread.

    Functions, arguments and results travel by pickle. What is started and fails stops nothing: whoever calls next meets
    what it met. What it says of its progress passes through a file in `folder`, by default the system's for such files.
    """
    # a fresh interpreter: a fork would copy locks that threads of this process hold
    with tempfile.TemporaryDirectory(prefix="progress-", dir=folder) as place:
        said = Path(place) / "said"
        with ProcessPoolExecutor(1, get_context("spawn"), initializer=_start, initargs=(said,)) as pool:
            yield Child(pool, said)
