"""Says, as the very last lines of a run, what was skipped and how to get it: each reason once.

A reason is written `"PostgreSQL: apt install postgresql"`: the name of what is missing, and the way to it.
Load it with `-p tests.support.skips`. Where the environment variable `SHOP_TEST_SKIPPED` names a file, the lines go
there instead, for a caller (`scripts/test`) that has more to print before.
"""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

FILE = "SHOP_TEST_SKIPPED"


class Skips:
    """Collects the reasons; under xdist only in the process that sees all reports."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._note(report.longrepr)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._note(report.longrepr)

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        text = summary(self.reasons)
        if os.environ.get(FILE):
            Path(os.environ[FILE]).write_text(text)
        else:
            print(text, end="", flush=True)

    def _note(self, longrepr: object) -> None:
        reason = str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
        self.reasons[reason.removeprefix("Skipped: ")] += 1


def summary(reasons: Mapping[str, int]) -> str:
    """The lines for people."""
    if not reasons:
        return "\nNothing was skipped.\n"
    lines = [f"  {reason} ({count} {'test' if count == 1 else 'tests'})" for reason, count in sorted(reasons.items())]
    return "\n".join(["", "Skipped here, and how to get it:", *lines, ""])


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Skips(), "shop-skips")
