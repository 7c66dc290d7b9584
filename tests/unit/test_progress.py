"""How far a long step is reaches whoever waits for it, from this process and from a child, and not too often."""

import io
import time
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.calls import Call, call_directly
from dagster_project.progress import Pace, counted, heard
from dagster_project.shell.progress import progress_logger
from dagster_project.shell.worker import child


def _work(lines: int) -> int:
    """In a child or here: says so many lines."""
    return sum(counted(range(1, lines + 1), "things done", seconds=0))


def _in_child(call: Call) -> list[str]:
    said: list[str] = []
    with heard(said.append):
        assert call(_work, 3) == 6
    return said


def test_every_line_is_heard_once_from_here_and_from_a_child(tmp_path: Path) -> None:
    expected = [f"{done} of 3 things done" for done in (1, 2, 3)]
    assert _in_child(call_directly) == expected
    with child(tmp_path) as call:
        assert _in_child(call) == expected
        call(_work, 2)  # nobody listens
        assert _in_child(call) == expected
    assert not list(tmp_path.iterdir())


def test_what_a_child_says_is_heard_while_it_works() -> None:
    when: list[float] = []
    with child() as call, heard(lambda _: when.append(time.monotonic())):
        call(_slow)
        ended = time.monotonic()
    assert ended - when[0] > 1


def _slow() -> None:
    Pace(0).say("begun")
    time.sleep(3)


def test_what_is_done_soon_says_nothing() -> None:
    said: list[str] = []
    with heard(said.append):
        assert list(counted("abc", "letters", seconds=60)) == ["a", "b", "c"]
        pace = Pace(0.2)
        pace.say("too soon")
        time.sleep(0.3)
        pace.say("one")
        pace.say("too soon again")
    assert said == ["one"]


def test_dagsters_log_and_the_shell_show_it() -> None:
    @dg.op
    def long(context: dg.OpExecutionContext) -> None:
        with heard(context.log.info):
            _work(2)

    shell = io.StringIO()

    @dg.job(logger_defs={"progress": progress_logger(shell)})
    def job() -> None:
        long()

    with dg.instance_for_test() as instance:
        done = job.execute_in_process(instance=instance, run_config={"loggers": {"progress": {}}})
        log = [record.user_message for record in instance.all_logs(done.run_id)]
    assert "  ..  2 of 2 things done\n" in shell.getvalue()
    assert "1 of 2 things done" in log


@pytest.mark.parametrize("line", ["two\nlines", "ünïcode ✓"])
def test_odd_lines_do_no_harm(line: str) -> None:
    said: list[str] = []
    with child() as call, heard(said.append):
        call(Pace(0).say, line)
    assert said == line.split("\n")
