"""DuckDB lets one process write: runs started side by side take turns."""

import shutil
import subprocess
import sys
from pathlib import Path

from dagster_project.assets.pool import POOL
from dagster_project.settings import PROJECT_DIR

RUN = """
import sys, time
import dagster as dg

@dg.op(pool=sys.argv[1])
def hold():
    print("in", time.time(), flush=True)
    time.sleep(1.5)
    print("out", time.time(), flush=True)

@dg.job(executor_def=dg.in_process_executor)
def holding():
    hold()

if __name__ == "__main__":
    with dg.DagsterInstance.get() as instance:
        assert dg.execute_job(dg.reconstructable(holding), instance).success
"""


def test_two_runs_at_once_queue(tmp_path: Path) -> None:
    shutil.copy(PROJECT_DIR / "dagster.yaml", tmp_path)
    script = tmp_path / "holding.py"
    script.write_text(RUN)
    # the first run makes the instance's database; two at once would race for that, which is not the point here
    first, *both = ([sys.executable, str(script), POOL] for _ in range(3))
    environment = {"DAGSTER_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    subprocess.run(first, env=environment, check=True, capture_output=True)
    started = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for command in both
    ]
    spans = []
    for process in started:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        times = dict(line.split() for line in said.splitlines() if line.startswith(("in ", "out ")))
        spans.append((float(times["in"]), float(times["out"])))
    (_, first_ends), (second_begins, _) = sorted(spans)
    assert second_begins >= first_ends, "the second waits for the slot"
