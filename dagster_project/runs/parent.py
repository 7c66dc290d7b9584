"""A process that `multiprocessing` started does not outlive the one that started it.

Belongs here: noticing that the parent has gone. Does not belong here: what a child does (`shell.worker`, Dagster).
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import wait

_SET_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""


def killed_with_parent() -> None:
    """Let the system kill this process when the thread that started it ends, whatever this process is busy with.

    A thread of ours that looks for the parent waits for the interpreter, which a library may hold for ever: OpenBLAS
    asks for memory that it does not get again and again. Only for a process whose parent's thread outlives its work.
    Where the system is not Linux this asks nothing.
    """
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def end_with_parent(grace_seconds: float = 3.0) -> None:
    """End this process soon after the one that started it has gone: first asked (SIGTERM), then at once.

    Of a process that `multiprocessing` did not start this asks nothing.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace_seconds)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="end with parent").start()
