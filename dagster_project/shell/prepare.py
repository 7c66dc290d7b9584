"""Makes what has to be there before the pipeline or Dagster's UI starts, and dbt's documentation.

Belongs here: folders, Dagster's home, dbt's manifest. Does not belong here: running anything of the pipeline.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from dagster_project.calls import Call, call_directly
from dagster_project.settings import PROJECT_DIR, Settings, export_for_dbt
from dagster_project.transform import dbt_calls
from dagster_project.warehouse import connection


def prepare(settings: Settings, call_dbt: Call = call_directly, *, anew: bool = False) -> Path:
    """Make the data folders, Dagster's home in it, and dbt's manifest where it is not that of the project.

    `call_dbt` says in which process dbt reads it; `anew` lets dbt read it in any case. Returns the home. Raises
    `DbtRunError` where dbt cannot.
    """
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    settings.build_database.parent.mkdir(parents=True, exist_ok=True)
    kept_in = "deploy/dagster.yaml" if settings.dagster_postgres_url else "dagster.yaml"
    shutil.copyfile(PROJECT_DIR / kept_in, home / "dagster.yaml")
    export_for_dbt(settings)
    if anew:
        shutil.rmtree(settings.dbt_target_dir, ignore_errors=True)
    _keep_manifest(settings, call_dbt)
    return Path(os.environ.setdefault("DAGSTER_HOME", str(home)))


def _keep_manifest(settings: Settings, call_dbt: Call) -> None:
    """Let dbt read the project where `manifest.json` is missing, damaged, or was made of other files.

    Their content decides and not their times: an unpacked archive or a moved folder has old ones.
    """
    manifest, stamp = settings.dbt_target_dir / "manifest.json", settings.dbt_target_dir / "manifest.made_of"
    project = _digest_of_project(settings.dbt_project_dir)
    if manifest.is_file() and stamp.is_file() and stamp.read_text(errors="replace") == f"{project} {_digest(manifest)}":
        return
    stamp.unlink(missing_ok=True)
    call_dbt(dbt_calls.write_manifest, settings.dbt_project_dir, settings.dbt_target_dir)
    stamp.write_text(f"{project} {_digest(manifest)}")


def _digest_of_project(folder: Path) -> str:
    """One digest of the place, the names and the content of what dbt reads.

    Not of what dbt called by hand writes beside it, where folders too have names that end in .yml.
    """
    places = (place for place in folder.iterdir() if place.name not in {"target", "logs"})
    found = (path for place in places for path in (place, *place.rglob("*")))
    paths = sorted(path for path in found if path.suffix in {".sql", ".yml", ".md", ".csv"} and path.is_file())
    listed = "".join(f"{path} {_digest(path)}\n" for path in paths)
    return hashlib.sha256(listed.encode(errors="surrogateescape")).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_docs(settings: Settings) -> int:
    """Write dbt's documentation as one file that needs no server and no network; returns the exit code."""
    if not settings.build_database.exists():
        print("there is no warehouse to document yet: run `make run` first", file=sys.stderr)
        return 1
    with connection.read(settings.build_database):
        pass  # where it is damaged or held dbt would try for minutes
    # not the pipeline's own target: a manifest with compiled code in it would take longer to read
    target = settings.data_dir / "build" / "docs"
    export_for_dbt(settings)
    dbt_calls.write_docs(settings.dbt_project_dir, target)
    page = settings.docs_page
    page.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(target / "static_index.html", page)
    print(f"open {page.as_uri()}")
    return 0
