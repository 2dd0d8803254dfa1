"""Ways to break a shop in a process of its own, before it is built; each is a `prepare` of `verify oversell`."""

import asyncio
import os
from collections.abc import Iterable, Mapping
from uuid import UUID

import msgspec
from pydantic import SecretStr
from sqlalchemy import bindparam, text, update

from caddy_shopping.contexts.products.application import reserve_stock
from caddy_shopping.contexts.products.domain.stock import ShelfItem
from caddy_shopping.contexts.products.infrastructure import repositories
from caddy_shopping.contexts.products.infrastructure.stock import SqlStock
from caddy_shopping.contexts.products.infrastructure.tables import variants
from caddy_shopping.contracts.products import ReservationLine
from caddy_shopping.main.process import Process
from caddy_shopping.main.verify import crowd
from caddy_shopping.platform.db.prepared import Prepared
from caddy_shopping.platform.settings import Settings

CHECK = "ck_product_variants_stock"


class CarelessStock(SqlStock):
    """Takes without asking whether there is enough."""

    TAKE = Prepared(
        update(variants)
        .where(variants.c.id == bindparam("variant"))
        .values(stock=variants.c.stock - bindparam("n"), reserved=variants.c.reserved + bindparam("n"))
    )

    async def shelf(self, variant_ids: Iterable[UUID]) -> dict[UUID, ShelfItem]:
        found = await super().shelf(variant_ids)
        return {item.id: msgspec.structs.replace(item, stock=1_000_000) for item in found.values()}

    async def take(self, units: Mapping[UUID, int]) -> None:
        for variant, n in units.items():
            await self._tx.run(self.TAKE, {"variant": variant, "n": n})


class UncheckedStock(CarelessStock):
    """And SQLite does not look either."""

    async def take(self, units: Mapping[UUID, int]) -> None:
        await self._tx.execute(text("PRAGMA ignore_check_constraints=ON"))
        await super().take(units)


def without_the_condition() -> None:
    """Neither the UPDATE nor the table asks whether there is enough."""
    embedded = os.environ["SHOP_DATABASE_URL"].startswith("sqlite")
    repositories.SqlStock = UncheckedStock if embedded else CarelessStock  # type: ignore[attr-defined]
    migrate = Process.migrate

    async def migrate_and_uncheck(process: Process) -> list[str]:
        done = await migrate(process)
        async with process.databases.of("products").writer.begin() as connection:
            found = await connection.execute(
                text("SELECT COUNT(*) FROM information_schema.check_constraints WHERE constraint_name = :name"),
                {"name": CHECK},
            )
            if found.scalar_one():  # TiDB keeps none unless it is told to
                await connection.execute(text(f"ALTER TABLE product_variants DROP CONSTRAINT {CHECK}"))
        return done

    if not embedded:
        Process.migrate = migrate_and_uncheck  # type: ignore[assignment]


class StockHeldOneByOne(SqlStock):
    """Holds variants as the buyer took them up, and in between there is time for another order."""

    async def shelf(self, variant_ids: Iterable[UUID]) -> dict[UUID, ShelfItem]:
        found = dict[UUID, ShelfItem]()
        for variant_id in variant_ids:
            found |= await super().shelf([variant_id])
            await asyncio.sleep(0.02)
        return found


def unsorted() -> None:
    """The use case asks for its lines in the order in which the buyer took them up."""
    reserve_stock.demand = as_it_comes  # type: ignore[attr-defined]


def held_one_by_one() -> None:
    """And gets them in that order."""
    unsorted()
    repositories.SqlStock = StockHeldOneByOne  # type: ignore[attr-defined]


def as_it_comes(lines: Iterable[ReservationLine]) -> dict[UUID, int]:
    """`demand` without its order."""
    return {line.variant_id: line.quantity for line in lines}


def on_redis(url: str) -> None:
    """Not broken, but sharing what there is to share."""
    build = crowd.build  # type: ignore[attr-defined]

    def build_there(settings: Settings) -> Process:
        process: Process = build(settings.model_copy(update={"redis_url": SecretStr(url)}))
        return process

    crowd.build = build_there  # type: ignore[attr-defined, assignment]
