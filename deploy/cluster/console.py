"""What every program says, on one terminal: each line with the name of who said it."""

import sys
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Self, TextIO

EVERY = 0.1
"""Seconds between two looks at the files."""
COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)
OWN = "cluster"


class Console:
    """Follows the files of `logs`, new ones too. They are the truth: a terminal that is slow or gone holds nobody up.

    The files of the run before are kept as `<name>.log.1`.
    """

    def __init__(self, logs: Path, out: TextIO = sys.stdout) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        for old in logs.glob("*.log"):
            old.replace(old.with_suffix(".log.1"))
        self._logs, self._out = logs, out
        self._read: dict[str, int] = {}
        self._closing = Event()
        self._follower = Thread(target=self._follow, daemon=True)

    def say(self, line: str) -> None:
        """A line of the cluster's own."""
        with (self._logs / f"{OWN}.log").open("a") as log:
            log.write(line + "\n")

    def __enter__(self) -> Self:
        self._follower.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._follower.join()

    def _follow(self) -> None:
        with suppress(OSError):  # nobody reads us any more
            while not self._closing.wait(EVERY):
                self._show_new()
            self._show_new()

    def _show_new(self) -> None:
        # The cluster's own words come after what they are about.
        for name in sorted((path.stem for path in self._logs.glob("*.log")), key=lambda name: (name == OWN, name)):
            with (self._logs / f"{name}.log").open("rb") as log:
                log.seek(self._read.get(name, 0))
                # What has no end yet is somebody in the midst of a line.
                said = log.read().rpartition(b"\n")[0]
            if said:
                self._read[name] = self._read.get(name, 0) + len(said) + 1
                self._out.writelines(self._named(name, line) for line in said.decode(errors="replace").split("\n"))
        self._out.flush()

    def _named(self, name: str, line: str) -> str:
        label = f"{name:<20} |"
        if self._out.isatty():
            label = f"\033[{COLOURS[sum(map(ord, name)) % len(COLOURS)]}m{label}\033[0m"
        return f"{label} {line}\n"
