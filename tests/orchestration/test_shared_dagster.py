"""The Dagster of a team: its history in a real PostgreSQL, its runs in a queue, its code in a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import yaml
from postgres_server import running_server
from pydantic import SecretStr, ValidationError

from dagster_project.settings import PROJECT_DIR, Settings
from dagster_project.shell.fast_start import open_instance

DEPLOY = PROJECT_DIR / "deploy"
BIN = Path(sys.executable).parent

CODE = """
import dagster as dg

@dg.op
def work(): ...

@dg.job(executor_def=dg.in_process_executor)
def tiny():
    work()

defs = dg.Definitions(jobs=[tiny])
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a PostgreSQL database with nothing in it; the test is skipped, aloud, where no server is found."""
    with running_server() as server:
        yield server.format("postgres")


@pytest.fixture
def home(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of Dagster's with the configuration of `deploy/`."""
    monkeypatch.setenv("MINEHOUSE_DAGSTER_POSTGRES_URL", url.replace("postgresql:", "postgresql+psycopg2:"))
    shutil.copyfile(DEPLOY / "dagster.yaml", tmp_path / "dagster.yaml")
    return tmp_path


@dg.op
def _work() -> None: ...


@dg.job(executor_def=dg.in_process_executor)
def _tiny() -> None:
    _work()


def test_a_run_at_the_shell_keeps_its_history_in_postgresql(home: Path, url: str) -> None:
    with open_instance(home) as instance:
        done = _tiny.execute_in_process(instance=instance)
    assert done.success
    with psycopg.connect(url) as database:
        kept = database.execute("select status from runs where run_id = %s", [done.run_id]).fetchall()
        events = database.execute("select count(*) from event_logs where run_id = %s", [done.run_id]).fetchall()
    assert kept == [("SUCCESS",)]
    assert events[0][0] > 5
    assert not list(home.rglob("*.db")), "a file of SQLite"


def test_a_launched_run_waits_in_the_queue_and_runs_in_the_process_of_the_code(home: Path) -> None:
    (home / "tiny_code.py").write_text(CODE)
    port = _free_port()
    workspace = home / "workspace.yaml"
    shared = yaml.safe_load((DEPLOY / "workspace.yaml").read_text())
    shared["load_from"][0]["grpc_server"] |= {"host": "127.0.0.1", "port": port}
    workspace.write_text(yaml.safe_dump(shared))
    environment = os.environ | {"DAGSTER_HOME": str(home), "PYTHONPATH": str(home)}
    command = ["api", "grpc", "-m", "tiny_code", "-h", "127.0.0.1", "-p", str(port), "--location-name", "minehouse"]
    started = [_start(home, environment, "dagster", *command)]
    try:
        _wait(lambda: socket.create_connection(("127.0.0.1", port), timeout=1).close() is None)
        launched = subprocess.run(
            [BIN / "dagster", "job", "launch", "-w", workspace, "--location", "minehouse", "-j", "tiny"],
            env=environment, cwd=home, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert launched.returncode == 0, launched.stdout + launched.stderr
        with dg.DagsterInstance.from_config(str(home)) as instance:
            (run,) = instance.get_runs(filters=dg.RunsFilter(job_name="tiny"))
            assert run.status == dg.DagsterRunStatus.QUEUED, "nobody takes runs from the queue yet"
            started.append(_start(home, environment, "dagster-daemon", "run", "-w", str(workspace)))
            _wait(lambda: instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.SUCCESS)  # type: ignore[union-attr]
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(30)


def _start(home: Path, environment: dict[str, str], program: str, *arguments: str) -> subprocess.Popen[bytes]:
    with (home / f"{program}.log").open("wb") as log:
        return subprocess.Popen(
            [BIN / program, *arguments], env=environment, cwd=home, stdout=log, stderr=subprocess.STDOUT
        )


def _wait(holds: Any, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return
        except OSError:
            pass
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.3)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("address", ["postgresql://a:hidden@host/db", "postgresql+psycopg2:// x", "sqlite:///x"])
def test_an_address_that_dagster_could_not_use_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match=r"is not an address like postgresql\+psycopg2://user") as refused:
        Settings(dagster_postgres_url=SecretStr(address))
    assert "hidden" not in str(refused.value)


def test_one_run_at_a_time_and_a_dead_one_leaves_the_queue() -> None:
    configured = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    assert configured["concurrency"]["runs"]["max_concurrent_runs"] == 1
    assert configured["run_monitoring"]["enabled"]
    assert configured["storage"]["postgres"]["postgres_url"] == {"env": "MINEHOUSE_DAGSTER_POSTGRES_URL"}


def test_the_image_copies_what_exists_and_holds_no_secret() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    copied = [part for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE) for part in line.split()[:-1]]
    assert copied
    assert [name for name in copied if not (PROJECT_DIR / name).exists()] == []
    assert not re.search(r"(?i)password|_key\s*=|secret", text)
    assert "USER minehouse" in text, "nothing runs as root"


def test_every_service_is_defined_whole() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    for name, service in services.items():
        assert "image" in service, name
        assert service["restart"] == "unless-stopped", name
        for other in service.get("depends_on", {}):
            assert "healthcheck" in services[other], f"{name} waits for the health of {other}, which tells none"
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in compose["volumes"], volume
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} is open to the network"
        ours = {key for key in service["environment"] if key.startswith("MINEHOUSE_")}
        assert {key.removeprefix("MINEHOUSE_").lower() for key in ours} <= set(Settings.model_fields), name
    assert (DEPLOY / services["code"]["build"]["context"]).resolve() == PROJECT_DIR
    told = yaml.safe_load((DEPLOY / "workspace.yaml").read_text())["load_from"][0]["grpc_server"]
    assert told["host"] in services
    assert f"--port {told['port']}" in (DEPLOY / "Containerfile").read_text()
    assert not re.search(r"(?i)password:\s*[a-z0-9]", (DEPLOY / "compose.yaml").read_text()), "from the environment"
