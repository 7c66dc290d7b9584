"""Ends a command whose output can no longer be written: quietly where nobody reads it, as in `make run | head -1`.

Belongs here: standard output and standard error. Does not belong here: what is written to them.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

EXIT_CODE = 128 + signal.SIGPIPE
"""What a shell says of a program that wrote to a closed pipe."""


class _EndsWithReader(io.FileIO):
    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            os._exit(EXIT_CODE)  # a kill like any other: a run is safe from it, and its children end with it
        except OSError as error:
            said = f"error: what this command prints cannot be written ({error.strerror}), so it ended: {_SAFE}\n"
            with contextlib.suppress(OSError):
                os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, said.encode())
            os._exit(1)


_SAFE = "what is published is whole; send the output elsewhere, or free some space, and start again"


def _open_what_is_closed() -> None:
    """Let output go nowhere where the shell closed it (`>&-`): the next file that is opened would receive it."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
            setattr(sys, name, os.fdopen(number, "w", closefd=False))


def end_with_reader() -> None:
    """Let this process end at once when what it writes cannot be written; forked children do the same.

    Of a closed pipe nothing is said (exit code 141), of a full disk one sentence on standard error (1).
    """
    _open_what_is_closed()
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(
            io.BufferedWriter(_EndsWithReader(stream.fileno(), "w", closefd=False)),
            encoding=stream.encoding,
            errors=stream.errors,
            line_buffering=stream is sys.stderr or stream.isatty(),
        )
        for stream in (sys.stdout, sys.stderr)
    )
