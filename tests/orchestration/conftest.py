"""Fixtures for tests that spoil what the pipeline reads; the pipeline itself is in tests/conftest.py."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dagster_project.settings import PROJECT_DIR


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """A copy of the reference folder that a test may spoil."""
    return Path(shutil.copytree(PROJECT_DIR / "reference", tmp_path / "reference"))
