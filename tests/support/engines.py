"""The database engines at hand, one after another, for tests that ask each the same.

`engine_url` is an empty database on a server that the test module's tests share. Where `SHOP_TEST_ENGINE` is set, that
engine is the only one: a run for each asks no test twice.
"""

import os
from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest

from caddy_shopping.platform.db.engine import Database, open_database
from tests.support.engine import ENGINE, SQLITE, VARIABLE
from tests.support.servers import ENGINES, available

ASKED = [ENGINE.name] if VARIABLE in os.environ else [SQLITE, *ENGINES]
SERVERS = [name for name in ASKED if name != SQLITE]
_number = count()


@pytest.fixture(scope="module", params=ASKED)
def engine_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty database; an engine that is not on this machine is skipped by its name."""
    if request.param == SQLITE:
        yield f"sqlite:///{tmp_path_factory.mktemp('engine')}/shop.db"
        return
    if request.param == ENGINE.name:
        yield ENGINE.new_database()
        return
    if reason := available()[request.param]:
        pytest.skip(reason)
    with ENGINES[request.param]() as server:
        yield server.new_database(f"shop{next(_number)}")


@pytest.fixture
async def engine_database(engine_url: str) -> AsyncIterator[Database]:
    """That database, opened for one test; what earlier tests of the module wrote is still there."""
    database = open_database(engine_url)
    yield database
    await database.close()
