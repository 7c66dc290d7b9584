"""A real cluster of one master and two workers on this machine, out of the pyspark package alone."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WAIT_SECONDS = 90


class ClusterError(RuntimeError):
    """The cluster did not come up."""


@contextmanager
def cluster(folder: Path, workers: int = 2, memory: str = "1g") -> Iterator[str]:
    """The address of its master, `spark://...`; each worker has a core. Everything ends with the context."""
    import pyspark

    home = Path(pyspark.__file__).parent
    port, page = _free_port(), _free_port()
    master = f"spark://127.0.0.1:{port}"
    environment = os.environ | {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "512m"}
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str) -> None:
        log = (folder / f"{name}.log").open("wb")
        command = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{arguments[0]}", *arguments[1:]]
        started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT))

    folder.mkdir(parents=True, exist_ok=True)
    try:
        start("master", "master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(page))
        for number in range(workers):
            start(
                f"worker{number}", "worker.Worker", "--host", "127.0.0.1", "-c", "1", "-m", memory,
                "--webui-port", "0", "-d", str(folder / f"work{number}"), master,
            )  # fmt: skip
        _wait(folder, workers)
        yield master
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(folder: Path, workers: int) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        if (folder / "master.log").read_bytes().count(b"Registering worker") >= workers:
            return
        time.sleep(0.5)
    raise ClusterError((folder / "master.log").read_text()[-2000:])
