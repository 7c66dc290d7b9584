"""Keeps rows of a batch in a file, for a batch that may be more than memory holds.

Belongs here: that file, how it is written and how it is read. Does not belong here: which rows lie in it (the gate),
who made room for it and removes it (whoever asks for the batch).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc


@dataclass(frozen=True)
class StoredRows:
    """Rows in a file in Arrow's stream format."""

    path: Path
    num_rows: int

    @contextlib.contextmanager
    def reader(self) -> Iterator[pa.RecordBatchReader]:
        """Their batches, read one after the other and once. Raises `OSError` where the file is gone."""
        with pa.OSFile(str(self.path)) as file, pa.ipc.open_stream(file) as batches:
            yield batches


class RowStore:
    """Writes tables of one schema to one file, part by part; only what was closed can be read."""

    def __init__(self, path: Path) -> None:
        """`path` is a file that is not there yet. Whatever is written raises `OSError` where the disk is full."""
        self._path = path
        self._rows = 0
        self._closing = contextlib.ExitStack()
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None

    def append(self, rows: pa.Table) -> None:
        """Write these rows below the others."""
        if self._writer is None:
            file = self._closing.enter_context(pa.OSFile(str(self._path), "wb"))
            self._writer = self._closing.enter_context(
                pa.ipc.new_stream(file, rows.schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))
            )
        self._writer.write_table(rows)
        self._rows += rows.num_rows

    def close(self) -> StoredRows | None:
        """What was written; None where nothing was appended."""
        with self._closing:
            return StoredRows(self._path, self._rows) if self._writer else None
