"""The one lock of a data folder: whoever holds it may write, all others wait or give up.

The lock is the operating system's (`flock` on `<data folder>/run.lock`), so it ends with the processes that hold it,
however they end. The text in the file only says who holds it.

A network file system counts too: NFS hands `flock` to its server, unless it is mounted with `nolock` or `local_lock`.
Where two machines do not see each other's locks, the text gives that away: a holder renews it every few seconds, and
whoever gets the lock beside another machine's text looks whether it is still being renewed.

Belongs here: taking and giving back the lock. Does not belong here: Dagster's view of a run (`dead`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

Say = Callable[[str], object]
"""Takes one line for whoever watches the run."""

BEAT_SECONDS = 5.0
"""How often a holder renews its text."""


class NotOurTurnError(RuntimeError):
    """Another run did not end within the time we were ready to wait, or this disk keeps no locks."""


@dataclass(frozen=True)
class Holder:
    """Who holds the lock: what runs, in which process of which machine, since when (UTC, ISO 8601)."""

    what: str
    pid: int
    host: str
    since: str
    beat: int = 0

    def __str__(self) -> str:
        """As a person is told."""
        since = dt.datetime.fromisoformat(self.since)
        return f"{self.what} (process {self.pid} on {self.host}, since {since:%Y-%m-%d %H:%M:%S} UTC)"


class RunLock:
    """The lock while it is held."""

    def __init__(self, descriptor: int, holder: Holder) -> None:
        """`descriptor` is of the locked file; processes forked from this one hold the lock with it."""
        self._descriptor = descriptor
        self._holder = holder

    @contextlib.contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew the text every few seconds, from a thread: call it after a fork, not before."""
        done = threading.Event()

        def beat() -> None:
            count = 0
            while not done.wait(BEAT_SECONDS):
                count += 1
                with contextlib.suppress(OSError):  # a full disk must not end the run from here
                    _write(self._descriptor, Holder(**asdict(self._holder) | {"beat": count}))

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


@contextlib.contextmanager
def held(path: Path, what: str, *, wait_seconds: float, say: Say) -> Iterator[RunLock]:
    """Hold the lock of the file `path`, made where it is missing; `what` tells others who we are.

    Says in one line whom it waits for, and in one line that a run before was cut off. Raises `NotOurTurnError` after
    `wait_seconds`, and `OSError` where the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # never deleted or replaced: two runs would then lock two files
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _wait(descriptor, path, wait_seconds, say)
        if left := _read(descriptor):
            _refuse_if_alive(left, descriptor, path)
            say(f"{left} was cut off before its end; the next run does its work again")
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None).isoformat(timespec="seconds")
        holder = Holder(what, os.getpid(), socket.gethostname(), now)
        _write(descriptor, holder)
        try:
            yield RunLock(descriptor, holder)
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock at this moment."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _lock(descriptor, path)
    finally:
        os.close(descriptor)


def _wait(descriptor: int, path: Path, wait_seconds: float, say: Say) -> None:
    deadline = time.monotonic() + wait_seconds
    told, looked_before = False, False
    while not _lock(descriptor, path):
        named = _read(descriptor)
        holder = named or "another run"
        if time.monotonic() >= deadline:
            raise NotOurTurnError(f"{holder} is still writing {path.parent}: nothing was started, nothing has changed")
        if not told and (named or looked_before):
            say(f"waiting for {holder}, at most {wait_seconds / 60:g} minutes; it writes {path.parent}")
            told = True
        looked_before = True  # who has only just locked the file writes its name a moment later
        time.sleep(min(0.5, max(0.0, deadline - time.monotonic())))


def _lock(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise NotOurTurnError(
            f"the disk of {path.parent} keeps no locks ({error.strerror}), so two runs could write at once: "
            f"choose another folder with MINEHOUSE_DATA_DIR"
        ) from error
    return True


def _refuse_if_alive(left: Holder, descriptor: int, path: Path) -> None:
    """We have the lock and another machine's text stands: is it still renewed? Looks, for clocks may differ."""
    if left.host == socket.gethostname():
        return
    deadline = time.monotonic() + 3 * BEAT_SECONDS
    while time.monotonic() < deadline:
        time.sleep(BEAT_SECONDS / 5)
        with path.open(encoding="utf-8"):  # a fresh opening makes a network file system ask its server
            now = _read(descriptor)
        if now != left:
            raise NotOurTurnError(
                f"{now or left} writes {path.parent}, and its disk does not show one machine's locks to the other: "
                f"start runs on one machine alone, or mount it with locks"
            )


def _read(descriptor: int) -> Holder | None:
    """The text, None where there is none or half of one."""
    try:
        return Holder(**json.loads(os.pread(descriptor, 4096, 0)))
    except (ValueError, TypeError):
        return None


def _write(descriptor: int, holder: Holder) -> None:
    text = json.dumps(asdict(holder)).encode()
    os.pwrite(descriptor, text, 0)
    os.ftruncate(descriptor, len(text))
