"""Coverage counts lines in the tests' own processes: what they start runs the same lines, half as fast if counted."""

import os

import pytest

VARIABLE = "COVERAGE_PROCESS_CONFIG"
"""By this one coverage starts itself in a new process, as in the workers of pytest-xdist."""


@pytest.fixture(scope="session", autouse=True)
def only_here() -> None:
    os.environ.pop(VARIABLE, None)
