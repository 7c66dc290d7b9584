"""Decodes the text files that people and their spreadsheets save.

Belongs here: byte-order marks, UTF-16, and the line by which a spreadsheet remembers what parts the cells. Does not
belong here: headers, quotes and what a cell means (the readers of each kind of file).
"""

from __future__ import annotations

import re

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)


def encoding_of(head: bytes) -> str:
    """The encoding that a file's first bytes say: UTF-16 where its mark is there ("Unicode text"), else UTF-8."""
    return "utf-16" if head.startswith(_UTF16_MARKS) else "utf-8-sig"


def decoded(content: bytes) -> str:
    """The text of a whole file without its mark; raises `UnicodeDecodeError` where it is of neither encoding."""
    return content.decode(encoding_of(content))


def separator_said(line: str) -> str | None:
    """What parts the cells below, where a line is Excel's `sep=;`; None where it is a line like any other."""
    match = _SEPARATOR_LINE.fullmatch(line)
    return match[1] if match else None
