"""Defines the errors by which a source says that it could not deliver.

Belongs here: these errors. Does not belong here: any particular source, the rows themselves (`contracts.batch`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster_project.contracts.batch import Reject


class SourceError(Exception):
    """A source could not deliver; the message says which one and why."""


class NothingToLoadError(SourceError):
    """There is nothing to load, and that is as it should be: what stands stays, and nobody is alarmed.

    `rejects` is what could not be looked at.
    """

    def __init__(self, why: str, rejects: tuple[Reject, ...] = ()) -> None:
        super().__init__(why)
        self.rejects = rejects


class SwitchedOffError(NothingToLoadError):
    """The settings do not switch this source on: the one way in which a source says so."""


class EmptyFetchError(SourceError):
    """A source answered, with nothing in it: never taken for 'no data today'."""


class RateLimitedError(SourceError):
    """A vendor wants fewer requests, and still did after every polite wait."""


class VendorDownError(SourceError):
    """A vendor could not be reached, timed out or failed (5xx), every time it was tried."""


class AccessRefusedError(SourceError):
    """A vendor does not let us in: a wrong or missing key, or a block."""


class UnknownSymbolError(SourceError):
    """A vendor does not know a symbol: renamed, delisted or misspelt."""


class UnexpectedStatusError(SourceError):
    """A vendor answered with an HTTP status that none of the other errors stands for."""


class WebPageError(SourceError):
    """A vendor sent a web page where data was expected."""


class TruncatedAnswerError(SourceError):
    """A vendor's answer is cut off, or is no JSON at all."""


class ChangedSchemaError(SourceError):
    """A vendor's answer is well-formed, but is not laid out as it used to be."""


class OutOfTimeError(SourceError):
    """The time that a run may spend on a source is used up."""
