"""Data folders as a first start leaves them: made once in each process of the tests, and copied."""

import atexit
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from tests.support.engine import ENGINE
from tests.support.shop import ForkedShop, Shop
from tests.support.topologies import shop_in

_MADE: dict[tuple[str, ...], tuple[Path, tuple[str, str] | None]] = {}


@contextmanager
def running_shop(data_dir: Path, environment: Mapping[str, str] | None = None) -> Iterator[Shop]:
    """A shop with the demo catalogue, stopped at the end whatever happens."""
    shop = shop_in(data_dir, environment)
    furnish(shop)
    try:
        shop.start()
        yield shop
        shop.stop()
    finally:
        shop.kill()


def furnish(shop: Shop, *arguments: str) -> None:
    """Spare a new shop its first start: the tables, keys, sign-in and products that `serve` would make are there.

    Only where its database is a file. Installations that are furnished alike have the same keys and sign-in.
    """
    if ENGINE.embedded and not any(name.endswith("DATABASE_URL") for name in shop.environment):
        folder, shop.admin = _made(arguments)
        shutil.copytree(folder, shop.data_dir, dirs_exist_ok=True)


def _made(arguments: tuple[str, ...]) -> tuple[Path, tuple[str, str] | None]:
    if arguments not in _MADE:
        folder = Path(mkdtemp(prefix="shop-furnished-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        first = ForkedShop(folder)
        first.start(*arguments)
        assert first.stop() == 0, first.output
        (first.data_dir / "serve.log").unlink()
        _MADE[arguments] = folder, first.admin
    return _MADE[arguments]
