"""Defines a call that may run in another process, and the one that stays in this process.

Belongs here: the type of such a call, and the call in this process. Does not belong here: other processes
(`shell.worker`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Call(Protocol):
    """Runs a function somewhere and returns what it returns, or raises what it raises."""

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` on the arguments."""
        ...


def call_directly(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run it in this process."""
    return function(*args, **kwargs)
