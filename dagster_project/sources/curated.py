"""Reads the curated facts: CSV files of the reference folder, each the full list of current rows.

Belongs here: reading one file into a batch, with the line each row came from. Does not belong here: casting and
checking values (`gate`), or what happened to a row between two loads (`warehouse.load`).

A header that does not fit the contract, an unreadable file or one without rows raises: the whole file is a snapshot,
so taking half of it would withdraw the other half. A single line with too many or too few fields is a reject.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pyarrow as pa

from dagster_project.contracts.batch import Batch, Reject
from dagster_project.sources.base import EmptyFetchError, SourceError

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
        header, lines = _lines(path)
        _check_header(path, header, columns)

        cells: dict[str, list[str | None]] = {column: [] for column in columns}
        source_rows: list[int] = []
        rejects: list[Reject] = []
        for line, fields in lines:
            if len(fields) != len(header):
                reason = f"{len(fields)} fields, the header has {len(header)}"
                rejects.append(Reject(path.name, line, reason, ",".join(fields)))
                continue
            for column, value in zip(header, fields, strict=True):
                cells[column].append(value.strip() or None)
            source_rows.append(line)
        if not source_rows:
            raise EmptyFetchError(f"{path} has no readable rows")

        table = pa.table(
            {column: pa.array(cells[column], pa.string()) for column in columns}
            | {
                "source_file": pa.array([path.name] * len(source_rows), pa.string()),
                "source_row": pa.array(source_rows, pa.int64()),
            }
        )
        return Batch(source=self.name, rows=table, rejects=tuple(rejects))


def _lines(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and every other record with the line it begins on (blank ones left out, of commas or not)."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise SourceError(f"{path} is missing") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be opened: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not UTF-8: {error}") from error

    first_line = text.partition("\n")[0]
    if ";" in first_line and "," not in first_line:
        raise SourceError(
            f"{path} has the wrong header: it is separated by semicolons; save it as CSV with commas (UTF-8)"
        )

    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records: list[tuple[int, list[str]]] = []
    begins = 1
    try:
        for fields in reader:
            if any(field.strip() for field in fields):  # a spreadsheet saves its empty rows as commas
                records.append((begins, fields))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise SourceError(f"{path} cannot be read as CSV from line {begins} on: {error}") from error
    if not records:
        raise EmptyFetchError(f"{path} is empty")
    return [name.strip() for name in records[0][1]], records[1:]


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
