"""The only reader of the environment.

Belongs here: every knob a user can turn without editing code, with its default and its refusal. Does not belong
here: what is done with a setting. A secret comes from the environment alone and is wrapped, so that no representation
of the settings, and no error, shows it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

PREFIX = "MINEHOUSE_"
PROJECT_DIR = Path(__file__).resolve().parent.parent
PRICE_SOURCES = ("sample", "files", "yahoo", "tiingo")
LIVE_VENDORS = ("yahoo", "tiingo")
"""The price sources that ask the network; several of them, separated by commas, are tried in that order."""
RATING_SOURCES = ("none", "yahoo")
_E_MAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+\.[A-Za-z]{2,}")
_TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}


class SettingsError(ValueError):
    """An environment variable has a name or a value that Minehouse does not know."""


@dataclass(frozen=True)
class Settings:
    """Where things are and which sources feed the warehouse.

    `data_dir` receives all output. `price_source` is one of `PRICE_SOURCES`, or several of `LIVE_VENDORS` separated
    by commas; `price_files` is the folder that the `files` source reads, `tiingo_key` what the `tiingo` source needs.
    `rating_source` is one of `RATING_SOURCES`: what is fetched beside the curated ratings.
    `allow_shrink` lets a batch replace a much larger one. `webhook_url` is told of failures.
    `sec_contact` is the e-mail address that the SEC is told when its filings are read; without one they are not.
    `postgres_url` is the PostgreSQL database that receives a copy of the marts, `superset_password` what the user
    `admin` of Superset logs in with.
    """

    data_dir: Path = PROJECT_DIR / "data"
    price_source: str = "sample"
    price_files: Path | None = None
    rating_source: str = "none"
    reference_dir: Path = PROJECT_DIR / "reference"
    allow_shrink: bool = False
    tiingo_key: SecretStr | None = field(default=None, repr=False)
    webhook_url: SecretStr | None = field(default=None, repr=False)
    sec_contact: SecretStr | None = field(default=None, repr=False)
    postgres_url: SecretStr | None = field(default=None, repr=False)
    superset_password: SecretStr | None = field(default=None, repr=False)

    @property
    def price_vendors(self) -> tuple[str, ...]:
        """The live vendors in order of preference; none where prices come from the sample or from files."""
        return tuple(name for name in self.price_source.split(",") if name in LIVE_VENDORS)

    @property
    def build_database(self) -> Path:
        """The file that the pipeline writes and no reader opens."""
        return self.data_dir / "build" / "warehouse.duckdb"

    @property
    def published_dir(self) -> Path:
        """The folder that readers open: `minehouse.duckdb` and `parquet/`."""
        return self.data_dir / "published"

    @property
    def published_database(self) -> Path:
        """The DuckDB file that SQL users and BI tools open, read-only."""
        return self.published_dir / "minehouse.duckdb"

    @property
    def docs_page(self) -> Path:
        """The documentation of every table, one file for a browser; `make docs` writes it."""
        return self.data_dir / "docs" / "index.html"

    @property
    def dbt_project_dir(self) -> Path:
        """The dbt project's own folder."""
        return PROJECT_DIR / "dbt"

    @property
    def dbt_target_dir(self) -> Path:
        """Where dbt keeps its manifest and its logs."""
        return self.data_dir / "build" / "dbt"


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment (or from the mapping given).

    Raises `SettingsError` for an unknown `MINEHOUSE_*` name, an unknown value, or a folder that is not there.
    """
    given = {
        name: value
        for name, value in (os.environ if environment is None else environment).items()
        if name.startswith(PREFIX)
    }
    known = {
        f"{PREFIX}{name}"
        for name in (
            "DATA_DIR",
            "PRICE_SOURCE",
            "PRICE_FILES",
            "RATING_SOURCE",
            "REFERENCE_DIR",
            "ALLOW_SHRINK",
            "TIINGO_KEY",
            "WEBHOOK_URL",
            "SEC_CONTACT",
            "POSTGRES_URL",
            "SUPERSET_PASSWORD",
        )
    }
    if unknown := sorted(set(given) - known):
        raise SettingsError(f"unknown setting {', '.join(unknown)}; known are {', '.join(sorted(known))}")

    def folder(name: str, default: Path) -> Path:
        return Path(given.get(f"{PREFIX}{name}") or default).expanduser().resolve()

    price_source = _price_source(given.get(f"{PREFIX}PRICE_SOURCE") or "sample")
    tiingo_key = (given.get(f"{PREFIX}TIINGO_KEY") or "").strip()
    if "tiingo" in price_source.split(",") and not tiingo_key:
        raise SettingsError(f"{PREFIX}PRICE_SOURCE={price_source} needs {PREFIX}TIINGO_KEY, a Tiingo account's key")
    price_files = (
        Path(given[f"{PREFIX}PRICE_FILES"]).expanduser().resolve() if given.get(f"{PREFIX}PRICE_FILES") else None
    )
    if price_source == "files":
        if price_files is None:
            raise SettingsError(
                f"{PREFIX}PRICE_SOURCE=files needs {PREFIX}PRICE_FILES, the folder with the price files"
            )
        if not price_files.is_dir():
            raise SettingsError(f"{PREFIX}PRICE_FILES={price_files} is not a folder")
    rating_source = given.get(f"{PREFIX}RATING_SOURCE") or "none"
    if rating_source not in RATING_SOURCES:
        raise SettingsError(f"{PREFIX}RATING_SOURCE={rating_source!r}; known are {', '.join(RATING_SOURCES)}")
    allow_shrink = given.get(f"{PREFIX}ALLOW_SHRINK", "").lower()
    if allow_shrink not in _TRUTHS:
        raise SettingsError(f"{PREFIX}ALLOW_SHRINK={allow_shrink!r}; use 1 or 0")
    sec_contact = (given.get(f"{PREFIX}SEC_CONTACT") or "").strip()
    if sec_contact and not _E_MAIL.fullmatch(sec_contact):
        raise SettingsError(f"{PREFIX}SEC_CONTACT is not an e-mail address")
    superset_password = given.get(f"{PREFIX}SUPERSET_PASSWORD")
    return Settings(
        data_dir=folder("DATA_DIR", Settings.data_dir),
        price_source=price_source,
        price_files=price_files,
        rating_source=rating_source,
        reference_dir=folder("REFERENCE_DIR", Settings.reference_dir),
        allow_shrink=_TRUTHS[allow_shrink],
        tiingo_key=SecretStr(tiingo_key) if tiingo_key else None,
        webhook_url=_webhook_url(given.get(f"{PREFIX}WEBHOOK_URL") or ""),
        sec_contact=SecretStr(sec_contact) if sec_contact else None,
        postgres_url=_postgres_url(given.get(f"{PREFIX}POSTGRES_URL") or ""),
        superset_password=SecretStr(superset_password) if superset_password else None,
    )


def _webhook_url(given: str) -> SecretStr | None:
    url = given.strip()
    if not url:
        return None
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        # whoever knows the address can post to it, so the error does not repeat it
        raise SettingsError(f"{PREFIX}WEBHOOK_URL is not an http or https address")
    return SecretStr(url)


def _postgres_url(given: str) -> SecretStr | None:
    url = given.strip()
    if not url:
        return None
    try:
        parts = urlsplit(url)
        is_usable = (
            parts.scheme in ("postgresql", "postgres")
            and parts.port != 0
            and parts.netloc.count("@") < 2
            and not parts.fragment
            and not re.search(r"\s|%(?![0-9a-fA-F]{2})|%00", url)
        )
    except ValueError:
        is_usable = False
    if not is_usable:
        # neither is it repeated, nor may libpq see it: its complaints quote what it took for a host or a port
        raise SettingsError(
            f"{PREFIX}POSTGRES_URL is not an address like postgresql://user:password@host:5432/database "
            "(in the password, write @ / : # ? % and spaces as %40 %2F %3A %23 %3F %25 %20)"
        )
    return SecretStr(url)


def _price_source(given: str) -> str:
    names = [name.strip() for name in given.split(",")]
    if any(name not in PRICE_SOURCES for name in names):
        raise SettingsError(f"{PREFIX}PRICE_SOURCE={given!r}; known are {', '.join(PRICE_SOURCES)}")
    if len(names) > 1 and (len(set(names)) < len(names) or not set(names) <= set(LIVE_VENDORS)):
        raise SettingsError(f"{PREFIX}PRICE_SOURCE={given!r}; only {', '.join(LIVE_VENDORS)} can be listed, each once")
    return ",".join(names)


def export_for_children(settings: Settings) -> None:
    """Tell child processes (dbt reads it in profiles.yml) where this process keeps its data."""
    os.environ[f"{PREFIX}DATA_DIR"] = str(settings.data_dir)
