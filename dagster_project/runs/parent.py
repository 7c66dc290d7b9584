"""A process that `multiprocessing` started does not outlive the one that started it.

Belongs here: noticing that the parent has gone. Does not belong here: what a child does (`shell.worker`, Dagster).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import wait


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
