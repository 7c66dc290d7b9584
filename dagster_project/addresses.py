"""Whether a process may have as much memory as a run needs, looked at before anything is imported.

Where `ulimit -v` or `ulimit -d` allows too little, libraries fail in ways of their own while they are imported:
OpenBLAS asks again for ever. What the machine or a container lacks shows later, and is told then (`shell.faults`).

Belongs here: these limits. Does not belong here: how much DuckDB may take (`engine`); imports of anything large.
"""

from __future__ import annotations

import os
import resource

LEAST_BYTES = 3 * 2**30
"""A process of a run of the sample takes up to 2.7 GiB of addresses, most of them with no memory behind."""


def allowed() -> int | None:
    """How many bytes of addresses this process may have; None where nothing limits them."""
    soft = [resource.getrlimit(limit)[0] for limit in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    return min((limit for limit in soft if limit != resource.RLIM_INFINITY), default=None)


def lack() -> str | None:
    """What a person is told where a process may have too few addresses, None where it may have enough."""
    found = allowed()
    if found is None or found >= LEAST_BYTES:
        return None
    return (
        f"a process may take {found // 2**20} MiB here (`ulimit -v`, `ulimit -d`), and a run needs "
        f"{LEAST_BYTES // 2**20} MiB; nothing was started, nothing has changed: allow more with "
        "`ulimit -v unlimited -d unlimited`, and start again"
    )


def spare() -> None:
    """Let libraries of numbers take no addresses for threads that nothing here uses, in this process and its children.

    OpenBLAS takes 32 MiB for each processor, once for numpy and once for scipy.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
