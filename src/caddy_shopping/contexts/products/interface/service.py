"""The contract `Products`, for the other contexts."""

from dataclasses import dataclass
from uuid import UUID

from caddy_shopping.contexts.products.application.reserve_stock import ReserveStock
from caddy_shopping.contexts.products.application.settle_stock import ReleaseStock
from caddy_shopping.contexts.products.application.use_cases import UseCases
from caddy_shopping.contracts.products import Reservation, ReservationLine, VariantView
from caddy_shopping.platform.executor import Executor


@dataclass(frozen=True, slots=True)
class ProductsService:
    """See `contracts.products.Products`."""

    use_cases: UseCases
    run: Executor

    async def get_variants(self, *, variant_ids: list[UUID]) -> list[VariantView]:
        return await self.use_cases.queries.variants(variant_ids) if variant_ids else []

    async def reserve(self, *, order_id: UUID, lines: list[ReservationLine], ttl_seconds: int) -> Reservation:
        command = ReserveStock(order_id=order_id, lines=lines, ttl_seconds=ttl_seconds)
        return await self.run(self.use_cases.reserve_stock, command)

    async def release(self, *, order_id: UUID) -> None:
        await self.run(self.use_cases.release_stock, ReleaseStock(order_id=order_id))
