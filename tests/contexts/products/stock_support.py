"""Reserve stock, and let happen what becomes of it."""

from typing import Any
from uuid import UUID

from caddy_shopping.contexts.products.application.settle_stock import CancelSale, ReleaseStock, RestockReturn, SellStock
from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.contracts.products import (
    Reservation,
    ReservationLine,
)
from tests.contexts.products.conftest import Catalogue


async def reserve(catalogue: Catalogue, order_id: UUID, *lines: tuple[UUID, int], ttl: int = 900) -> Reservation:
    asked = [ReservationLine(variant_id, n) for variant_id, n in lines]
    return await catalogue.service.reserve(order_id=order_id, lines=asked, ttl_seconds=ttl)


async def state(catalogue: Catalogue, order_id: UUID) -> str:
    (found,) = {row.state for row in await catalogue.rows(tables.reserved) if row.order_id == order_id}
    return str(found)


async def settle(catalogue: Catalogue, command: Any) -> None:
    use_cases = catalogue.use_cases
    handlers: dict[type, Any] = {
        ReleaseStock: use_cases.release_stock,
        SellStock: use_cases.sell_stock,
        CancelSale: use_cases.cancel_sale,
        RestockReturn: use_cases.restock_return,
    }
    await catalogue.run(handlers[type(command)], command)
