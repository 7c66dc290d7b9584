"""What is prepared for Superset, without Superset: the bundle, the secrets, and when it is imported again."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from pydantic import SecretStr

from bi.superset import __main__ as command
from bi.superset.assets import UnknownTableError, complete_assets, read_assets, table_of


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A published file with just the columns that the datasets have headings for."""
    database = tmp_path / "published" / "minehouse.duckdb"
    database.parent.mkdir()
    columns: dict[str, set[str]] = {}
    for name, asset in read_assets().items():
        if name.startswith("datasets/"):
            named = {column["column_name"] for column in asset["columns"]} | {asset["main_dttm_col"], "symbol"}
            columns.setdefault(table_of(asset), set()).update(named)
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema marts")
        for table, names in columns.items():
            typed = ", ".join(f"{name} {'date' if name.endswith('_date') else 'double'}" for name in sorted(names))
            connection.execute(f"create table marts.{table} ({typed}, not_on_any_dashboard double)")
        connection.execute("comment on column marts.miner_snapshot.close is 'Last close.'")
    return database


def _ask(bundle: dict[str, str], name: str) -> dict[str, Any]:
    asset: dict[str, Any] = yaml.safe_load(bundle[name])
    return asset


def test_the_bundle_knows_the_file_and_its_columns(database: Path) -> None:
    bundle = complete_assets(database)
    registered = set(bundle) - set(read_assets())
    assert set(read_assets()) < set(bundle)
    assert "datasets/minehouse/fct_price_levels.yaml" in registered  # shown through a query alone
    assert _ask(bundle, "datasets/minehouse/fct_price_levels.yaml")["columns"]
    assert _ask(bundle, "databases/minehouse.yaml")["sqlalchemy_uri"] == f"duckdb:///{database}"
    columns = {c["column_name"]: c for c in _ask(bundle, "datasets/minehouse/miner_snapshot.yaml")["columns"]}
    assert (columns["close"]["verbose_name"], columns["close"]["description"]) == ("Close (USD)", "Last close.")
    assert columns["price_date"]["is_dttm"]
    assert not columns["close"]["is_dttm"]
    assert "not_on_any_dashboard" in columns
    levels = _ask(bundle, "datasets/minehouse/price_levels_latest.yaml")
    assert "level_price" in {column["column_name"] for column in levels["columns"]}


def test_a_file_without_a_table_is_named(database: Path) -> None:
    with duckdb.connect(str(database)) as connection:
        connection.execute("drop table marts.fct_price_levels")
    with pytest.raises(UnknownTableError, match="cannot show price_levels_latest"):
        complete_assets(database)


def test_state_is_for_this_user_and_the_key_stays(tmp_path: Path) -> None:
    home = tmp_path / "superset"
    command.make_home(home)
    key = (home / "secret_key").read_text()
    command.make_home(home)
    assert (home / "secret_key").read_text() == key
    assert len(key) > 40
    assert stat.S_IMODE((home / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_superset_sees_none_of_our_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINEHOUSE_POSTGRES_URL", "postgresql://me:s3cret@host/x")
    environment = command.environment_of(tmp_path)
    assert "s3cret" not in json.dumps(environment)
    assert environment["SUPERSET_HOME"] == str(tmp_path)


def _installed(folder: Path) -> Path:
    """An environment whose Python writes down what it was asked instead of starting Superset."""
    folder.mkdir()
    python = folder / "python"
    python.write_text(f"#!/bin/sh\ncat >> {folder / 'asked'}\necho >> {folder / 'asked'}\necho user admin, ready\n")
    python.chmod(0o755)
    return folder


def test_it_is_imported_again_only_where_something_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "ENVIRONMENT", _installed(tmp_path / "bin"))
    home = tmp_path / "superset"
    command.make_home(home)
    for password, assets in [
        (None, {"a": "1"}),
        (None, {"a": "1"}),
        (SecretStr("s3cret"), {"a": "1"}),
        (SecretStr("s3cret"), {"a": "1"}),
        (None, {"a": "1"}),
        (None, {"a": "2"}),
    ]:
        assert command.provision(password, home, assets, command.environment_of(home))
    asked = [json.loads(line) for line in (tmp_path / "bin" / "asked").read_text().splitlines()]
    assert [(given["assets"], given["is_chosen"]) for given in asked] == [
        ({"a": "1"}, False),
        (None, True),
        ({"a": "2"}, False),
    ]
    assert asked[1]["password"] == "s3cret"  # noqa: S105
    assert asked[0]["password"] != asked[2]["password"]
    assert "s3cret" not in (home / "provisioned.json").read_text() + capsys.readouterr().out


def test_a_failed_import_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bin_dir = _installed(tmp_path / "bin")
    (bin_dir / "python").write_text("#!/bin/sh\nexit 1\n")
    monkeypatch.setattr(command, "ENVIRONMENT", bin_dir)
    command.make_home(tmp_path)
    for _ in range(2):
        assert not command.provision(None, tmp_path, {}, {})


@pytest.mark.usefixtures("database")
def test_nothing_published_and_nothing_installed_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "ENVIRONMENT", tmp_path / "nowhere" / "bin")
    monkeypatch.setenv("MINEHOUSE_DATA_DIR", str(tmp_path / "empty"))
    assert command.main() == 1
    assert "run `make run` first" in capsys.readouterr().err
    monkeypatch.setenv("MINEHOUSE_DATA_DIR", str(tmp_path))
    assert command.main() == 1
    assert "make superset" in capsys.readouterr().err
