"""Fixtures that every test may use, and how hypothesis searches."""

import logging
import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from caddy_shopping.platform.telemetry.logging import QUIET
from tests.support.database import make_bench, scratch_database
from tests.support.engine import engine_of_this_run
from tests.support.kafka_of_this_run import brokers_of_this_run
from tests.support.measuring import only_here
from tests.support.redis_run import redis_of_this_run

__all__ = [
    "brokers_of_this_run",
    "engine_of_this_run",
    "make_bench",
    "only_here",
    "redis_of_this_run",
    "scratch_database",
]

# The same examples in every run, however slow the machine: a red test is red for everybody. To look for new ones:
# SHOP_HYPOTHESIS=explore.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("SHOP_HYPOTHESIS", "same"))


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Logging is one for the process: a test that sets it up, as every command does, leaves it as it was found."""
    root = logging.getLogger()
    handlers, level, show = root.handlers[:], root.level, {name: logging.getLogger(name).level for name in QUIET}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in show.items():
        logging.getLogger(name).setLevel(before)
    logging.captureWarnings(False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


LONG = ("properties", "scenarios", "deploy", "support", "architecture", "main")
"""Folders whose files take long, longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the workers begin with the long files, so that none of them is left with one at the end."""
    items.sort(key=lambda item: [not item.nodeid.startswith(f"tests/{folder}/") for folder in LONG])
