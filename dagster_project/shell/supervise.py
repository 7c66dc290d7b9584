"""Runs work in a child process that can be ended at any moment, by us or with us.

A run is safe from a kill: loads are transactions and a publication is swapped in by one rename. So an end that is asked
for is a kill too, and takes no time, whatever the run is busy with.

Belongs here: signals, and the life of the child. Does not belong here: the work.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from multiprocessing import resource_tracker
from types import FrameType

from dagster_project.runs.parent import killed_with_parent
from dagster_project.shell.fast_start import leave_at_once

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a polite kill, a closed terminal."""


class Ended(BaseException):
    """A signal asked this process to end; no `except Exception` may hold that up."""

    def __init__(self, number: int) -> None:
        """`number` is the signal's."""
        super().__init__(number)
        self.exit_code = 128 + number
        self.what_stands = "nothing has changed"

    def __str__(self) -> str:
        """The signal, as a person knows it."""
        name = signal.Signals(self.args[0]).name
        return {"SIGINT": "Ctrl-C (SIGINT)", "SIGHUP": "a closed terminal (SIGHUP)"}.get(name, name)


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raise `Ended` at the first signal that asks for an end; later ones are not heard."""

    def end(number: int, _: FrameType | None) -> None:
        for other in SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        raise Ended(number)

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, end)
    yield


def in_child(
    work: Callable[[], int], meanwhile: contextlib.AbstractContextManager[None], *, own_group: bool = False
) -> int:
    """Run `work` in a forked child and return its exit code, or minus the signal that killed it.

    `meanwhile` is entered here, after the fork. The child does not outlive this process, nor an exception raised here.
    With `own_group` it leads a group of processes, and all that it started ends with it: for programs of others, whose
    processes do not look after each other.
    """
    alive, held_by_parent = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # nothing may come between the fork and its consequences
    child = os.fork()
    if child == 0:
        os.close(held_by_parent)
        if own_group:
            os.setpgid(0, 0)  # and it lives on for the moment that it takes to end the group
        else:
            killed_with_parent()
        _leave_signals_to_parent()
        threading.Thread(target=_end_with, args=(alive, own_group), daemon=True).start()
        leave_at_once(_exit_code(work))
    if own_group:
        with contextlib.suppress(OSError):  # it has done so itself, or is gone
            os.setpgid(child, child)
    kill = os.killpg if own_group else os.kill
    started = child
    try:
        os.close(alive)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        with meanwhile:
            _, status = os.waitpid(child, 0)
            child = 0
    finally:
        if child or own_group:
            with contextlib.suppress(ProcessLookupError):
                kill(started, signal.SIGKILL)
        if child:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)
        os.close(held_by_parent)
    return os.waitstatus_to_exitcode(status)


def _leave_signals_to_parent() -> None:
    """Ctrl-C reaches the whole group of processes; the parent decides what comes of it."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # children inherit that
    os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker")  # it would comment on a killed run
    resource_tracker.ensure_running()  # unblocks signals when it starts, so now and not later
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # Dagster sets a handler of its own


def _end_with(alive: int, own_group: bool) -> None:
    os.read(alive, 1)  # nobody writes: this returns when the parent has gone
    if own_group:
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def become(program: str, arguments: list[str], environment: Mapping[str, str]) -> int:
    """Run a program to its end in a process that hears signals again, and return its exit code, or minus its signal."""
    spawned = os.posix_spawn(program, [program, *arguments], environment, setsigmask=(), setsigdef=SIGNALS)
    return os.waitstatus_to_exitcode(os.waitpid(spawned, 0)[1])


def _exit_code(work: Callable[[], int]) -> int:
    try:
        return work()
    except Exception:
        sys.excepthook(*sys.exc_info())
        return 1
