"""What every test may use.

Belongs here: paths and fixtures used by more than one folder. Does not belong here: fixtures of a single subject.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.__main__ import prepare
from dagster_project.settings import Settings

REPO = Path(__file__).resolve().parent.parent
REAL_PRICES = REPO.parent / "shared" / "data" / "prices"


@pytest.fixture(scope="session")
def real_prices() -> Path:
    """The folder of real prices, which is not part of the project; the test is skipped where it is missing."""
    if not REAL_PRICES.is_dir():
        pytest.skip(f"needs real prices in {REAL_PRICES}")
    return REAL_PRICES


@pytest.fixture(scope="session")
def dbt_target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with dbt's manifest of the project as it is, made once for all tests."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("manifest"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINEHOUSE_DATA_DIR", str(settings.data_dir))
        patch.setenv("DAGSTER_HOME", str(settings.data_dir / "dagster"))
        prepare(settings)
    return settings.dbt_target_dir
