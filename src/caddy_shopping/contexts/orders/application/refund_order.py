"""Money goes back to the buyer."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.permissions import MANAGE
from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.contexts.orders.application.views import OrderView
from caddy_shopping.contexts.orders.domain.errors import RefundUnclear
from caddy_shopping.contexts.orders.domain.order import Order
from caddy_shopping.contexts.orders.domain.parts import summed
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.events import check_version
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class RefundOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Either an `amount`, or `lines` (line id, quantity) whose price is given back."""

    actor: Actor
    order_id: UUID
    version: int
    reason: str
    amount: Money | None = None
    lines: list[tuple[UUID, int]] | None = None
    restock: bool = False


class RefundOrderHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    clock: Clock

    async def __call__(self, command: RefundOrder) -> OrderView:
        """Refund an order in part or whole; payments moves the money, and the order hears when it is done."""
        command.actor.require(MANAGE)
        async with self.uow() as tx:
            order = await tx.orders.get(command.order_id)
            check_version(order, command.version)
            self._refund(order, command)
            return tx.reply(OrderView.of(order))

    def _refund(self, order: Order, command: RefundOrder) -> None:
        lines, amount, now = command.lines, command.amount, self.clock.now()
        if lines is not None and amount is None:
            order.refund_lines(summed(lines), command.restock, command.reason, command.actor, now)
        elif amount is not None and lines is None and not command.restock:
            order.refund_amount(amount, command.reason, command.actor, now)
        else:
            raise RefundUnclear()
