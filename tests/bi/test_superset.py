"""What is prepared for Superset, without Superset: the bundle, the secrets, and when it is imported again."""

from __future__ import annotations

import json
import shutil
import stat
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import jinja2
import pandas as pd
import pytest
import yaml
from pydantic import SecretStr

from bi import questions
from bi.published import PublishedFile
from bi.superset import __main__ as command
from bi.superset.assets import LAST_DAY, UnknownTableError, complete_assets, read_assets, written

if TYPE_CHECKING:
    from conftest import Pipeline


DAY = date(2025, 10, 31)


@pytest.fixture
def database(sample: Pipeline, tmp_path: Path) -> Path:
    """A published file of the sample that a test may change."""
    (tmp_path / "published").mkdir()
    return Path(shutil.copyfile(sample.settings.published_database, tmp_path / "published" / "minehouse.duckdb"))


def _ask(bundle: dict[str, str], name: str) -> dict[str, Any]:
    asset: dict[str, Any] = yaml.safe_load(bundle[name])
    return asset


def test_the_bundle_knows_the_file_its_columns_and_every_mart(database: Path) -> None:
    bundle = complete_assets(database)
    registered = set(bundle) - set(read_assets())
    assert set(read_assets()) < set(bundle)
    marts = (
        PublishedFile(database).query("from duckdb_tables() select table_name where schema_name = 'marts'").to_pydict()
    )
    assert {f"datasets/minehouse/{table}.yaml" for table in marts["table_name"]} == registered
    assert all(_ask(bundle, name)["columns"] for name in registered)
    assert _ask(bundle, "databases/minehouse.yaml")["sqlalchemy_uri"] == f"duckdb:///{database}"
    dataset = _ask(bundle, "datasets/minehouse/miner_snapshot_asof.yaml")
    assert "described_by" not in dataset
    columns = {c["column_name"]: c for c in dataset["columns"]}
    assert columns["close"]["verbose_name"] == "Close (USD)"
    assert columns["close"]["description"]
    assert columns["price_date"]["is_dttm"]
    assert not columns["close"]["is_dttm"]
    assert "incomplete_inputs" in columns, "a column that no heading names"


def test_a_file_without_a_table_is_named(database: Path) -> None:
    with duckdb.connect(str(database)) as connection:
        connection.execute("drop table marts.fct_price_levels")
    with pytest.raises(UnknownTableError, match=r"cannot show \w+_asof"):
        complete_assets(database)


def _rows(database: Path, dataset: str, day: str) -> pd.DataFrame:
    sql = read_assets()[f"datasets/minehouse/{dataset}.yaml"]["sql"]
    return PublishedFile(database).query(written(sql, day)).to_pandas()


def test_totals_and_values_are_those_of_the_dashboard(sample: Pipeline) -> None:
    database = sample.settings.published_database
    deals = _rows(database, "deals_asof", f"date '{DAY}'")
    firm = deals[deals["is_firm"]]
    told = questions.deal_totals(PublishedFile(database), DAY).to_pylist()[0]
    assert (len(firm), firm["contract_value_usd"].sum(), firm["critical_it_mw"].sum()) == pytest.approx(
        (told["firm_deals"], told["contract_value_usd"], told["critical_it_mw"])
    )
    columns = ["symbol", "close", "ev_per_critical_it_mw_usd", "scenario_mw", "scenario_is_fraction", "low_upside_pct"]
    ours, theirs = (
        frame.sort_values("symbol", ignore_index=True)[columns]
        for frame in (
            _rows(database, "miner_snapshot_asof", f"date '{DAY}'"),
            questions.snapshot(PublishedFile(database), DAY).to_pandas(),
        )
    )
    pd.testing.assert_frame_equal(ours, theirs)


def test_without_a_chosen_day_it_is_the_last_session_and_a_chosen_one_is_put_in(sample: Pipeline) -> None:
    database = sample.settings.published_database
    assert set(_rows(database, "sites_asof", LAST_DAY)["as_of"]) == {"2025-11-24"}
    sql = yaml.safe_load(complete_assets(database)["datasets/minehouse/sites_asof.yaml"])["sql"]
    engine = jinja2.Environment(autoescape=False)  # noqa: S701 - SQL, as Superset renders it
    engine.filters["where_in"] = lambda values: "(" + ", ".join(f"'{value}'" for value in values) + ")"
    for chosen, seen in (([DAY.isoformat()], DAY.isoformat()), ([], "2025-11-24")):
        rendered = engine.from_string(sql).render(filter_values=lambda *_, chosen=chosen, **__: chosen)
        assert set(PublishedFile(database).query(rendered).to_pydict()["as_of"]) == {seen}


def test_sources_are_links_and_markup_in_an_address_is_none() -> None:
    with duckdb.connect() as connection:
        links = connection.execute(
            written(
                "select {{ link(page) }} from (values ($1), ($2), ($3)) as pages(page)",
                LAST_DAY,
            ),
            ["https://www.press.example/a?b=1", 'https://press.example/"><b>', "a filing"],
        ).fetchall()
    assert links == [
        ('<a href="https://www.press.example/a?b=1">press.example</a>',),
        ('<a href="https://press.example/&quot;>&lt;b>">press.example</a>',),
        ("a filing",),
    ]


def test_a_miner_leads_to_its_dashboard_on_the_same_day(sample: Pipeline) -> None:
    rows = _rows(sample.settings.published_database, "miner_snapshot_asof", f"date '{DAY}'").set_index("symbol")
    link = rows.loc["CLSK", "miner"]
    assert link.endswith(">CLSK</a>")
    assert "minehouse-miner/?native_filters=" in link
    filters = read_assets()["dashboards/miner.yaml"]["metadata"]["native_filter_configuration"]
    for name, value in (("as_of", DAY.isoformat()), ("symbol", "CLSK")):
        assert f"NATIVE_FILTER-{name}" in {rule["id"] for rule in filters}
        assert f"(col:{name},op:IN,val:!('{value}'))" in link


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
