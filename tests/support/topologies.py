"""The shop of a scenario, as one process or as five services: `SHOP_TEST_TOPOLOGY=services` asks for the latter."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support import gateway
from tests.support.shop import ForkedShop, Shop
from tests.support.split_shop import SplitShop

VARIABLE = "SHOP_TEST_TOPOLOGY"
SPLIT = os.environ.get(VARIABLE) == "services"
one_process = pytest.mark.skipif(SPLIT, reason="one process only: it is about the process itself")


def shop_in(data_dir: Path, environment: Mapping[str, str] | None = None) -> Shop:
    """Not started yet. In one process its contexts talk as across processes."""
    if not SPLIT:
        return ForkedShop(data_dir, {"SHOP_THROUGH_WIRE": "true", **(environment or {})})
    if reason := gateway.missing():
        pytest.skip(reason)
    return SplitShop(data_dir, environment)
