"""The migration makes the tables that the code declares, and undoes them; pictures in their folder."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect

from caddy_shopping.contexts.products.domain.errors import MediaNotFound
from caddy_shopping.contexts.products.domain.pictures import name_of
from caddy_shopping.contexts.products.infrastructure import media as media_module
from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.contexts.products.infrastructure.mapping import map_products
from caddy_shopping.contexts.products.infrastructure.media import FolderMedia
from caddy_shopping.contexts.products.module import schema
from caddy_shopping.platform.db import migrate
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.security.files import sync_folder

PNG = b"\x89PNG\r\n\x1a\n"


def drawn(connection: Connection) -> dict[str, Any]:
    """Everything that the database knows of the schema."""
    found = inspect(connection)
    picture: dict[str, Any] = {}
    for name in found.get_table_names():
        if name in tables.metadata.tables:
            columns = {(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(name)}
            indexes = {(i["name"], tuple(i["column_names"]), i["unique"]) for i in found.get_indexes(name)}
            checks = {c["name"] for c in found.get_check_constraints(name)}
            keys = {(tuple(k["constrained_columns"]), k["referred_table"]) for k in found.get_foreign_keys(name)}
            picture[name] = columns, indexes, checks, keys
    if connection.dialect.name == "sqlite":
        extra = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE type = 'trigger' OR sql LIKE '%fts5%'")
        picture["search"] = {row[0] for row in extra}
    return picture


async def test_the_migration_makes_what_is_declared_and_undoes_it(scratch_database: Database) -> None:
    await migrate.upgrade(scratch_database, schema)
    async with scratch_database.read() as connection:
        migrated = await connection.run_sync(drawn)
    await migrate.downgrade(scratch_database, schema)
    async with scratch_database.read() as connection:
        left = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert left == ["products_alembic_version"]
    async with scratch_database.writer.begin() as writing:
        await writing.run_sync(tables.metadata.create_all)
    async with scratch_database.read() as connection:
        declared = await connection.run_sync(drawn)
    assert migrated == declared
    assert ("idx_products_category_active", ("category_id", "is_active"), False) in migrated["products"][1]


@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "mariadb"])
def test_the_migration_can_be_written_for_other_databases(dialect: str) -> None:
    sql = migrate.plan(dialect, schema, None)
    assert "fts5" not in sql
    assert "CREATE INDEX idx_products_category_active ON products (category_id, is_active)" in sql


def test_mapping_twice_is_harmless() -> None:
    map_products()
    map_products()


async def test_pictures_are_kept_whole_and_found_by_name_alone(tmp_path: Path) -> None:
    media = FolderMedia(tmp_path / "media")
    name = name_of(PNG)
    await media.store(name, PNG)
    await media.store(name, PNG)
    assert await media.load(name) == PNG
    assert [path.name for path in (tmp_path / "media").iterdir()] == [name]
    (tmp_path / "secret.png").write_bytes(PNG)
    for other in ("../secret.png", "0" * 40 + ".png", ""):
        with pytest.raises(MediaNotFound):
            await media.load(other)


async def test_a_picture_is_on_the_disk_by_its_name_before_anybody_hears_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rename is safe from a power cut once its folder is synced; so is a new folder once its parent is."""
    seen: list[tuple[Path, list[str]]] = []

    def watched(folder: Path) -> None:
        seen.append((folder, [path.name for path in folder.iterdir()]))
        sync_folder(folder)

    monkeypatch.setattr(media_module, "sync_folder", watched)
    folder, name = tmp_path / "media", name_of(PNG)
    await FolderMedia(folder).store(name, PNG)
    assert seen == [(tmp_path, ["media"]), (folder, [name])]
