"""A database that is made for one proof and dropped after it, beside the one that the proof is about."""

import os
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

PREFIX = "shop_verify_"
IMPATIENT = {
    "SHOP_IDEMPOTENCY_LEASE_SECONDS": "2",
    "SHOP_ORDERS_HOLD_SECONDS": "10",
    "SHOP_PRODUCTS_SWEEP_SECONDS": "1",
    "SHOP_PAYMENTS_SWEEP_EVERY_SECONDS": "1",
    "SHOP_PAYMENTS_RECONCILE_AFTER_SECONDS": "3",
    "SHOP_PAYMENTS_RECONCILE_EVERY_SECONDS": "1",
}
"""What heals itself after a crash does so within seconds, so that one can wait for it."""
HARMLESS = {"SHOP_NOTIFICATIONS_SMTP_HOST": "", "SHOP_PAYMENTS_PROVIDER": "sandbox", "SHOP_LOG_LEVEL": "WARNING"}
"""Nobody gets a mail and nobody pays, whatever the installation's secret files say."""


class NotPossible(RuntimeError):
    """The proof cannot be made here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """`folder` takes files; `url` is an empty database."""

    folder: Path
    url: str

    @property
    def shown(self) -> str:
        return make_url(self.url).render_as_string(hide_password=True)

    @property
    def environment(self) -> dict[str, str]:
        """For a shop on this scratch: none of the installation's own settings, of which some reach the world."""
        others = {name: value for name, value in os.environ.items() if not name.upper().startswith("SHOP_")}
        return others | IMPATIENT | HARMLESS | {"SHOP_DATA_DIR": str(self.folder), "SHOP_DATABASE_URL": self.url}


@asynccontextmanager
async def scratch(url: str) -> AsyncIterator[Scratch]:
    """A scratch on the same server (or, for SQLite, on the same disk) as `url`. Raises `NotPossible`."""
    parsed = make_url(url)
    embedded = parsed.get_backend_name() == "sqlite"
    beside = _folder_of(parsed.database or ".") if embedded else None
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=beside, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if embedded:
            yield Scratch(folder, f"sqlite:///{folder / 'shop.db'}")
            return
        database = f"{PREFIX}{secrets.token_hex(4)}"
        await _create(parsed, database)
        try:
            yield Scratch(folder, parsed.set(database=database).render_as_string(hide_password=False))
        finally:
            await _say(parsed, f"DROP DATABASE {database}" + (" WITH (FORCE)" if _postgresql(parsed) else ""))


def _folder_of(file: str) -> Path:
    folder = Path(file).absolute().parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def _create(url: URL, database: str) -> None:
    try:
        await _say(url, f"CREATE DATABASE {database}" + ("" if _postgresql(url) else _UTF8))
    except (DBAPIError, OSError) as fault:
        raise NotPossible(_remedy(url, str(getattr(fault, "orig", fault)))) from fault


_UTF8 = " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"


def _remedy(url: URL, words: str) -> str:
    where = url.render_as_string()
    if "denied" not in words.lower():
        return f"{where} cannot be used: {words}"
    if _postgresql(url):
        grant = f"ALTER ROLE {url.username} CREATEDB;"
    else:
        names = PREFIX.replace("_", r"\_") + "%"
        grant = f"GRANT ALL PRIVILEGES ON `{names}`.* TO '{url.username}';"
    return f"No scratch database may be created beside {where} ({words}). As its administrator: {grant}"


async def _say(url: URL, statement: str) -> None:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.execute(text(statement))


def _postgresql(url: URL) -> bool:
    return url.get_backend_name() == "postgresql"
