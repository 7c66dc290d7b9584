"""Ends a command quietly when nobody reads its output any more, as in `make run | head -1`.

Belongs here: standard output and standard error. Does not belong here: what is written to them.
"""

from __future__ import annotations

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


def end_with_reader() -> None:
    """Let this process end at once, without a word, when it writes to a closed pipe; forked children do the same."""
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(
            io.BufferedWriter(_EndsWithReader(stream.fileno(), "w", closefd=False)),
            encoding=stream.encoding,
            errors=stream.errors,
            line_buffering=stream is sys.stderr or stream.isatty(),
        )
        for stream in (sys.stdout, sys.stderr)
    )
