"""`caddy-shopping` as a fork of a process that has loaded all of its code: a start then costs no second of loading.

What a fork runs is the command's own `main`, with the arguments and the environment of its own. That the real command
line starts as well is shown by those who use it: `Shop`, and the scenarios of commands, lifecycle and crashes.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import TimeoutExpired

LOADED = (
    "tests.support.forked",
    "uvloop",
    "caddy_shopping.main.commands",
    "caddy_shopping.main.build",
    "caddy_shopping.main.prepare",
    "caddy_shopping.main.serve",
    "caddy_shopping.main.verify.crowd",
    "caddy_shopping.contexts.payments.infrastructure.sandbox.posting",
    "litestar.plugins.pydantic",
    "alembic.command",
)
"""What is loaded before the first fork: all that a first start needs."""


class Fork:
    """One running command, with as much of `subprocess.Popen` as a `Shop` needs. It ends with this process."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        log.touch()
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(LOADED))
        self._process = context.Process(target=_run, args=(arguments, dict(environment), log), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code; None while it runs. Negative: the signal that ended it."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. Raises `subprocess.TimeoutExpired`."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise TimeoutExpired("caddy-shopping", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def _run(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    from caddy_shopping.main.cli import main

    os.environ.clear()
    os.environ.update(environment)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for descriptor in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(out, descriptor)
    sys.argv = ["caddy-shopping", *arguments]
    main()
