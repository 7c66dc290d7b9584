"""dbt's manifest, for rules that are asked of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def manifest(dbt_target: Path) -> dict[str, Any]:
    """The manifest of the project as it is."""
    manifest: dict[str, Any] = json.loads((dbt_target / "manifest.json").read_text())
    return manifest
