"""Runs dbt for tests without importing it, or reading the project, once more each time.

One process per test worker has dbt imported and the project read, and is forked for each command: every command finds
dbt as a new process would, some seconds earlier. Belongs here: that process, and asking it. Does not belong here: what
is built (`models/dbt_harness.py`, `models/facts_warehouse.py`).
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
DBT_DIR = REPO / "dbt"


def run_dbt(arguments: Sequence[str], environment: Mapping[str, str], cwd: Path = REPO) -> tuple[int, str]:
    """Exit code and output of a dbt command; `environment` is added to that of the tests.

    A command that names this project's folder is given the project as it was read; any other folder is read anew.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        request = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "cwd": str(cwd),
            "output": str(output),
        }
        server = _server()
        assert server.stdin and server.stdout
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        answer = server.stdout.readline()
        assert answer, "the process that runs dbt for the tests has ended"
        return int(answer), output.read_text(errors="replace")


@cache
def _server() -> subprocess.Popen[str]:
    """The process of this worker; it ends when its input is closed, with the worker at the latest."""
    return subprocess.Popen(
        [sys.executable, str(Path(__file__))],
        cwd=REPO,
        env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "PYTHONPATH": str(REPO)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _serve() -> None:
    from dbt.cli.main import dbtRunner

    from dagster_project.engine import Engine

    os.environ["DBT_BUILD_DATABASE"] = "warehouse.duckdb"  # no command opens it: each names its own
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what dbt prints is no answer
    with tempfile.TemporaryDirectory() as target:
        os.environ.update(Engine(data_dir=Path(target)).environment())
        flags = ["--project-dir", str(DBT_DIR), "--profiles-dir", str(DBT_DIR), "--target-path", target]
        read = dbtRunner().invoke(["--quiet", "--no-write-json", "--log-path", target, "parse", *flags])
        manifest = read.result if read.success else None
        for line in sys.stdin:
            request = json.loads(line)
            child = os.fork()
            if child == 0:
                os._exit(_run(request, manifest))
            _, status = os.waitpid(child, 0)
            print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


def _run(request: dict[str, object], manifest: object) -> int:
    from dbt.cli.main import dbtRunner

    from dagster_project.warehouse import connection

    # dbt's parser in Rust keeps threads, which a fork does not have: it would wait for them without end
    arguments = ["--no-static-parser", *map(str, request["arguments"])]  # type: ignore[call-overload]
    with Path(str(request["output"])).open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        os.environ.update(request["environment"])  # type: ignore[call-overload]
        os.chdir(str(request["cwd"]))
        runner = dbtRunner(manifest=manifest if str(DBT_DIR) in arguments else None)  # type: ignore[arg-type]
        try:
            with contextlib.ExitStack() as kept_open:
                if database := request["environment"].get("DBT_BUILD_DATABASE"):  # type: ignore[attr-defined]
                    # as the pipeline does (dagster_project/transform/dbt_calls.py)
                    kept_open.enter_context(connection.write(Path(database)))
                done = runner.invoke(arguments)
            if done.exception is not None:
                sys.stdout.write(f"{done.exception}\n")
            return int(not done.success)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()


if __name__ == "__main__":
    _serve()
