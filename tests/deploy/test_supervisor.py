"""What the supervisor of `make cluster` promises, with programs that are a line of shell."""

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from deploy.cluster import supervisor as module
from deploy.cluster.supervisor import NotStarted, Program, Supervisor

FOREVER = "while :; do sleep 0.05; done"


class Case:
    """A supervisor, what it said, and shell programs that write into `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.supervisor = Supervisor(folder, self.said.append)

    def program(
        self, script: str, name: str = "it", *, answers: Callable[[], bool] | None = None, patience: float = 20
    ) -> Program:
        ready = answers or (self.folder / f"{name}.pid").exists
        return Program(name, ["sh", "-c", f"echo $$ > {name}.pid; {script}"], ready, self.folder, patience=patience)

    def pid(self, name: str = "it") -> int:
        return int((self.folder / f"{name}.pid").read_text() or 0)

    def has_another_than(self, pid: int) -> bool:
        return self.pid() not in (0, pid)


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    monkeypatch.setattr(module, "PAUSES", (0.05, 0.1))
    made = Case(tmp_path)
    yield made
    made.supervisor.kill()
    made.supervisor.stop()


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_dies_is_started_again_and_this_is_said(case: Case) -> None:
    case.supervisor.start([case.program(FOREVER)])
    for _ in range(3):
        before = case.pid()
        os.kill(before, 9)
        until(partial(case.has_another_than, before))
    again = "it ended (killed by SIGKILL), and is started again in {} s"
    assert case.said == [again.format(pause) for pause in (0.05, 0.1, 0.1)]


def test_a_program_that_never_gets_ready_is_not_tried_again(case: Case) -> None:
    with pytest.raises(NotStarted, match=r"it ended before it was ready: see .*it\.log"):
        case.supervisor.start([case.program("echo no room >&2; exit 3", answers=lambda: False)])
    assert case.said == []
    assert (case.folder / "it.log").read_text() == "no room\n"


def test_nor_is_it_waited_for_without_end(case: Case) -> None:
    with pytest.raises(NotStarted, match="not ready in time"):
        case.supervisor.start([case.program(FOREVER, answers=lambda: False)], timeout=0.3)
    case.supervisor.stop()
    assert not alive(case.pid())


def test_what_was_started_last_ends_first(case: Case) -> None:
    ending = "trap 'echo {0} >> ends; exit' TERM; " + FOREVER
    case.supervisor.start([case.program(ending.format("server"), "server")])
    case.supervisor.start([case.program(ending.format(name), name) for name in ("one", "other")])
    pids = [case.pid(name) for name in ("server", "one", "other")]
    case.supervisor.stop()
    assert [pid for pid in pids if alive(pid)] == []
    ends = (case.folder / "ends").read_text().split()
    assert (sorted(ends[:2]), ends[2]) == (["one", "other"], "server")
    assert case.said == [], "an end that was asked for is no news"


def test_what_does_not_end_is_killed_with_its_children(case: Case) -> None:
    stubborn = f"trap '' TERM; sh -c 'echo $$ > child.pid; {FOREVER}' & {FOREVER}"
    case.supervisor.start([case.program(stubborn, patience=0.3)])
    until((case.folder / "child.pid").exists)
    case.supervisor.stop()
    assert case.said == ["it does not end, and is killed"]
    until(lambda: not alive(case.pid("child")))
    assert not alive(case.pid())


def test_nothing_is_started_again_once_it_is_to_end(case: Case) -> None:
    case.supervisor.start([case.program(FOREVER)])
    os.kill(case.pid(), 9)
    until(lambda: case.said)
    case.supervisor.stop()
    last = case.pid()
    time.sleep(0.3)
    assert case.pid() == last
    assert not alive(last)
