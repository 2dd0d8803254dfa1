"""Where coverage counts lines: in this process, and in the processes of the tests that ask for it.

Counting doubles what everything costs, calls within libraries too: each is asked for its greenlet. So it is left out
where other tests run the same lines.
"""

import os
import sys
from collections.abc import Iterator

import pytest

VARIABLE = "COVERAGE_PROCESS_CONFIG"
"""By this one coverage starts itself in a new process."""


@pytest.fixture(scope="session", autouse=True)
def how_to_measure() -> str | None:
    """What the variable says; from here on it is not set."""
    return os.environ.pop(VARIABLE, None)


@pytest.fixture(scope="module")
def measured_processes(how_to_measure: str | None) -> Iterator[None]:
    """For tests that start processes whose lines no other test runs."""
    with pytest.MonkeyPatch.context() as patch:
        if how_to_measure is not None:
            patch.setenv(VARIABLE, how_to_measure)
        yield


@pytest.fixture(scope="module")
def unmeasured() -> Iterator[None]:
    """For tests that run the same lines many times."""
    tracer = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(tracer)
