"""Names what stops a file from being read.

Belongs here: the exception that ends one file. Does not belong here: errors that end the whole fetch (`sources.base`).
"""

from __future__ import annotations

_LONGEST = 200


class UnreadableFileError(Exception):
    """A whole file is refused; `reason` says why and what to do, `record` shows what was seen."""

    def __init__(self, reason: str, record: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.record = record


class NoPriceTableError(UnreadableFileError):
    """The file is no table of prices, or of no instrument that can be told: its header or its name does not say."""


def shortened(text: str) -> str:
    """The text, or its beginning where it is long."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
