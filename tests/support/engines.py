"""Every database engine at hand, one after another, for tests that ask each the same.

`engine_url` is an empty database on a server that the test module's tests share.
"""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest

from caddy_shopping.platform.db.engine import Database, open_database
from tests.support.servers import ENGINES, available

_number = count()


@pytest.fixture(scope="module", params=["SQLite", *ENGINES])
def engine_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty database; an engine that is not on this machine is skipped by its name."""
    if request.param == "SQLite":
        yield f"sqlite:///{tmp_path_factory.mktemp('engine')}/shop.db"
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
