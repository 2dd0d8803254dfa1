"""Keeps programs running: starts again what dies, writes down what they say, and ends them all when told."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread

PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before a program that died is started again: the first time, the second …; from then on the last."""
STEADY = 60.0
"""Seconds after which a program counts as well: its next death is a first one again."""


class NotStarted(RuntimeError):
    """A program ended, or did not answer, before it was ever ready."""


@dataclass(frozen=True)
class Program:
    """`command` is run in the foreground, in `folder`. `answers` says whether it does its work by now."""

    name: str
    command: Sequence[str | Path]
    answers: Callable[[], bool]
    folder: Path
    environment: Mapping[str, str] | None = None
    """All its variables; None: those of this process."""
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 25.0
    """Seconds that it may take to end before it is killed."""


class Supervisor:
    """`say` is told what happens to programs; what they say themselves goes to `logs/<name>.log`.

    Its methods block, and belong to one thread; `kill` may be called from a signal handler meanwhile.
    """

    def __init__(self, logs: Path, say: Callable[[str], None]) -> None:
        self._logs, self._say = logs, say
        self._groups: list[list[_Keeper]] = []

    def start(self, programs: Iterable[Program], timeout: float = 180.0) -> None:
        """Start programs side by side and return once all answer. Raises `NotStarted`."""
        keepers = [_Keeper(program, self._logs / f"{program.name}.log", self._say) for program in programs]
        self._groups.append(keepers)
        for keeper in keepers:
            keeper.start()
        deadline = time.monotonic() + timeout
        for keeper in keepers:
            keeper.wait_until_ready(deadline)

    def stop(self) -> None:
        """End everything, what was started last first. Returns when nothing is left."""
        while self._groups:
            group = self._groups[-1]
            for keeper in group:
                keeper.end()
            for keeper in group:
                keeper.join()
            self._groups.pop()

    def kill(self) -> None:
        """Spare everybody's patience: whoever still runs is killed, and `stop` returns soon."""
        for group in self._groups:
            for keeper in group:
                keeper.kill()


class _Keeper(Thread):
    """One program and all its lives. The kernel ends a program with the thread that started it: this one."""

    def __init__(self, program: Program, log: Path, say: Callable[[str], None]) -> None:
        super().__init__(name=program.name, daemon=True)
        self._program, self._log, self._say = program, log, say
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()  # nothing is started once the end was asked for
        self._ending = Event()
        self._ready = False

    def run(self) -> None:
        deaths = 0
        while (process := self._spawn()) is not None:
            born = time.monotonic()
            code = process.wait()
            _kill_group(process.pid)  # children that it left behind
            if self._ending.is_set() or not self._ready:
                return
            deaths = 1 if time.monotonic() - born > STEADY else deaths + 1
            pause = PAUSES[min(deaths, len(PAUSES)) - 1]
            self._say(f"{self._program.name} ended ({_cause(code)}), and is started again in {pause:g} s")
            self._ending.wait(pause)

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        program = self._program
        with self._lock, self._log.open("ab") as log:
            if self._ending.is_set():
                return None
            self._process = subprocess.Popen(
                program.command,
                cwd=program.folder,
                env=program.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the supervisor
            )
            return self._process

    def wait_until_ready(self, deadline: float) -> None:
        while not self._program.answers():
            if not self.is_alive():
                raise NotStarted(f"{self._program.name} ended before it was ready: see {self._log}")
            if time.monotonic() > deadline:
                raise NotStarted(f"{self._program.name} is not ready in time: see {self._log}")
            time.sleep(0.1)
        self._ready = True

    def end(self) -> None:
        """Ask it to end, and see to it without waiting."""
        with self._lock:
            self._ending.set()
            process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(self._program.stop_signal)
            Thread(target=self._lose_patience, args=[process], daemon=True).start()

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            _kill_group(self._process.pid)

    def _lose_patience(self, process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(self._program.patience)
        except subprocess.TimeoutExpired:
            self._say(f"{self._program.name} does not end, and is killed")
            _kill_group(process.pid)


def _kill_group(leader: int) -> None:
    """Each program leads a group of its own, which keeps the number as long as anybody is in it."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _cause(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
