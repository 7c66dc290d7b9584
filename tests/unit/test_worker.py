"""A call to a child process returns and raises what the function does there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dagster_project.calls import Call, call_directly
from dagster_project.gate.gate import ContractMismatchError
from dagster_project.shell.worker import child, run_first


def _process() -> int:
    return os.getpid()


def _leave_word(path: Path) -> None:
    path.write_text(str(os.getpid()))


def _refuse(reason: str) -> None:
    raise ContractMismatchError(reason)


def test_a_child_is_another_process_and_warms_up_first(tmp_path: Path) -> None:
    with child() as call:
        warm = call.start(_leave_word, tmp_path / "word")
        asked = call(_process)
        warm.result(timeout=10)
    assert asked == int((tmp_path / "word").read_text())
    assert asked != call_directly(_process) == os.getpid()


@pytest.mark.parametrize("where", ["here", "child"])
def test_what_is_raised_there_is_raised_here(where: str) -> None:
    def refused(call: Call) -> None:
        with pytest.raises(ContractMismatchError, match="no close"):
            call(_refuse, reason="no close")

    if where == "here":
        refused(call_directly)
    else:
        with child() as call:
            warm = call.start(_refuse, "a warm-up that fails stops nothing")
            refused(call)
            assert isinstance(warm.exception(timeout=10), ContractMismatchError)


def test_what_comes_first_is_done_before_each_call() -> None:
    done: list[str] = []
    call = run_first(lambda: done.append("first"), call_directly)
    assert call(max, 1, 2) == 2
    call(done.append, "call")
    assert done == ["first", "first", "call"]
