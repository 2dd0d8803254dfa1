"""Coverage counts lines in the tests' own processes: what they start runs the same lines, half as fast if counted."""

import os
import sys
from collections.abc import Iterator

import pytest

VARIABLE = "COVERAGE_PROCESS_CONFIG"
"""By this one coverage starts itself in a new process, as in the workers of pytest-xdist."""


@pytest.fixture(scope="session", autouse=True)
def only_here() -> None:
    os.environ.pop(VARIABLE, None)


@pytest.fixture(scope="module")
def unmeasured() -> Iterator[None]:
    """For tests that run the same lines many times."""
    tracer = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(tracer)
