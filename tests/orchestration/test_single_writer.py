"""One run writes at a time, whoever started it; a killed one leaves nothing that holds up the next."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.runs.dead import SHELL_TAG, alive, mark_dead_runs
from dagster_project.runs.lock import Holder, NotOurTurnError, held, is_held
from dagster_project.settings import PROJECT_DIR

WORK = """
    import ctypes, sys, time
    from pathlib import Path
    from dagster_project.runs.lock import held
    from dagster_project.shell.supervise import Ended, ended_by_signals, in_child
    from dagster_project.shell.worker import child

    folder = Path(sys.argv[1])
    stuck = sys.argv[3:]
    say = lambda line: print(line, flush=True)

    def sleep(seconds, is_stuck):
        # one that is stuck in a library holds the interpreter, so that no thread of ours comes to anything
        ctypes.PyDLL(None).sleep(int(seconds)) if is_stuck else time.sleep(seconds)

    def work():
        with child() as beside:
            beside.start(sleep, float(sys.argv[2]), "beside" in stuck)
            if stuck:
                time.sleep(1)  # until it is
            import os
            beside_pid = next(iter(beside._pool._processes))
            (folder / "pids").write_text(f"{os.getppid()} {os.getpid()} {beside_pid}")
            say("at work")
            sleep(float(sys.argv[2]), "worker" in stuck)
        return 0

    if __name__ == "__main__":
        try:
            with ended_by_signals(), held(folder / "run.lock", "make run", wait_seconds=30, say=say) as lock:
                sys.exit(in_child(work, lock.renewed()))
        except Ended as ended:
            say(f"ended by {ended}")
            sys.exit(ended.exit_code)
"""


@contextmanager
def _at_work(folder: Path, seconds: float = 60, stuck: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    script = folder / "work.py"
    script.write_text(textwrap.dedent(WORK))
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder), str(seconds), *stuck],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT_DIR)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def _pids(folder: Path) -> dict[str, int]:
    return dict(zip(("parent", "worker", "beside"), map(int, (folder / "pids").read_text().split()), strict=True))


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _none_is_left(pids: dict[str, int], within_seconds: float = 5) -> bool:
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline and any(map(_is_alive, pids.values())):
        time.sleep(0.05)
    return not any(map(_is_alive, pids.values()))


@pytest.mark.parametrize("killed", ["parent", "worker", "group"])
def test_a_kill_leaves_no_process_and_no_lock(tmp_path: Path, killed: str) -> None:
    with _at_work(tmp_path) as process:
        assert _line(process) == "at work"
        pids = _pids(tmp_path)
        if killed == "group":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            os.kill(pids[killed], signal.SIGKILL)
        assert process.wait(10) != 0
        assert _none_is_left(pids)
    said: list[str] = []
    with held(tmp_path / "run.lock", "make run", wait_seconds=0, say=said.append):
        pass
    cut_off = [line for line in said if "was cut off before its end" in line]
    assert len(cut_off) == (killed != "worker"), "the parent of a killed worker is there to say so itself"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("stuck", ["worker", "beside"])
def test_what_is_stuck_in_a_library_ends_too(tmp_path: Path, stuck: str, number: signal.Signals) -> None:
    with _at_work(tmp_path, stuck=[stuck]) as process:
        assert _line(process) == "at work"
        time.sleep(0.2)  # until it is
        pids = _pids(tmp_path)
        os.kill(pids["parent"], number)
        process.wait(10)
        assert _none_is_left(pids)


LOST = """
    import os, signal, sys, time
    from dagster_project.shell.worker import child

    if __name__ == "__main__":
        import dagster as dg

        with child() as lost, child() as other:
            other.start(time.sleep, 60)

            @dg.op
            def asks() -> None:
                lost.start(os.kill, lost(os.getpid), signal.SIGKILL)
                lost(time.sleep, 0)

            @dg.op
            def goes_on() -> None:
                print("went on", flush=True)

            @dg.job(executor_def=dg.in_process_executor)
            def job() -> None:
                asks()
                goes_on()

            print(os.getpid(), *other._pool._processes, flush=True)
            job.execute_in_process(raise_on_error=False)
            print("went on", flush=True)
"""


def test_a_run_that_lost_a_child_does_not_go_on(tmp_path: Path) -> None:
    script = tmp_path / "lost.py"
    script.write_text(textwrap.dedent(LOST))
    ran = subprocess.run(
        [sys.executable, str(script)],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT_DIR)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1
    assert "went on" not in ran.stdout
    assert "error: the child process that was to run sleep was killed" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert _none_is_left(dict(zip(("run", "other"), map(int, ran.stdout.split()), strict=True)))


OTHERS = """
    import contextlib, sys
    from pathlib import Path
    from dagster_project.shell.supervise import Ended, become, ended_by_signals, in_child

    # a program whose child goes on without it, like a server of Dagster's
    others = f"sleep 60 & echo {sys.argv[1]} $PPID $$ $!; wait"
    try:
        with ended_by_signals():
            in_child(lambda: become("/bin/sh", ["-c", others], {}), contextlib.nullcontext(), own_group=True)
    except Ended as ended:
        sys.exit(ended.exit_code)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.parametrize("hit", ["parent", "worker", "program"])
def test_programs_of_others_end_with_whoever_started_them(tmp_path: Path, hit: str, number: signal.Signals) -> None:
    script = tmp_path / "others.py"
    script.write_text(textwrap.dedent(OTHERS))
    process = subprocess.Popen(
        [sys.executable, str(script), "pids"],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT_DIR)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    worker, program, beside = map(int, _line(process).split()[1:])
    pids = {"parent": process.pid, "worker": worker, "program": program, "beside": beside}
    ends = hit != "worker" or number == signal.SIGKILL  # the worker leaves signals to its parent
    try:
        os.kill(pids[hit], number)
        assert _none_is_left(pids, within_seconds=5 if ends else 1) == ends
        if hit == "parent":
            assert process.wait(5) in (-number, 128 + number)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_at_work_and_one_that_waits(tmp_path: Path, number: signal.Signals) -> None:
    with _at_work(tmp_path) as first:
        assert _line(first) == "at work"
        pids = _pids(tmp_path)
        with _at_work(tmp_path) as second:
            assert _line(second).startswith(f"waiting for make run (process {pids['parent']} on ")
            for process in (second, first):
                os.killpg(process.pid, number)  # as a terminal does
                said, _ = process.communicate(timeout=5)
                assert process.returncode == 128 + number
                assert len(said.splitlines()) == 1, said
                assert number.name in said
        assert _none_is_left(pids)
    assert not is_held(tmp_path / "run.lock")


def test_the_second_waits_and_goes_on(tmp_path: Path) -> None:
    with _at_work(tmp_path, 5) as first, _at_work(tmp_path, 0) as second:
        lines = {_line(first), _line(second)}
        assert "at work" in lines
        assert any(line.startswith("waiting for make run") for line in lines)
        assert (first.wait(30), second.wait(30)) == (0, 0)


def test_who_waits_in_vain_is_told_for_whom(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    with held(lock, "make run", wait_seconds=0, say=print):
        with (
            pytest.raises(NotOurTurnError, match=rf"make run \(process {os.getpid()} on .* is still writing"),
            held(lock, "make run", wait_seconds=0, say=print),
        ):
            pytest.fail("two at once")
        assert is_held(lock)


@pytest.mark.parametrize("lives", [True, False])
def test_another_machine_whose_locks_are_not_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, lives: bool
) -> None:
    monkeypatch.setattr("dagster_project.runs.lock.BEAT_SECONDS", 0.2)
    lock = tmp_path / "run.lock"
    left = {"what": "make run", "pid": 7, "host": "elsewhere", "since": "2026-01-02T03:04:05", "beat": 1}
    lock.write_text(json.dumps(left))
    renewed = json.dumps(left | {"beat": 2})
    script = f"import time, pathlib; time.sleep(0.3); pathlib.Path({str(lock)!r}).write_text({renewed!r})"
    other = subprocess.Popen([sys.executable, "-c", script if lives else ""])
    said: list[str] = []
    try:
        if lives:
            with (
                pytest.raises(NotOurTurnError, match=r"on elsewhere.* does not show one machine's locks"),
                held(lock, "make run", wait_seconds=0, say=said.append),
            ):
                pytest.fail("two at once")
        else:
            with held(lock, "make run", wait_seconds=0, say=said.append):
                assert said == [f"{Holder(**left)} was cut off before its end; the next run does its work again"]
    finally:
        other.wait()


def test_dead_runs_are_marked_and_living_ones_left(tmp_path: Path) -> None:
    @dg.op
    def nothing() -> None:
        pass

    @dg.job
    def job() -> None:
        nothing()

    with dg.DagsterInstance.ephemeral() as instance:

        def run(status: dg.DagsterRunStatus, **tags: str) -> str:
            return instance.create_run_for_job(job, status=status, tags=tags).run_id

        shell = run(dg.DagsterRunStatus.STARTED, **{SHELL_TAG: "shell"})
        waits, killed = run(dg.DagsterRunStatus.STARTED), run(dg.DagsterRunStatus.CANCELING)
        young, ours = run(dg.DagsterRunStatus.STARTED), run(dg.DagsterRunStatus.STARTED)
        ended = run(dg.DagsterRunStatus.SUCCESS)
        (tmp_path / killed).touch()  # its file is there, but nobody locks it
        with alive(tmp_path, waits):
            dead = mark_dead_runs(instance, tmp_path, but=ours)
            assert {found.run_id for found in dead} == {shell, killed}
            assert mark_dead_runs(instance, tmp_path, but=ours) == []
        for run_id, status in ((shell, "FAILURE"), (killed, "FAILURE"), (young, "STARTED"), (ended, "SUCCESS")):
            found = instance.get_run_by_id(run_id)
            assert found is not None
            assert found.status.value == status
