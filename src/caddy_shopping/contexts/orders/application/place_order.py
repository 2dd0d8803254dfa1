"""From the selected lines of a cart to an order that awaits its payment."""

from datetime import timedelta
from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.contexts.orders.application.queries import OrderQueries
from caddy_shopping.contexts.orders.application.selection import Selection, select_for_order
from caddy_shopping.contexts.orders.application.views import OrderView
from caddy_shopping.contexts.orders.domain.errors import AddressRequired, EmailRequired, PriceChanged
from caddy_shopping.contexts.orders.domain.number import new_number
from caddy_shopping.contexts.orders.domain.order import Buyer, Order
from caddy_shopping.contexts.orders.domain.parts import Address
from caddy_shopping.contexts.orders.domain.pricing import PriceRules, Quote
from caddy_shopping.contracts.products import Products, ReservationLine
from caddy_shopping.contracts.users import Users
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True):
    """`email` is required of guests. `expected_total` is what the buyer saw last."""

    actor: Actor
    shipping_method: str | None = None
    address: Address | None = None
    email: str | None = None
    note: str | None = None
    expected_total: Money | None = None


class PlaceOrderHandler(msgspec.Struct, frozen=True):
    """`window` is how long an order awaits its payment, `hold` how long stock waits for the order (seconds)."""

    uow: UnitOfWork[OrdersTransaction]
    clock: Clock
    queries: OrderQueries
    products: Products
    users: Users
    rules: PriceRules
    window: timedelta
    hold: int

    async def __call__(self, command: PlaceOrder) -> OrderView:
        """Order the selected lines of the cart. Their stock is reserved, and they leave the cart."""
        actor = command.actor
        chosen = await select_for_order(self.queries, self.products, actor.user_id, actor.language)
        quote = self._price(command, chosen)
        buyer = Buyer(actor.user_id, await self._email(command), actor.language)
        order_id = new_id()
        wanted = [ReservationLine(variant_id=variant.id, quantity=quantity) for variant, quantity in chosen.items]
        await self.products.reserve(order_id=order_id, lines=wanted, ttl_seconds=self.hold)
        try:
            return await self._save(order_id, command, chosen, quote, buyer)
        except Exception as failure:
            await self._give_back(order_id, failure)
            raise

    def _price(self, command: PlaceOrder, chosen: Selection) -> Quote:
        address = command.address
        quote = self.rules.quote(chosen.items, command.shipping_method, address.country if address else None)
        if address is None and quote.shipping.method is not None:
            raise AddressRequired()
        if command.expected_total is not None and command.expected_total != quote.total:
            raise PriceChanged(expected=command.expected_total, total=quote.total)
        return quote

    async def _email(self, command: PlaceOrder) -> str:
        email = command.email
        if email is None and command.actor.role is not Role.GUEST:
            email = (await self.users.get_user(user_id=command.actor.user_id)).email
        if email is None:
            raise EmailRequired()
        return email.lower()

    async def _save(
        self, order_id: UUID, command: PlaceOrder, chosen: Selection, quote: Quote, buyer: Buyer
    ) -> OrderView:
        now = self.clock.now()
        order = Order.place(
            order_id, new_number(), buyer, quote, command.address, command.note, command.actor, now, now + self.window
        )
        async with self.uow() as tx:
            await tx.claims.place(order_id, order.number, now)
            # Conditional on how the lines were read: of two orders from one cart, only one finds them.
            await tx.carts.remove(buyer.user_id, chosen.lines)
            tx.orders.add(order)
            return tx.reply(OrderView.of(order))

    async def _give_back(self, order_id: UUID, failure: Exception) -> None:
        """Release what was reserved, but only once the id is barred: a commit may have succeeded unheard.

        Where this fails too, the reservation runs out by itself, which asks the same question.
        """
        try:
            async with self.uow() as tx:
                _, refused = await tx.claims.settle([order_id], self.clock.now())
            if refused:
                await self.products.release(order_id=order_id)
        except Exception as another:
            failure.add_note(f"stock of {order_id} stays reserved until its deadline: {another!r}")
