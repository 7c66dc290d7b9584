"""Writes one line per step to the console, in place of Dagster's full log.

Belongs here: what a person at a shell sees of a run. Does not belong here: the log itself, which the Dagster UI keeps.
"""

import logging
import time
from typing import TextIO

import dagster as dg


class _StepLines(logging.Handler):
    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._started: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line where a step ends or sums up what it did, how far it is, and every warning or error of ours."""
        meta = getattr(record, "dagster_meta", {})
        event: dg.DagsterEvent | None = meta.get("dagster_event")
        step = meta.get("step_key") or ""
        if event is None:
            if record.levelno == logging.INFO and meta.get("orig_message"):
                self._write(f"  ..  {meta['orig_message']}")
            if record.levelno >= logging.WARNING:
                message = meta.get("orig_message") or record.getMessage()
                self._write(f"  {record.levelname.lower()}: {message}")
            return
        if event.is_step_start:
            self._started[step] = time.monotonic()
        elif event.is_step_materialization:
            summary = event.step_materialization_data.materialization.metadata.get("summary")
            if summary is not None:
                self._write(f"  {event.asset_key.path[-1] if event.asset_key else step}: {summary.value}")
        elif event.is_step_success or event.is_step_failure:
            seconds = time.monotonic() - self._started.get(step, time.monotonic())
            self._write(f"  {'ok ' if event.is_step_success else 'FAILED'} {step} ({seconds:.1f} s)")

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


def progress_logger(stream: TextIO) -> dg.LoggerDefinition:
    """A Dagster logger that writes one line per step to `stream`."""

    def progress(_: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("minehouse.progress", level=logging.DEBUG)
        logger.addHandler(_StepLines(stream))
        return logger

    return dg.LoggerDefinition(progress, description="One line per step")
