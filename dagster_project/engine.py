"""How every DuckDB of ours is opened: how much memory it may take, where it puts what does not fit.

dbt's profile and Python read the same two variables, `MINEHOUSE_MEMORY_LIMIT` and `MINEHOUSE_TEMP_DIR`, so that their
connections agree; DuckDB refuses a second connection to a file that does not.

Belongs here: these settings, their defaults, and the configuration made of them. Does not belong here: opening files
(`warehouse.connection`, `bi.published`), all other settings (`settings`).
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from dagster_project.addresses import LEAST_BYTES as LEAST_ADDRESSES
from dagster_project.addresses import allowed

PREFIX = "MINEHOUSE_"
PROJECT_DIR = Path(__file__).resolve().parent.parent

STORAGE_VERSION = "v1.4.0"
"""The file format every file is written in: DuckDB 1.4 and all later versions open it."""

DuckDBConfig = dict[str, str | bool | int | float | list[str]]
"""What `duckdb.connect` takes as its `config`."""

PYTHON_BYTES = 2**30
"""What a run takes beside DuckDB: Dagster, dbt and Great Expectations, each in a process (0.9 GiB measured)."""
USUAL_BYTES = 2 * 2**30
"""Enough for five million bars and more: what is larger than it is computed in parts, or partly on the disk."""
LEAST_BYTES = 256 * 2**20
"""The sample is built in less."""

_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*(K|M|G|T)(i?)B?", re.IGNORECASE)
_POWERS = {"K": 1, "M": 2, "G": 3, "T": 4}


_LONGEST = 255 - len(".20261231T235959.999999.new.restore")
"""Bytes of a file's name on every disk, less what we append."""


def _resolved(path: Path) -> Path:
    """The path as every program that gets it can read it: DuckDB wants UTF-8, and dbt takes it for an address."""
    text = str(path)
    if not text.isprintable():
        raise ValueError("holds a control character, or is not UTF-8")
    if "#" in text or "?" in text:
        raise ValueError("holds a # or a ?, where dbt would end the path")
    if any(len(part.encode()) > _LONGEST for part in path.parts):
        raise ValueError("has a part that is longer than a file's name may be")
    try:
        return path.expanduser().resolve()
    except (RuntimeError, OSError) as error:
        raise ValueError(f"leads nowhere: {error}") from None


def _size(text: str) -> str:
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError("write a size with its unit, like 2GB or 512MiB")
    number, unit, binary = found.groups()
    size = float(number) * (1024 if binary else 1000) ** _POWERS[unit.upper()]
    if size < LEAST_BYTES / 2:
        raise ValueError(f"is too little to compute with; {LEAST_BYTES // 2**20}MiB is enough for the sample")
    if size > machine_bytes():
        raise ValueError(f"is more than the {machine_bytes() // 2**20}MiB of this machine or its container")
    return f"{number}{unit.upper()}{binary and 'i'}B"


def _no_pattern(path: Path) -> Path:
    """The path, where no program takes it for a pattern of names: DuckDB would, and Dagster its own settings' place."""
    if set("*[") & set(str(path)):
        raise ValueError("holds a * or a [, which DuckDB and Dagster take for a pattern of names")
    return path


Folder = Annotated[Path, AfterValidator(_resolved)]
OutputFolder = Annotated[Folder, AfterValidator(_no_pattern)]


class Engine(BaseSettings):
    """The settings of every DuckDB; made without arguments they are those of this process's environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    data_dir: OutputFolder = Field(
        default=PROJECT_DIR / "data", validate_default=True, description="The folder that receives all output."
    )
    memory_limit: Annotated[str, AfterValidator(_size)] = Field(
        default_factory=lambda: default_memory_limit(machine_bytes()),
        description="How much memory a DuckDB may take, like 4GB; unset: 2GiB, or less where the machine has less.",
    )
    temp_dir: Folder = Field(
        default_factory=lambda given: given["data_dir"] / "build" / "tmp",
        description="The folder for what does not fit into memory; unset: in the data folder.",
    )

    def environment(self) -> dict[str, str]:
        """The variables by which dbt's profile, and every process started from here, open DuckDB in the same way."""
        return {f"{PREFIX}MEMORY_LIMIT": self.memory_limit, f"{PREFIX}TEMP_DIR": str(self.temp_dir)}


def duckdb_config() -> DuckDBConfig:
    """The configuration of every connection of this process, read once for each environment it has had.

    The folder for what does not fit into memory is made where that is possible.
    """
    return dict(_config(*(os.environ.get(f"{PREFIX}{name.upper()}") for name in Engine.model_fields)))


@functools.cache
def _config(*_: str | None) -> DuckDBConfig:
    engine = Engine()
    with contextlib.suppress(OSError):  # a reader of a disk that it may not write to has it all in memory
        engine.temp_dir.mkdir(parents=True, exist_ok=True)
    return {
        "memory_limit": engine.memory_limit,
        "temp_directory": str(engine.temp_dir),
        "storage_compatibility_version": STORAGE_VERSION,
        "autoinstall_known_extensions": "false",
    }


def default_memory_limit(machine: int) -> str:
    """Four fifths of what Python's part of a run leaves of the machine's bytes, and no more than the usual."""
    return f"{max(LEAST_BYTES, min(USUAL_BYTES, (machine - PYTHON_BYTES) * 4 // 5)) // 2**20}MiB"


def machine_bytes(groups: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> int:
    """The memory that this process can have: the machine's, that of its container or service, or of its `ulimit -v`.

    `groups` and `root` are where Linux tells of control groups, of both versions.
    """
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = _limits(groups, root)
    if (addresses := allowed()) is not None:
        # Python's part of a run takes more addresses than memory
        limits.append(max(0, addresses - LEAST_ADDRESSES + PYTHON_BYTES))
    return min(physical, *limits, physical)


def _limits(groups: Path, root: Path) -> list[int]:
    """The limits on the way from this process's group up to the root."""
    found = []
    with contextlib.suppress(OSError):
        for line in groups.read_text().splitlines():
            _, controllers, inside = line.split(":", 2)
            tree, name = root, "memory.max"
            if controllers:
                if "memory" not in controllers.split(","):
                    continue
                tree, name = root / "memory", "memory.limit_in_bytes"
            # in a container the path may be that of the host, and nothing of it be seen but the root
            group = tree / inside.lstrip("/")
            for folder in (group, *group.parents):
                if not folder.is_relative_to(tree):
                    break
                with contextlib.suppress(OSError, ValueError):  # the text `max` is no limit
                    found.append(int((folder / name).read_text()))
    return found
