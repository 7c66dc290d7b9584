"""Reads the curated facts: CSV files of the reference folder, each the full list of current rows.

Belongs here: reading one file into a batch, with the line each row came from. Does not belong here: how spreadsheets
write dates and numbers (`sources.spreadsheet`), casting and checking values (`gate`), or what happened to a row between
two loads (`warehouse.load`).

A header that does not fit the contract, an unreadable file or one without rows raises: the whole file is a snapshot,
so taking half of it would withdraw the other half. A single line with too many or too few fields is a reject.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pyarrow as pa

from dagster_project.contracts.batch import Batch, Reject
from dagster_project.sources import spreadsheet
from dagster_project.sources.base import EmptyFetchError, SourceError
from dagster_project.sources.text import decoded, separator_said

if TYPE_CHECKING:
    from pathlib import Path

    from dagster_project.contracts.base import Contract

PREFIX = "curated__"


class CuratedFacts:
    """The folder of curated CSV files, one per contract."""

    name = "curated"

    def __init__(self, folder: Path) -> None:
        """Read from `folder`; nothing is opened before `fetch`."""
        self.folder = folder

    def path(self, contract: Contract) -> Path:
        """The file that holds the rows of that contract."""
        if not contract.table.startswith(PREFIX):
            raise ValueError(f"{contract.table} is not a curated table")
        return self.folder / f"{contract.table.removeprefix(PREFIX)}.csv"

    def fetch(self, contract: Contract) -> Batch:
        """Read every row of the contract's file as text, an empty cell as null."""
        path = self.path(contract)
        columns = contract.column_names
        separator, header, lines = _lines(path)
        _check_header(path, header, columns)

        cells: dict[str, list[str | None]] = {column: [] for column in columns}
        source_rows: list[int] = []
        rejects: list[Reject] = []
        for line, fields in lines:
            if len(fields) != len(header):
                reason = f"{len(fields)} fields, the header has {len(header)}"
                rejects.append(Reject(path.name, line, reason, separator.join(fields)))
                continue
            for column, value in zip(header, fields, strict=True):
                cells[column].append(value.strip() or None)
            source_rows.append(line)
        rewritten, reasons = spreadsheet.rewrite(cells, contract, separator)
        for at, said in reasons.items():
            record = json.dumps({column: cells[column][at] for column in columns}, ensure_ascii=False)
            rejects.append(Reject(path.name, source_rows[at], "; ".join(said), record))
        kept = [at for at in range(len(source_rows)) if at not in reasons]
        source_rows = [source_rows[at] for at in kept]
        if not source_rows:
            because = f"; row {rejects[0].source_row}: {rejects[0].reason}" if rejects else ""
            raise EmptyFetchError(f"{path} has no readable rows{because}")

        table = pa.table(
            {column: pa.array([rewritten[column][at] for at in kept], pa.string()) for column in columns}
            | {
                "source_file": pa.array([path.name] * len(source_rows), pa.string()),
                "source_row": pa.array(source_rows, pa.int64()),
            }
        )
        return Batch(source=self.name, rows=table, rejects=tuple(rejects))


def _lines(path: Path) -> tuple[str, list[str], list[tuple[int, list[str]]]]:
    """What parts the cells, the header, and every other record with the line it begins on; blank ones left out."""
    try:
        content = path.read_bytes()
        text = decoded(content)
    except FileNotFoundError as error:
        raise SourceError(f"{path} is missing") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be opened: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SourceError(f"{path} is not UTF-8 (line {line}): save it as CSV UTF-8") from error

    said, _, rest = text.partition("\n")
    begins = 1
    if separator_said(said):
        text, begins = rest, 2
    separator = spreadsheet.separator_of(text.partition("\n")[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    records: list[tuple[int, list[str]]] = []
    before = begins
    try:
        for fields in reader:
            if any(field.strip() for field in fields):  # a spreadsheet saves its empty rows as commas
                records.append((begins, fields))
            begins = reader.line_num + before
    except csv.Error as error:
        raise SourceError(f"{path} cannot be read as CSV from line {begins} on: {error}") from error
    if not records:
        raise EmptyFetchError(f"{path} is empty")
    header = [name.strip() for name in records[0][1]]
    while header and not header[-1]:
        header.pop()
    return separator, header, [(line, _without_empty_end(fields, len(header))) for line, fields in records[1:]]


def _without_empty_end(fields: list[str], columns: int) -> list[str]:
    """The fields without the empty ones that a spreadsheet saves to the right of a table."""
    return fields[:columns] if not any(field.strip() for field in fields[columns:]) else fields


def _check_header(path: Path, header: list[str], columns: tuple[str, ...]) -> None:
    """Raise unless the header has the contract's columns, each once, in any order."""
    missing = [column for column in columns if column not in header]
    unknown = [column for column in header if column not in columns]
    repeated = sorted({column for column in header if header.count(column) > 1})
    problems = [
        f"{word}: {', '.join(names)}"
        for word, names in (("missing", missing), ("unknown", unknown), ("repeated", repeated))
        if names
    ]
    if problems:
        raise SourceError(f"{path} has the wrong header ({'; '.join(problems)})")
