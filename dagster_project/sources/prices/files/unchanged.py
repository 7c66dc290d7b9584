"""Tells which files need not be read again.

A file is unchanged where its size and time are those that were remembered, or where its bytes are; and where nothing
else that its reading rests on is another: the code, the settings, the reference list.

Belongs here: that judgement. Does not belong here: where it is remembered (`warehouse.files_read`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import dagster_project
from dagster_project.contracts.batch import FileRead
from dagster_project.sources.prices.base import PriceRequest
from dagster_project.sources.prices.files.dates import DateOrder
from dagster_project.sources.prices.files.errors import UnreadableFileError
from dagster_project.sources.prices.files.folder import PriceFile

_SETTLED = dt.timedelta(seconds=2)
"""A file that was written so shortly before it is read may be written once more within one tick of the clock."""


class ReadBefore:
    """The files that are loaded already, as one reading of a folder sees them."""

    def __init__(self, request: PriceRequest, date_order: DateOrder | None, now: dt.datetime) -> None:
        """A request for picked symbols or days, or for the full history, wants every file read."""
        self.is_asked = not request.is_partial
        self.reader = _digest(
            _code(), str(date_order), ",".join(sorted(request.symbols)), ",".join(sorted(request.always_open))
        )
        self._known: Mapping[str, FileRead] = {} if request.is_partial or request.full_history else request.files
        self._now_ns = int(now.timestamp() * 10**9)

    def unchanged(self, file: PriceFile) -> FileRead | None:
        """What was remembered of a file that has not changed since; None where it has to be read."""
        known = self._known.get(file.label)
        if known is None or known.reader != self.reader or known.size_bytes != file.size_bytes:
            return None
        if known.modified_ns == file.modified_ns:
            return known
        try:
            is_same = hashlib.sha256(file.read()).hexdigest() == known.digest
        except (OSError, UnreadableFileError):
            return None
        if not is_same:
            return None
        # a time that may still change under the same bytes is not taken over
        return replace(known, modified_ns=file.modified_ns) if self._is_settled(file) else known

    def read(self, file: PriceFile, data: bytes, groups: tuple[str, ...], remarks: tuple[str, ...]) -> FileRead:
        """What to remember of a file that was read."""
        digest = hashlib.sha256(data).hexdigest()
        modified = file.modified_ns if self._is_settled(file) else 0
        return FileRead(file.label, file.size_bytes, modified, digest, self.reader, groups, remarks)

    def _is_settled(self, file: PriceFile) -> bool:
        return file.modified_ns < self._now_ns - _SETTLED.total_seconds() * 10**9


@cache
def _code() -> str:
    """A hash of the code that reads, judges and loads: a change of it reads every file again."""
    home = Path(dagster_project.__file__).parent
    rooms = ("contracts", "gate", "sources", "warehouse")
    return _digest(
        *(path.read_text(encoding="utf-8") for room in rooms for path in sorted((home / room).rglob("*.py")))
    )


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
