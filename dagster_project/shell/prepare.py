"""Makes what has to be there before the pipeline or Dagster's UI starts, and dbt's documentation.

Belongs here: folders, Dagster's home, dbt's manifest. Does not belong here: running anything of the pipeline.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from dagster_project.calls import Call, call_directly
from dagster_project.settings import PROJECT_DIR, Settings, export_for_dbt
from dagster_project.transform import dbt_calls


def prepare(settings: Settings, call_dbt: Call = call_directly) -> Path:
    """Make the data folders, Dagster's home in it, and dbt's manifest where it is older than the project.

    `call_dbt` says in which process dbt reads it. Returns the home. Raises `DbtRunError` where dbt cannot.
    """
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    settings.build_database.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROJECT_DIR / "dagster.yaml", home / "dagster.yaml")
    export_for_dbt(settings)
    manifest = settings.dbt_target_dir / "manifest.json"
    sources = [path for path in settings.dbt_project_dir.rglob("*") if path.suffix in {".sql", ".yml", ".md"}]
    if not manifest.exists() or manifest.stat().st_mtime <= max(path.stat().st_mtime for path in sources):
        call_dbt(dbt_calls.write_manifest, settings.dbt_project_dir, settings.dbt_target_dir)
    return Path(os.environ.setdefault("DAGSTER_HOME", str(home)))


def write_docs(settings: Settings) -> int:
    """Write dbt's documentation as one file that needs no server and no network; returns the exit code."""
    if not settings.build_database.exists():
        print("there is no warehouse to document yet: run `make run` first", file=sys.stderr)
        return 1
    # not the pipeline's own target: a manifest with compiled code in it would take longer to read
    target = settings.data_dir / "build" / "docs"
    export_for_dbt(settings)
    dbt_calls.write_docs(settings.dbt_project_dir, target)
    page = settings.docs_page
    page.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(target / "static_index.html", page)
    print(f"open {page.as_uri()}")
    return 0
