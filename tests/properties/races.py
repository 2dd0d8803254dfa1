"""Ways to break a shop in a process of its own, before it is built; each is a `prepare` of `verify oversell`."""

import asyncio
import os
from collections.abc import Iterable
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import bindparam, text, update

from caddy_shopping.contexts.products.application import reserve_stock
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


class UncheckedStock(CarelessStock):
    """And SQLite does not look either."""

    async def take(self, variant_id: UUID, quantity: int) -> bool:
        await self._tx.execute(text("PRAGMA ignore_check_constraints=ON"))
        return await super().take(variant_id, quantity)


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


class SlowStock(SqlStock):
    """Between two lines of one order there is time for another order."""

    async def take(self, variant_id: UUID, quantity: int) -> bool:
        taken = await super().take(variant_id, quantity)
        await asyncio.sleep(0.02)
        return taken


def slowly() -> None:
    """Make every order with several lines meet others between them."""
    repositories.SqlStock = SlowStock  # type: ignore[attr-defined]


def slowly_without_the_sort() -> None:
    """Lines are taken in the order in which the buyer took them up."""
    slowly()
    reserve_stock.demand = as_it_comes  # type: ignore[attr-defined]


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
