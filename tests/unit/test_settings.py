"""The environment is read in one place, and unknown names and values are refused."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dagster_project.settings import PROJECT_DIR, Settings, SettingsError, dbt_environment
from dagster_project.sources.registry import price_source

Load = Callable[[Mapping[str, str]], Settings]


def test_defaults_need_no_environment(load: Load) -> None:
    settings = load({})
    assert settings.price_source == "sample"
    assert settings.data_dir == PROJECT_DIR / "data"
    assert settings.published_database == PROJECT_DIR / "data" / "published" / "minehouse.duckdb"
    assert settings.reference_dir == PROJECT_DIR / "reference"


def test_data_dir_moves_all_output(load: Load, tmp_path: Path) -> None:
    settings = load({"MINEHOUSE_DATA_DIR": str(tmp_path)})
    for path in (settings.build_database, settings.published_database, settings.dbt_target_dir):
        assert path.is_relative_to(tmp_path)


def test_other_variables_are_none_of_our_business(load: Load) -> None:
    assert load({"PATH": "/bin", "MINE": "x"}) == load({})


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"MINEHOUSE_PRICE_SORUCE": "sample"}, "unknown setting MINEHOUSE_PRICE_SORUCE"),
        ({"minehouse_price_source": "sample"}, "unknown setting minehouse_price_source"),
        ({"MINEHOUSE_MODEL_CONFIG": "x"}, "unknown setting MINEHOUSE_MODEL_CONFIG"),
        ({"MINEHOUSE_PRICE_SOURCE": "bloomberg"}, "known are sample, files"),
        ({"MINEHOUSE_PRICE_SOURCE": "files"}, "needs MINEHOUSE_PRICE_FILES"),
        ({"MINEHOUSE_PRICE_SOURCE": "files", "MINEHOUSE_PRICE_FILES": "/no/such"}, "is not a folder"),
        ({"MINEHOUSE_RATING_SOURCE": "bloomberg"}, "known are none, yahoo"),
        ({"MINEHOUSE_ALLOW_SHRINK": "perhaps"}, "use 1 or 0"),
        ({"MINEHOUSE_MEMORY_LIMIT": "lots"}, "MINEHOUSE_MEMORY_LIMIT='lots'; write a size with its unit, like 2GB"),
        ({"MINEHOUSE_MEMORY_LIMIT": "2000"}, "write a size with its unit"),
        ({"MINEHOUSE_MEMORY_LIMIT": "-1GB"}, "write a size with its unit"),
        ({"MINEHOUSE_MEMORY_LIMIT": "80%"}, "write a size with its unit"),
        ({"MINEHOUSE_MEMORY_LIMIT": "2MB"}, "too little to compute with; 256MiB is enough for the sample"),
        ({"MINEHOUSE_TEMP_DIR": "/dev/null"}, "MINEHOUSE_TEMP_DIR=/dev/null is not a folder"),
        ({"MINEHOUSE_DATA_DIR": "/dev/null"}, "MINEHOUSE_DATA_DIR=/dev/null is not a folder"),
        ({"MINEHOUSE_SEC_CONTACT": "nobody"}, "MINEHOUSE_SEC_CONTACT is not an e-mail address"),
        ({"MINEHOUSE_DAGSTER_POSTGRES_URL": "postgresql://a:b@c/d"}, "is not an address like postgresql.psycopg2"),
        ({"MINEHOUSE_MEMORY_LIMIT": "900TB"}, "is more than the .* of this machine"),
        ({"MINEHOUSE_DATA_DIR": "/srv/two\nlines"}, "holds a control character"),
        ({"MINEHOUSE_DATA_DIR": "/srv/\udcff"}, "is not UTF-8"),
        ({"MINEHOUSE_DATA_DIR": "/srv/a#b"}, "where dbt would end the path"),
        ({"MINEHOUSE_TEMP_DIR": "/srv/a?b"}, "where dbt would end the path"),
        ({"MINEHOUSE_DATA_DIR": "/srv/data [1]"}, "take for a pattern of names"),
        ({"MINEHOUSE_DATA_DIR": "/srv/data*"}, "take for a pattern of names"),
        ({"MINEHOUSE_DATA_DIR": "/srv/" + "a" * 250}, "longer than a file's name may be"),
        ({"MINEHOUSE_DATA_DIR": "~no-such-user/x"}, "leads nowhere: Could not determine home directory"),
        ({"MINEHOUSE_REFERENCE_DIR": "/no/such"}, "MINEHOUSE_REFERENCE_DIR=/no/such is not a folder"),
        ({"MINEHOUSE_PRICE_FILES": "/"}, "MINEHOUSE_PRICE_SOURCE=sample does not read it"),
        ({"MINEHOUSE_KEEP_CHECK_DAYS": "99999999"}, "less than or equal to 36500"),
        ({"MINEHOUSE_RUN_WAIT_MINUTES": "nan"}, "MINEHOUSE_RUN_WAIT_MINUTES='nan'"),
    ],
)
def test_unknown_names_and_values_are_refused(load: Load, environment: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load(environment)


def test_files_source_with_its_folder(load: Load, tmp_path: Path) -> None:
    settings = load({"MINEHOUSE_PRICE_SOURCE": "files", "MINEHOUSE_PRICE_FILES": str(tmp_path)})
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
def test_live_vendors_in_their_order(load: Load, environment: dict[str, str], vendors: tuple[str, ...]) -> None:
    settings = load(environment)
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
def test_lists_of_sources_that_make_no_sense_are_refused(load: Load, given: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load({"MINEHOUSE_PRICE_SOURCE": given})


@pytest.mark.parametrize(
    "given", ["ftp://example.org/s3cret", "s3cret", "https:///s3cret", "http://example.org:x/s3cret"]
)
def test_a_webhook_that_is_no_address_is_refused_without_being_repeated(load: Load, given: str) -> None:
    with pytest.raises(SettingsError, match="MINEHOUSE_WEBHOOK_URL is not an http or https address") as caught:
        load({"MINEHOUSE_WEBHOOK_URL": given})
    assert "s3cret" not in str(caught.value)


def test_no_representation_shows_the_webhook(load: Load) -> None:
    settings = load({"MINEHOUSE_WEBHOOK_URL": " https://example.org/s3cret "})
    assert settings.webhook_url is not None
    assert settings.webhook_url.get_secret_value() == "https://example.org/s3cret"
    assert "s3cret" not in f"{settings!r} {settings} {settings.model_dump()}"
    assert load({"MINEHOUSE_WEBHOOK_URL": ""}).webhook_url is None


def test_no_representation_shows_a_key(load: Load) -> None:
    key = "3f9ab2d47c815e60"
    settings = load({"MINEHOUSE_PRICE_SOURCE": "yahoo,tiingo", "MINEHOUSE_TIINGO_KEY": key})
    assert settings.tiingo_key is not None
    assert settings.tiingo_key.get_secret_value() == key
    source = price_source(settings)
    for seen in (repr(settings), str(settings), str(settings.model_dump()), repr(source), str(source), f"{source}"):
        assert key not in seen
    with pytest.raises(SettingsError) as caught:
        load({"MINEHOUSE_PRICE_SOURCE": "tiingo,x", "MINEHOUSE_TIINGO_KEY": key})
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
def test_a_postgres_address_that_libpq_could_misread_is_refused_without_being_repeated(load: Load, given: str) -> None:
    with pytest.raises(SettingsError, match="MINEHOUSE_POSTGRES_URL is not an address") as caught:
        load({"MINEHOUSE_POSTGRES_URL": given})
    assert "s3cret" not in str(caught.value)


def test_no_representation_shows_the_passwords(load: Load) -> None:
    given = {"MINEHOUSE_POSTGRES_URL": "postgresql://me:s3cret%40@host/x", "MINEHOUSE_SUPERSET_PASSWORD": "s3cret"}
    settings = load(given)
    assert settings.postgres_url is not None
    assert settings.postgres_url.get_secret_value() == given["MINEHOUSE_POSTGRES_URL"]
    assert "s3cret" not in f"{settings!r} {settings} {settings.model_dump()}"


def test_settings_stay_as_they_are_and_take_no_other_name(load: Load, tmp_path: Path) -> None:
    settings = load({})
    with pytest.raises(ValueError, match="frozen"):
        settings.data_dir = tmp_path  # type: ignore[misc]
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        Settings(data_folder=tmp_path)  # type: ignore[call-arg]


def test_no_error_holds_a_secret_in_what_led_to_it(load: Load) -> None:
    with pytest.raises(SettingsError) as caught:
        load({"MINEHOUSE_SEC_CONTACT": "s3cret", "MINEHOUSE_WEBHOOK_URL": "ftp://s3cret"})
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "s3cret" not in str(caught.value)


def test_dbt_opens_the_files_that_the_settings_name(load: Load, tmp_path: Path) -> None:
    settings = load({"MINEHOUSE_DATA_DIR": str(tmp_path)})
    named = dbt_environment(settings)
    profile = (PROJECT_DIR / "dbt" / "profiles.yml").read_text()
    files = re.findall(r"path: \"{{ env_var\('(\w+)'\) }}\"", profile)
    assert set(re.findall(r"env_var\('(\w+)'\)", profile)) == set(named)
    assert [named[file] for file in files] == [str(settings.build_database), str(settings.published_database)]
