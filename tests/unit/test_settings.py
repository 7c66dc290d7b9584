"""The environment is read in one place, and unknown names and values are refused."""

from dataclasses import asdict
from pathlib import Path

import pytest

from dagster_project.definitions import price_source
from dagster_project.settings import PROJECT_DIR, SettingsError, load_settings


def test_defaults_need_no_environment() -> None:
    settings = load_settings({})
    assert settings.price_source == "sample"
    assert settings.data_dir == PROJECT_DIR / "data"
    assert settings.published_database == PROJECT_DIR / "data" / "published" / "minehouse.duckdb"
    assert settings.reference_dir == PROJECT_DIR / "reference"


def test_data_dir_moves_all_output(tmp_path: Path) -> None:
    settings = load_settings({"MINEHOUSE_DATA_DIR": str(tmp_path)})
    for path in (settings.build_database, settings.published_database, settings.dbt_target_dir):
        assert path.is_relative_to(tmp_path)


def test_other_variables_are_none_of_our_business() -> None:
    assert load_settings({"PATH": "/bin", "MINE": "x"}) == load_settings({})


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"MINEHOUSE_PRICE_SORUCE": "sample"}, "unknown setting MINEHOUSE_PRICE_SORUCE"),
        ({"MINEHOUSE_PRICE_SOURCE": "bloomberg"}, "known are sample, files"),
        ({"MINEHOUSE_PRICE_SOURCE": "files"}, "needs MINEHOUSE_PRICE_FILES"),
        ({"MINEHOUSE_PRICE_SOURCE": "files", "MINEHOUSE_PRICE_FILES": "/no/such"}, "is not a folder"),
        ({"MINEHOUSE_RATING_SOURCE": "bloomberg"}, "known are none, yahoo"),
        ({"MINEHOUSE_ALLOW_SHRINK": "perhaps"}, "use 1 or 0"),
    ],
)
def test_unknown_names_and_values_are_refused(environment: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings(environment)


def test_files_source_with_its_folder(tmp_path: Path) -> None:
    settings = load_settings({"MINEHOUSE_PRICE_SOURCE": "files", "MINEHOUSE_PRICE_FILES": str(tmp_path)})
    assert settings.price_files == tmp_path


@pytest.mark.parametrize(
    ("environment", "vendors"),
    [
        ({"MINEHOUSE_PRICE_SOURCE": "yahoo"}, ("yahoo",)),
        ({"MINEHOUSE_PRICE_SOURCE": "yahoo, tiingo", "MINEHOUSE_TIINGO_KEY": "k3y"}, ("yahoo", "tiingo")),
        ({"MINEHOUSE_PRICE_SOURCE": "tiingo,yahoo", "MINEHOUSE_TIINGO_KEY": "k3y"}, ("tiingo", "yahoo")),
        ({}, ()),
    ],
)
def test_live_vendors_in_their_order(environment: dict[str, str], vendors: tuple[str, ...]) -> None:
    settings = load_settings(environment)
    assert settings.price_vendors == vendors
    source = price_source(settings)
    assert tuple(vendor.name for vendor in getattr(source, "vendors", ())) == vendors
    assert source.is_simulated is (not vendors)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("yahoo,bloomberg", "known are sample, files, yahoo, tiingo"),
        ("yahoo,sample", "only yahoo, tiingo can be listed, each once"),
        ("yahoo,yahoo", "only yahoo, tiingo can be listed, each once"),
        ("yahoo,", "known are sample"),
        ("tiingo", "needs MINEHOUSE_TIINGO_KEY"),
        ("yahoo,tiingo", "needs MINEHOUSE_TIINGO_KEY"),
    ],
)
def test_lists_of_sources_that_make_no_sense_are_refused(given: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings({"MINEHOUSE_PRICE_SOURCE": given})


@pytest.mark.parametrize(
    "given", ["ftp://example.org/s3cret", "s3cret", "https:///s3cret", "http://example.org:x/s3cret"]
)
def test_a_webhook_that_is_no_address_is_refused_without_being_repeated(given: str) -> None:
    with pytest.raises(SettingsError, match="MINEHOUSE_WEBHOOK_URL is not an http or https address") as caught:
        load_settings({"MINEHOUSE_WEBHOOK_URL": given})
    assert "s3cret" not in str(caught.value)


def test_no_representation_shows_the_webhook() -> None:
    settings = load_settings({"MINEHOUSE_WEBHOOK_URL": " https://example.org/s3cret "})
    assert settings.webhook_url is not None
    assert settings.webhook_url.get_secret_value() == "https://example.org/s3cret"
    assert "s3cret" not in f"{settings!r} {settings} {asdict(settings)}"
    assert load_settings({"MINEHOUSE_WEBHOOK_URL": ""}).webhook_url is None


def test_no_representation_shows_a_key() -> None:
    key = "3f9ab2d47c815e60"
    settings = load_settings({"MINEHOUSE_PRICE_SOURCE": "yahoo,tiingo", "MINEHOUSE_TIINGO_KEY": key})
    assert settings.tiingo_key is not None
    assert settings.tiingo_key.get_secret_value() == key
    source = price_source(settings)
    for seen in (repr(settings), str(settings), str(asdict(settings)), repr(source), str(source), f"{source}"):
        assert key not in seen
    with pytest.raises(SettingsError) as caught:
        load_settings({"MINEHOUSE_PRICE_SOURCE": "tiingo,x", "MINEHOUSE_TIINGO_KEY": key})
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        "mysql://me:s3cret@host/x",
        "host=db password=s3cret",
        "postgresql://me:s3cret/more@host/x",
        "postgresql://me:s3cret@more@host/x",
        "postgresql://me:s3cret#more@host/x",
        "postgresql://me:s3cret%zz@host/x",
        "postgresql://me:s3cret more@host/x",
    ],
)
def test_a_postgres_address_that_libpq_could_misread_is_refused_without_being_repeated(given: str) -> None:
    with pytest.raises(SettingsError, match="MINEHOUSE_POSTGRES_URL is not an address") as caught:
        load_settings({"MINEHOUSE_POSTGRES_URL": given})
    assert "s3cret" not in str(caught.value)


def test_no_representation_shows_the_passwords() -> None:
    given = {"MINEHOUSE_POSTGRES_URL": "postgresql://me:s3cret%40@host/x", "MINEHOUSE_SUPERSET_PASSWORD": "s3cret"}
    settings = load_settings(given)
    assert settings.postgres_url is not None
    assert settings.postgres_url.get_secret_value() == given["MINEHOUSE_POSTGRES_URL"]
    assert "s3cret" not in f"{settings!r} {settings} {asdict(settings)}"
