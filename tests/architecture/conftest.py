"""dbt's manifest, for rules that are asked of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dagster_project.__main__ import prepare
from dagster_project.settings import Settings


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The manifest of the project as it is."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("manifest"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINEHOUSE_DATA_DIR", str(settings.data_dir))
        patch.setenv("DAGSTER_HOME", str(settings.data_dir / "dagster"))
        prepare(settings)
    manifest: dict[str, Any] = json.loads((settings.dbt_target_dir / "manifest.json").read_text())
    return manifest
