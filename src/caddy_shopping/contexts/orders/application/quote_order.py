"""What would it cost?"""

import msgspec

from caddy_shopping.contexts.orders.application.explain import explain
from caddy_shopping.contexts.orders.application.queries import OrderQueries
from caddy_shopping.contexts.orders.application.selection import select_for_order
from caddy_shopping.contexts.orders.application.views import QuoteView
from caddy_shopping.contexts.orders.domain.parts import Address
from caddy_shopping.contexts.orders.domain.pricing import PriceRules
from caddy_shopping.contracts.products import Products
from caddy_shopping.kernel.actor import Actor


class QuoteOrder(msgspec.Struct, frozen=True, kw_only=True):
    """`shipping_method` None takes the first that is offered."""

    actor: Actor
    shipping_method: str | None = None
    address: Address | None = None


class QuoteOrderHandler(msgspec.Struct, frozen=True):
    queries: OrderQueries
    products: Products
    rules: PriceRules

    async def __call__(self, command: QuoteOrder) -> QuoteView:
        """Price the selected lines with shipping and tax, each step explained. Reserves nothing."""
        actor = command.actor
        chosen = await select_for_order(self.queries, self.products, actor.user_id, actor.language)
        country = command.address.country if command.address else None
        return explain(self.rules.quote(chosen.items, command.shipping_method, country), actor.language)
