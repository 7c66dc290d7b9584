"""What every test may use.

Belongs here: paths and fixtures used by more than one folder. Does not belong here: fixtures of a single subject.
"""

from __future__ import annotations

from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
REAL_PRICES = REPO.parent / "shared" / "data" / "prices"


@pytest.fixture
def real_prices() -> Path:
    """The folder of real prices, which is not part of the project; the test is skipped where it is missing."""
    if not REAL_PRICES.is_dir():
        pytest.skip(f"needs real prices in {REAL_PRICES}")
    return REAL_PRICES
