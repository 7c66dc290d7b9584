"""Prints the fault matrix with results: `make faults`."""

from __future__ import annotations

from collections import Counter
from typing import Any

import matrix
import pytest

MATRIX = "--matrix"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that asks for the matrix."""
    parser.addoption(MATRIX, action="store_true", help="print the fault matrix with its results")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Each fault with what must come of it, and what did."""
    if not config.getoption(MATRIX, default=False):
        return
    outcomes: dict[str, str] = {}
    for word, outcome in (("passed", "caught"), ("failed", "MISSED"), ("error", "MISSED")):
        for report in terminalreporter.stats.get(word, ()):
            if "[" in report.nodeid:
                outcomes[report.nodeid.partition("[")[2].rstrip("]")] = outcome
    faults = matrix.faults()
    for fault in faults:
        if fault.is_tried_elsewhere and outcomes.get(fault.name) == "caught":
            outcomes[fault.name] = "has test"  # which the whole suite runs
    terminalreporter.write_line(matrix.written(faults, outcomes))
    counted = Counter((fault.kind, outcomes.get(fault.name, "not tried")) for fault in faults)
    terminalreporter.write_line("")
    for (kind, outcome), count in sorted(counted.items()):
        terminalreporter.write_line(f"{kind:9} {outcome:9} {count:4}")
    missed = sum(count for (_, outcome), count in counted.items() if outcome in ("MISSED", "not tried"))
    terminalreporter.write_line(f"{len(faults)} faults, {missed} missed or not tried")
