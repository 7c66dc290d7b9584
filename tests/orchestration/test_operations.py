"""Operating from the Dagster UI: partial refreshes, the landing folder, freshness, messages, what a run shows."""

import datetime as dt
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from dagster_project.assets.ingest import ingest_assets
from dagster_project.assets.ingest.raw_table import LoadPolicy
from dagster_project.assets.ingest.selection import PriceSelection, SelectionError
from dagster_project.automation.landing import landing_sensor
from dagster_project.automation.notify import post, webhook_sensors
from dagster_project.definitions import build_defs
from dagster_project.settings import PROJECT_DIR, Settings
from dagster_project.sources.curated import CuratedFacts
from dagster_project.sources.prices.files import FilePrices
from dagster_project.sources.prices.files.folder import folder_state
from dagster_project.sources.prices.sample import SamplePrices
from dagster_project.warehouse.resource import Warehouse

PRICES = "raw__market__daily_prices"
TODAY = dt.date(2025, 11, 21)
KNOWN = frozenset({"CLSK", "IREN"})
SECRET = "s3cret-path"  # noqa: S105


# Partial refresh


def test_nothing_picked_is_everything() -> None:
    assert PriceSelection().picked_symbols(KNOWN) == KNOWN
    assert PriceSelection().days(TODAY) == (None, None)


def test_symbols_and_days_are_picked() -> None:
    picked = PriceSelection(symbols=[" clsk "], start="2025-01-01", end="2025-12-31")
    assert picked.picked_symbols(KNOWN) == {"CLSK"}
    assert picked.days(TODAY) == (dt.date(2025, 1, 1), dt.date(2025, 12, 31))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"symbols": ["CLSK", "XXXX"]}, "'XXXX' not on the reference list; known are CLSK, IREN"),
        ({"start": "2025-02-01", "end": "2025-01-31"}, "2025-02-01 lies after end: 2025-01-31"),
        ({"start": "31.1.2025"}, "start: '31.1.2025' is not an ISO date"),
        ({"end": "2025-02-30"}, "end: '2025-02-30' is not an ISO date"),
        ({"start": "2025-11-22"}, "start: 2025-11-22 lies in the future"),
        ({"start": "2025-01-01", "full_history": True}, "a whole history has no start and no end"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], said: str) -> None:
    selection = PriceSelection(**given)
    with pytest.raises(SelectionError, match=said.replace(".", r"\.")):
        selection.picked_symbols(KNOWN)
        selection.days(TODAY)


@dataclass
class House:
    """The raw tables of one warehouse, loaded by the real assets."""

    warehouse: Warehouse
    instance: dg.DagsterInstance

    def refresh(self, source: Any, **config: Any) -> dg.ExecuteInProcessResult:
        """Load the reference list and the prices."""
        wanted = {"curated__companies", "curated__peers", "market__daily_prices"}
        return dg.materialize(
            [asset for asset in ingest_assets() if asset.key.path[-1] in wanted],
            instance=self.instance,
            resources={
                "warehouse": self.warehouse,
                "price_source": source,
                "curated_facts": CuratedFacts(PROJECT_DIR / "reference"),
                "load_policy": LoadPolicy(allow_rewrite=True),  # these tests change whole histories
            },
            run_config={"ops": {PRICES: {"config": config}}} if config else None,
            raise_on_error=False,
        )

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the build file."""
        with self.warehouse.read() as connection:
            return connection.execute(sql).fetchall()

    def touched(self, run: dg.ExecuteInProcessResult) -> list[tuple[Any, ...]]:
        """Which symbols and days a run wrote."""
        return self.ask(
            "select symbol, min(trade_date)::varchar, max(trade_date)::varchar, count(*) "
            f"from raw.market__daily_prices where run_id = '{run.run_id}' group by all order by all"
        )


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield House(Warehouse(tmp_path / "build" / "warehouse.duckdb", tmp_path / "published"), instance)


def _write(folder: Path, symbol: str, closes: dict[str, float]) -> None:
    folder.mkdir(exist_ok=True)
    rows = [f"{day},{close}" for day, close in closes.items()]
    (folder / f"{symbol}.csv").write_text("\n".join(["Date,Close", *rows]) + "\n")


def _refusal(run: dg.ExecuteInProcessResult) -> str:
    checks = {
        check.check_name: check for check in run.get_asset_check_evaluations() if check.asset_key.path[0] == "raw"
    }
    return "" if checks["batch_is_accepted"].passed else str(checks["batch_is_accepted"].metadata["refusal"].value)


def test_one_symbol_or_some_days_are_refreshed_and_nothing_else(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "prices"
    days = [f"2025-09-{day:02}" for day in range(1, 31)]
    for symbol in ("CLSK", "IREN"):
        _write(folder, symbol, dict.fromkeys(days, 10.0))
    source = FilePrices(folder)
    assert house.refresh(source).success
    for symbol in ("CLSK", "IREN"):
        _write(folder, symbol, dict.fromkeys(days, 11.0))
    (folder / "MARA.csv").write_text("spoilt\n")

    of_one = house.refresh(source, symbols=["CLSK"])
    assert (of_one.success, _refusal(of_one)) == (True, "")
    assert house.touched(of_one) == [("CLSK", days[0], days[-1], 30)]
    of_days = house.refresh(source, symbols=["IREN"], start="2025-09-10", end="2025-09-11")
    assert _refusal(of_days) == "", "two of thirty days are no shrunk batch"
    assert house.touched(of_days) == [("IREN", "2025-09-10", "2025-09-11", 2)]
    standing = (
        "select symbol, close, count(*) from raw.market__daily_prices where valid_to is null group by all order by all"
    )
    assert house.ask(standing) == [("CLSK", 11.0, 30), ("IREN", 10.0, 28), ("IREN", 11.0, 2)]
    assert house.ask("select count(*) from quarantine.market__daily_prices") == [(0,)], "nobody asked for MARA"


def test_a_year_of_the_sample_comes_in_one_action(house: House) -> None:
    run = house.refresh(SamplePrices(), symbols=["CLSK", "BTC-USD"], start="2024-01-01", end="2024-12-31")
    assert run.success
    assert house.touched(run) == [
        ("BTC-USD", "2024-01-01", "2024-12-31", 366),
        ("CLSK", "2024-01-02", "2024-12-31", 252),
    ]


def test_a_wrong_configuration_fails_the_step_and_says_why(house: House) -> None:
    run = house.refresh(SamplePrices(), symbols=["XXXX"])
    failure = run.filter_events(lambda event: event.is_step_failure)[0].step_failure_data
    assert not run.success
    assert failure.user_failure_data is not None
    assert "'XXXX' not on the reference list" in str(failure.user_failure_data.description)


def test_a_part_never_takes_the_place_of_another_source(house: House, tmp_path: Path) -> None:
    _write(tmp_path / "prices", "CLSK", {"2025-09-01": 10.0})
    assert house.refresh(SamplePrices(), symbols=["CLSK", "IREN"]).success
    run = house.refresh(FilePrices(tmp_path / "prices"), symbols=["CLSK"])
    assert "a part of files cannot take their place" in _refusal(run)
    assert house.ask("select distinct source from raw.market__daily_prices where valid_to is null") == [("sample",)]


def test_the_launchpad_offers_the_configuration_on_both_jobs(sample: Any) -> None:
    defs = build_defs(sample.settings)
    config = {"ops": {PRICES: {"config": {"symbols": ["CLSK"], "start": "2025-01-01", "end": None}}}}
    for job in ("daily_refresh", "refresh_prices"):
        assert dg.validate_run_config(defs.resolve_job_def(job), config)


# The landing folder


def _look(
    folder: Path, cursor: str | None, instance: dg.DagsterInstance | None = None
) -> tuple[list[str | None], str, str | None]:
    """One evaluation: run keys, skip reason, cursor."""
    with dg.DagsterInstance.ephemeral() as empty:
        context = dg.build_sensor_context(cursor=cursor, instance=instance or empty)
        result: Any = landing_sensor(folder)(context)
    skip = result.skip_reason.skip_message if result.skip_reason else ""
    return [request.run_key for request in result.run_requests or []], skip, result.cursor


def test_a_folder_that_stands_still_is_refreshed_once(tmp_path: Path) -> None:
    _write(tmp_path, "CLSK", {"2025-09-01": 10.0})
    keys, why, cursor = _look(tmp_path, None)
    assert (keys, why) == ([], "the folder has changed; waiting until it stands still")
    (first,), _, cursor = _look(tmp_path, cursor)
    keys, why, cursor = _look(tmp_path, cursor)
    assert (keys, why) == ([], "nothing has changed since the last refresh that this sensor asked for")

    before = (tmp_path / "CLSK.csv").stat()
    with (tmp_path / "CLSK.csv").open("a") as half_copied:
        half_copied.write("2025-09-02,1")
        half_copied.flush()
        assert _look(tmp_path, cursor)[0] == []
        cursor = _look(tmp_path, cursor)[2]
        half_copied.write("1\n")
    keys, why, cursor = _look(tmp_path, cursor)
    assert (keys, why) == ([], "the folder has changed; waiting until it stands still")
    (second,), _, cursor = _look(tmp_path, cursor)

    _write(tmp_path, "CLSK", {"2025-09-01": 10.0})
    os.utime(tmp_path / "CLSK.csv", ns=(before.st_atime_ns, before.st_mtime_ns))
    (third,), _, _ = _look(tmp_path, _look(tmp_path, cursor)[2])
    assert len({first, second, third}) == 3, "back to an earlier state is a change too"


def test_a_change_in_a_folder_below_is_a_change(tmp_path: Path) -> None:
    """The price source reads those too; what it does not read is no reason for a run."""
    (tmp_path / "miners").mkdir()
    _write(tmp_path / "miners", "CLSK", {"2025-09-01": 10.0})
    before = folder_state(tmp_path)
    (tmp_path / "README.md").write_text("a note")
    assert folder_state(tmp_path) == before
    with (tmp_path / "miners" / "CLSK.csv").open("a") as file:
        file.write("2025-09-02,11\n")
    assert folder_state(tmp_path) not in {before, "", None}
    assert folder_state(tmp_path / "nowhere") is None


def test_files_that_another_run_has_read_are_not_read_again(house: House, tmp_path: Path) -> None:
    """The UI is started after a run at the shell: it has nothing to do until the folder changes."""
    folder = tmp_path / "prices"
    _write(folder, "CLSK", {"2025-09-02": 10.0, "2025-09-03": 11.0})
    assert house.refresh(FilePrices(folder)).success
    keys, why, cursor = _look(folder, None, house.instance)
    assert (keys, why) == ([], "these files are those that were read last")
    _write(folder, "IREN", {"2025-09-02": 20.0})
    cursor = _look(folder, cursor, house.instance)[2]
    assert len(_look(folder, cursor, house.instance)[0]) == 1


def test_an_empty_or_missing_folder_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / ".hidden").touch()
    assert _look(tmp_path, None)[:2] == ([], f"{tmp_path} holds no file")
    assert _look(tmp_path / "gone", None)[:2] == ([], f"{tmp_path / 'gone'} is no folder that can be read")


def test_the_sensor_is_there_for_files_alone_and_runs(make_pipeline: Callable[..., Any], tmp_path: Path) -> None:
    defs = build_defs(make_pipeline(price_source="files", price_files=tmp_path).settings)
    assert defs.resolve_sensor_def("price_files_landed").default_status is dg.DefaultSensorStatus.RUNNING
    names = {sensor.name for sensor in build_defs(make_pipeline().settings).sensors or []}
    assert names == {"publish_what_stands", "new_filings"}


# Freshness policies, and what a run shows


def test_tables_have_freshness_policies(sample: Any) -> None:
    policies = {
        ".".join(node.key.path): node.freshness_policy
        for node in build_defs(sample.settings).resolve_asset_graph().asset_nodes
    }
    daily = [name for name, policy in policies.items() if type(policy).__name__ == "CronFreshnessPolicy"]
    assert sorted(daily) == [
        "marts.fct_daily_technicals",
        "marts.miner_snapshot",
        "published.minehouse",
        "raw.market__daily_prices",
    ]
    cron: Any = policies["marts.miner_snapshot"]
    assert (cron.deadline_cron, cron.timezone) == ("0 19 * * 1-5", "America/New_York")
    for name in ("raw.curated__hpc_deals", "marts.fct_hpc_deals"):
        assert type(policies[name]).__name__ == "TimeWindowFreshnessPolicy", name


def test_models_show_row_counts_and_marts_a_preview(sample: Any) -> None:
    def metadata(*path: str) -> dict[str, Any]:
        event = sample.instance.get_latest_materialization_event(dg.AssetKey(path))
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}

    seen = metadata("marts", "miner_snapshot")
    assert seen["dagster/row_count"] == sample.query("select count(*) from marts.miner_snapshot")[0][0]
    assert seen["preview"].startswith("| ")
    assert "unique_id" in seen, "what dagster-dbt says is kept"
    ((last,),) = sample.query("select max(trade_date)::varchar from marts.fct_daily_technicals")
    newest = metadata("marts", "fct_daily_technicals")["preview"].splitlines()[2:]
    assert newest
    assert all(f"| {last} |" in row for row in newest), "the newest rows come first"
    built = sample.query_build(
        "select schema_name, table_name from duckdb_tables() where schema_name in ('intermediate', 'marts') "
        "and table_name not in ('data_quality_results', 'technicals_builds')"  # logs of runs, no models
    )
    for schema, table in built:
        assert metadata(schema, table).get("dagster/row_count") is not None, table


# The webhook


@dataclass
class Webhook:
    """A receiver on this machine."""

    address: str
    status: int = 200
    received: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> SecretStr:
        """With a path that nobody may see."""
        return SecretStr(f"{self.address}/{SECRET}")


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(hook.status)
            if hook.status == HTTPStatus.MOVED_PERMANENTLY:
                self.send_header("Location", f"{hook.address}/elsewhere")
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    hook = Webhook(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield hook
    server.shutdown()
    server.server_close()


@dg.op
def break_down() -> None:
    raise RuntimeError("the vendor is gone\nand a second line")


@dg.job(executor_def=dg.in_process_executor)
def doomed() -> None:
    break_down()


@dg.asset(check_specs=[dg.AssetCheckSpec("holds", asset="checked")])
def checked() -> dg.MaterializeResult:
    return dg.MaterializeResult(
        check_results=[dg.AssetCheckResult(check_name="holds", passed=False, metadata={"observed": "no rows"})]
    )


def _tell_of_failure(url: SecretStr) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run = doomed.execute_in_process(instance=instance, raise_on_error=False)
        context = dg.build_run_status_sensor_context(
            sensor_name="notify_failed_run",
            dagster_event=run.filter_events(lambda event: event.is_job_failure)[0],
            dagster_instance=instance,
            dagster_run=run.dagster_run,
        ).for_run_failure()
        webhook_sensors(url)[0](context)


def test_a_failed_run_is_told(webhook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    _tell_of_failure(webhook.url)
    (message,) = webhook.received
    assert (message["job"], message["failed_step"], message["url"]) == ("doomed", "break_down", None)
    assert message["error"] == "RuntimeError: the vendor is gone"
    assert message["run_id"]
    assert SECRET not in caplog.text


def test_a_finished_run_with_a_failed_check_is_told(webhook: Webhook) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run = dg.materialize([checked], instance=instance)
        context = dg.build_run_status_sensor_context(
            sensor_name="notify_failed_checks",
            dagster_event=run.filter_events(lambda event: event.is_job_success)[0],
            dagster_instance=instance,
            dagster_run=run.dagster_run,
        )
        webhook_sensors(webhook.url)[1](context)
    assert [message["error"] for message in webhook.received] == ["checked.holds: no rows"]


@pytest.mark.parametrize("fault", ["status", "nobody", "nonsense"])
def test_a_failing_webhook_fails_nothing_and_is_not_named(
    webhook: Webhook, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    caplog.set_level(logging.DEBUG)
    webhook.status = 500
    url = {
        "status": webhook.url,
        "nobody": SecretStr(f"http://127.0.0.1:1/{SECRET}"),
        "nonsense": SecretStr(f"http://127.0.0.1:x/{SECRET}"),
    }[fault]
    _tell_of_failure(url)
    problem = post(url, {"error": "x"})
    assert problem
    out, err = capfd.readouterr()
    assert SECRET not in problem + caplog.text + out + err


def test_a_webhook_that_moved_is_not_told_and_says_so(webhook: Webhook) -> None:
    """Followed, a redirect becomes a GET without a message, and its 200 looks like success."""
    assert post(webhook.url, {"error": "x"}) == ""
    webhook.status = HTTPStatus.MOVED_PERMANENTLY
    assert post(webhook.url, {"error": "x"}) == "HTTP 301"


def test_without_an_address_nobody_is_told_and_no_representation_shows_it() -> None:
    assert webhook_sensors(None) == []
    assert SECRET not in repr(Settings(webhook_url=SecretStr(f"https://example.org/{SECRET}")))
