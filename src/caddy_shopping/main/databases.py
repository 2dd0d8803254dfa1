"""Where each context's tables are: in the shop's database, or in one of its own (`SHOP_ORDERS_DATABASE_URL`)."""

from collections.abc import Iterable, Mapping

from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.exc import ArgumentError, InvalidRequestError

from caddy_shopping.platform.db.engine import Database, open_database
from caddy_shopping.platform.settings import Settings, load, reading

LOOKS_LIKE = "A database's URL (sqlite:///path, postgresql+asyncpg://…, mariadb+asyncmy://…, mysql+asyncmy://…)"


class ContextDatabase(BaseSettings):
    """`SHOP_<CONTEXT>_DATABASE_URL`; empty: the shop's."""

    model_config = SettingsConfigDict(extra="ignore")

    database_url: str = ""


class Databases:
    """One opened database for each URL that is named, however many contexts share it."""

    def __init__(self, settings: Settings, contexts: Iterable[str]) -> None:
        self._urls = {context: _url_of(context) or settings.database for context in contexts}
        with reading(LOOKS_LIKE, ArgumentError, InvalidRequestError, ImportError):
            self._opened = {
                url: open_database(url, pool_size=settings.pool_size, pool_timeout=settings.pool_timeout_seconds)
                for url in sorted(set(self._urls.values()))
            }

    def of(self, context: str) -> Database:
        """The database that holds a context's tables."""
        return self._opened[self._urls[context]]

    def named(self) -> Mapping[str, Database]:
        """Each once: `database` alone, or `database-orders` and so on, after the first context that lives there."""
        first = {url: context for context, url in reversed(self._urls.items())}
        alone = len(self._opened) == 1
        return {"database" if alone else f"database-{first[url]}": each for url, each in self._opened.items()}

    async def close(self) -> None:
        for database in self._opened.values():
            await database.close()


def _url_of(context: str) -> str:
    return load(ContextDatabase, _env_prefix=f"SHOP_{context.upper()}_").database_url
