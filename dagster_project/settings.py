"""Reads and validates the environment variables that start with `MINEHOUSE_`.

Belongs here: every setting that a user can change without editing code, with its default and its refusal, and the name
of every path below the data folder. Does not belong here: what is done with a setting. A secret comes from the
environment alone and is wrapped, so that no representation of the settings, and no error, shows it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from dagster_project.engine import PREFIX, PROJECT_DIR, Engine, Folder
from dagster_project.lake.session import Lake, parse_options
from dagster_project.sources.prices.files import DateOrder
from dagster_project.sources.registry import LOCAL, PRICE_SOURCES, RATING_SOURCES, VENDORS

__all__ = ["PREFIX", "PROJECT_DIR", "Settings", "SettingsError", "dbt_environment", "load_settings"]

_E_MAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+\.[A-Za-z]{2,}")


class SettingsError(ValueError):
    """An environment variable has a name or a value that Minehouse does not know."""


def _stripped(secret: SecretStr | None) -> SecretStr | None:
    text = secret.get_secret_value().strip() if secret else ""
    return SecretStr(text) if text else None


def _are_properties(text: str) -> str:
    parse_options(text)
    return text


Secret = Annotated[SecretStr | None, AfterValidator(_stripped), Field(repr=False)]


class Settings(Engine):
    """Where things are and which sources feed the warehouse.

    Each field, those of `Engine` among them, is the variable of the same name in capitals, with the prefix.
    `load_settings` is how a program reads them; a test makes them from arguments.
    """

    engine: Literal["duckdb", "spark"] = Field(
        default="duckdb", description="Which engine computes the models: duckdb, or spark (docs/engines.md)."
    )
    spark_master: str = Field(
        default="local[*]", description="Where Spark computes: local[2], spark://host:7077, yarn, k8s://..."
    )
    spark_options: Annotated[str, AfterValidator(_are_properties)] = Field(
        default="", description="Properties of Spark beside ours, like spark.executor.memory=2g, separated by spaces."
    )
    lake_dir: Folder = Field(
        default_factory=lambda given: given["data_dir"] / "lake",
        description="The folder of Parquet for Spark, which every worker sees under this path.",
    )
    price_source: str = Field(
        default="sample",
        description="Where prices come from: one name of the registry of sources, or several live vendors separated by "
        "commas, which are tried in that order.",
    )
    price_files: Folder | None = Field(default=None, description="The folder that the source `files` reads.")
    price_date_order: DateOrder | None = Field(
        default=None,
        description="Which part of a date like 05/06/2025 comes first in price files: day_first or month_first; unset: "
        "each file is asked, and refused where it does not say.",
    )
    rating_source: str = Field(default="none", description="What is fetched beside the curated ratings.")
    reference_dir: Folder = Field(
        default=PROJECT_DIR / "reference", description="The folder of the facts kept by hand."
    )
    allow_shrink: bool = Field(default=False, description="Whether a batch may replace a much larger one.")
    allow_rewrite: bool = Field(
        default=False, description="Whether a price file may change most of a symbol's history, or take rows out of it."
    )
    run_wait_minutes: float = Field(
        default=60, ge=0, le=10_000, description="How long a run waits for another one to end before it gives up."
    )
    data_docs: bool = Field(default=True, description="Whether Great Expectations' pages on each batch are written.")
    keep_check_days: int = Field(
        default=400, ge=1, le=36_500, description="How many days the results of checks are kept (a year and a month)."
    )
    keep_publications: int = Field(
        default=5, ge=1, le=1000, description="How many publications are kept, the current one among them."
    )
    parquet_alone_rows: int = Field(
        default=100_000_000,
        ge=1,
        description="A mart of more rows is published as Parquet alone; the DuckDB file has a view of it.",
    )
    keep_runs: int = Field(
        default=30, ge=1, le=100_000, description="How many ended runs Dagster keeps, with all that they logged."
    )
    tiingo_key: Secret = Field(default=None, description="The key of a Tiingo account.")
    webhook_url: Secret = Field(default=None, description="The address that is told of failures.")
    sec_contact: Secret = Field(
        default=None,
        description="The e-mail address that the SEC is told when its filings are read; without it they are not.",
    )
    postgres_url: Secret = Field(default=None, description="The PostgreSQL database that receives a copy of the marts.")
    dagster_postgres_url: Secret = Field(
        default=None,
        description="The PostgreSQL database that keeps Dagster's history (deploy/); unset: files in the data folder.",
    )
    superset_password: Annotated[SecretStr | None, Field(repr=False)] = Field(
        default=None, description="What the user `admin` of Superset logs in with."
    )

    @property
    def price_vendors(self) -> tuple[str, ...]:
        """The live vendors in order of preference; none where prices come from the sample or from files."""
        return tuple(name for name in self.price_source.split(",") if name in VENDORS)

    @property
    def lake(self) -> Lake:
        """What Spark computes on."""
        return Lake(self.lake_dir, self.spark_master, parse_options(self.spark_options))

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
    def dagster_home(self) -> Path:
        """Where Dagster keeps its configuration and the history of its runs."""
        return self.data_dir / "dagster"

    @property
    def run_lock(self) -> Path:
        """The file whose lock the one run holds that may write."""
        return self.data_dir / "run.lock"

    @property
    def runs_alive_dir(self) -> Path:
        """Where each run of Dagster's UI locks a file for as long as it lives."""
        return self.dagster_home / "alive"

    @property
    def backups_dir(self) -> Path:
        """Where `make backup` puts a backup that is given no name."""
        return self.data_dir / "backups"

    @property
    def docs_page(self) -> Path:
        """The documentation of every table, one file for a browser; `make docs` writes it."""
        return self.data_dir / "docs" / "index.html"

    @property
    def data_docs_dir(self) -> Path:
        """Where Great Expectations' pages are: what each batch was asked, and what came of it."""
        return self.data_dir / "docs" / "gate"

    @property
    def dbt_project_dir(self) -> Path:
        """The dbt project's own folder."""
        return PROJECT_DIR / "dbt"

    @property
    def dbt_target_dir(self) -> Path:
        """Where dbt keeps its manifest and its logs."""
        return self.data_dir / "build" / "dbt"

    @property
    def vendor_cache_dir(self) -> Path:
        """Where a vendor's own library may keep files."""
        return self.data_dir / "build"

    @field_validator("price_source")
    @classmethod
    def _known_price_source(cls, given: str) -> str:
        names = [name.strip() for name in given.split(",")]
        if any(name not in PRICE_SOURCES for name in names):
            raise ValueError(f"known are {', '.join(PRICE_SOURCES)}")
        if len(names) > 1 and (len(set(names)) < len(names) or not set(names) <= set(VENDORS)):
            raise ValueError(f"only {', '.join(VENDORS)} can be listed, each once")
        return ",".join(names)

    @field_validator("rating_source")
    @classmethod
    def _known_rating_source(cls, given: str) -> str:
        if given not in RATING_SOURCES:
            raise ValueError(f"known are {', '.join(RATING_SOURCES)}")
        return given

    @field_validator("sec_contact")
    @classmethod
    def _is_e_mail(cls, given: SecretStr | None) -> SecretStr | None:
        if given and not _E_MAIL.fullmatch(given.get_secret_value()):
            raise ValueError("is not an e-mail address")
        return given

    @field_validator("webhook_url")
    @classmethod
    def _is_http_address(cls, given: SecretStr | None) -> SecretStr | None:
        if given and not _is_address(given.get_secret_value(), ("http", "https")):
            raise ValueError("is not an http or https address")
        return given

    @field_validator("postgres_url")
    @classmethod
    def _is_postgres_address(cls, given: SecretStr | None) -> SecretStr | None:
        # libpq may not see a wrong one: its complaints quote what it took for a host or a port
        if given and not _is_postgres(given.get_secret_value()):
            raise ValueError(
                "is not an address like postgresql://user:password@host:5432/database "
                "(in the password, write @ / : # ? % and spaces as %40 %2F %3A %23 %3F %25 %20)"
            )
        return given

    @field_validator("dagster_postgres_url")
    @classmethod
    def _names_its_driver(cls, given: SecretStr | None) -> SecretStr | None:
        # without it SQLAlchemy takes the newer driver, whose statements Dagster's storage does not write
        text = given.get_secret_value() if given else ""
        if given and not (text.startswith("postgresql+psycopg2://") and _is_postgres(text.replace("+psycopg2", "", 1))):
            raise ValueError("is not an address like postgresql+psycopg2://user:password@host:5432/database")
        return given

    @model_validator(mode="after")
    def _sources_have_what_they_need(self) -> Self:
        for name in self.price_source.split(","):
            needs = (LOCAL[name] if name in LOCAL else VENDORS[name]).needs
            for setting, what in needs.items():
                if getattr(self, setting) is None:
                    raise ValueError(
                        f"{PREFIX}PRICE_SOURCE={self.price_source} needs {PREFIX}{setting.upper()}, {what}"
                    )
        for name, folder in (("DATA_DIR", self.data_dir), ("TEMP_DIR", self.temp_dir), ("LAKE_DIR", self.lake_dir)):
            if folder.exists() and not folder.is_dir():
                raise ValueError(f"{PREFIX}{name}={folder} is not a folder")
        if self.price_files and self.price_source != "files":
            raise ValueError(
                f"{PREFIX}PRICE_FILES is set, but {PREFIX}PRICE_SOURCE={self.price_source} does not read it: set "
                f"{PREFIX}PRICE_SOURCE=files, or unset {PREFIX}PRICE_FILES"
            )
        for name, needed in (("PRICE_FILES", self.price_files), ("REFERENCE_DIR", self.reference_dir)):
            if needed and not needed.is_dir():
                raise ValueError(f"{PREFIX}{name}={needed} is not a folder")
        return self


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises `SettingsError` for an unknown `MINEHOUSE_*` name, an unknown value, or a folder that is not there; the
    message never repeats a secret.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    if unknown := sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name not in known):
        raise SettingsError(f"unknown setting {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise SettingsError(_sentence(first)) from None


def _sentence(error: ErrorDetails) -> str:
    """What is wrong with a setting, with its value unless that is a secret."""
    said = "use 1 or 0" if error["type"] == "bool_parsing" else error["msg"].removeprefix("Value error, ")
    if not error["loc"]:
        return said
    field = str(error["loc"][0])
    name = f"{PREFIX}{field.upper()}"
    if "Secret" in str(Settings.model_fields[field].annotation):
        return f"{name} {said}"
    return f"{name}={os.environ.get(name)!r}; {said}"


def _is_address(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_postgres(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("postgresql", "postgres")
            and parts.port != 0
            and parts.netloc.count("@") < 2
            and not parts.fragment
            and not re.search(r"\s|%(?![0-9a-fA-F]{2})|%00", text)
        )
    except ValueError:
        return False


def dbt_environment(settings: Settings) -> dict[str, str]:
    """The variables that `dbt/profiles.yml` reads: the paths, named here alone, and what every DuckDB may take."""
    return {
        **settings.environment(),
        "DBT_BUILD_DATABASE": str(settings.build_database),
        "DBT_PUBLISHED_DATABASE": str(settings.published_database),
    }


def environment_for_the_ui(settings: Settings) -> dict[str, str]:
    """The environment of Dagster's UI, which runs in a folder of its own: every path in it is absolute."""
    folders = {
        f"{PREFIX}{name.upper()}": str(folder)
        for name in Settings.model_fields
        if isinstance(folder := getattr(settings, name), Path)
    }
    ours = {"DAGSTER_HOME": str(settings.dagster_home), "PYTHONPATH": str(PROJECT_DIR)}
    return {**os.environ, **dbt_environment(settings), **folders, **ours}


def export_for_dbt(settings: Settings) -> None:
    """Tell dbt and every connection, in this process and in its children, where the data is and what they may take."""
    os.environ.update(dbt_environment(settings))
