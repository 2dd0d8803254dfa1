"""From the selected lines of a cart to an order that awaits its payment."""

from datetime import timedelta
from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.contexts.orders.application.queries import OrderQueries
from caddy_shopping.contexts.orders.application.selection import Selection, selected_lines, variants_of
from caddy_shopping.contexts.orders.application.views import OrderView
from caddy_shopping.contexts.orders.domain.cart import CartLine
from caddy_shopping.contexts.orders.domain.errors import AddressRequired, EmailRequired, PriceChanged
from caddy_shopping.contexts.orders.domain.number import new_number
from caddy_shopping.contexts.orders.domain.order import Buyer, Order
from caddy_shopping.contexts.orders.domain.parts import Address
from caddy_shopping.contexts.orders.domain.pricing import PriceRules, Quote
from caddy_shopping.contracts.products import PriceMoved, Products, ReservationLine, VariantNotFound, VariantView
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.errors import ConcurrentChange
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.unit_of_work import UnitOfWork

Prices = dict[UUID, Money]
"""Of one piece, by variant."""


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
    rules: PriceRules
    window: timedelta
    hold: int

    async def __call__(self, command: PlaceOrder) -> OrderView:
        """Order the selected lines of the cart. Their stock is reserved, and they leave the cart.

        They cost what they cost at the moment of reserving; stock of an order that is refused after that goes back.
        """
        actor = command.actor
        lines = await selected_lines(self.queries, actor.user_id)
        buyer = Buyer(actor.user_id, _email(command), actor.language)
        order_id = new_id()
        chosen = await self._reserve(order_id, command, lines)
        try:
            quote = self._price(command, chosen)
            return await self._save(order_id, command, chosen, quote, buyer)
        except Exception as failure:
            await self._give_back(order_id, failure)
            raise

    async def _reserve(self, order_id: UUID, command: PlaceOrder, lines: list[CartLine]) -> Selection:
        """The lines with their variants, as they were sold at the moment that they were set aside.

        What is refused takes nothing off the shelf, where others would miss it meanwhile. So what cannot be sent is
        priced first; and where the buyer says a total, products refuses what costs something else than in the cart,
        and then it is priced first too.
        """
        for prices in (self._prices_seen(command, lines), None):
            known = await self._prices_now(command, lines) if prices is None else prices
            wanted = [ReservationLine(line.variant_id, line.quantity, known.get(line.variant_id)) for line in lines]
            try:
                reservation = await self.products.reserve(order_id=order_id, lines=wanted, ttl_seconds=self.hold)
            except PriceMoved:
                continue
            except VariantNotFound:
                await self._variants(command, lines)  # says which lines, in the cart's words
                break  # it is sold again
            return Selection.of(lines, reservation.variants)
        raise ConcurrentChange()

    def _prices_seen(self, command: PlaceOrder, lines: list[CartLine]) -> Prices | None:
        """What the buyer may have seen, as far as it matters; None where the order is most likely refused."""
        country = command.address.country if command.address else None
        if not self.rules.ships(command.shipping_method, country):
            return None
        return {} if command.expected_total is None else {line.variant_id: line.price for line in lines}

    async def _prices_now(self, command: PlaceOrder, lines: list[CartLine]) -> Prices:
        variants = await self._variants(command, lines)
        self._price(command, Selection.of(lines, variants))
        return {variant.id: variant.price for variant in variants}

    async def _variants(self, command: PlaceOrder, lines: list[CartLine]) -> list[VariantView]:
        return await variants_of(lines, self.products, command.actor.language)

    def _price(self, command: PlaceOrder, chosen: Selection) -> Quote:
        address = command.address
        quote = self.rules.quote(chosen.items, command.shipping_method, address.country if address else None)
        if address is None and quote.shipping.method is not None:
            raise AddressRequired()
        if command.expected_total is not None and command.expected_total != quote.total:
            raise PriceChanged(expected=command.expected_total, total=quote.total)
        return quote

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


def _email(command: PlaceOrder) -> str:
    email = command.email or command.actor.email
    if email is None:
        raise EmailRequired()
    return email.lower()
