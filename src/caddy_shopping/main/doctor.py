"""Is this installation well? Each finding says what to do where it is not."""

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from caddy_shopping.main.build import build
from caddy_shopping.platform.settings import Environment, Settings, load, reading

FREE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """`words` tell the state, and the remedy where `good` is False."""

    what: str
    good: bool
    words: str


async def examine() -> list[Finding]:
    """Look at the machine, the settings and the database; change nothing but the empty data folder."""
    settings = load(Settings)
    return [*_machine(settings), *_configuration(settings), *await _database(settings)]


def _machine(settings: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", sys.version_info >= (3, 11), f"{version} (3.11 or newer is needed)")
    with reading("SHOP_DATA_DIR", OSError):
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.data_dir).free
    yield Finding("Disk", free > FREE_BYTES, f"{free // 2**20:,} MiB free in {settings.data_dir} (512 are needed)")
    if settings.database.startswith("sqlite"):
        yield _sqlite()


def _sqlite() -> Finding:
    with sqlite3.connect(":memory:") as memory:
        try:
            memory.execute("CREATE VIRTUAL TABLE probe USING fts5(words, tokenize='trigram')")
        except sqlite3.OperationalError as fault:
            return Finding("SQLite", False, f"{sqlite3.sqlite_version} lacks FTS5 trigram: {fault}. Use 3.34 or newer.")
    memory.close()
    return Finding("SQLite", True, f"{sqlite3.sqlite_version} with FTS5 trigram")


def _configuration(settings: Settings) -> Iterator[Finding]:
    yield Finding("Environment", True, settings.environment.value)
    production = settings.environment is Environment.PRODUCTION
    yield Finding(
        "Public address",
        bool(settings.public_url) or not production,
        f"{settings.url}" + ("" if settings.public_url or not production else " – set SHOP_PUBLIC_URL"),
    )
    if settings.token_algorithm == "HS256":
        size = len(settings.token_secret.get_secret_value().encode())
        yield Finding("Token secret", size >= 32, f"{size} bytes (SHOP_TOKEN_SECRET needs at least 32)")


async def _database(settings: Settings) -> list[Finding]:
    process = build(settings)
    try:
        behind = await process.pending()
    except Exception as fault:
        return [Finding("Database", False, f"{type(fault).__name__}: {fault}. Check SHOP_DATABASE_URL.")]
    finally:
        await process.stop()
    engines = " and ".join(sorted({process.databases.of(each.context).dialect for each in process.schemas}))
    names = ", ".join(schema.context for schema in behind)
    remedy = f"behind: {names} – run: caddy-shopping migrate" if behind else "all contexts are up to date"
    return [Finding("Database", not behind, f"{engines}, {remedy}")]
