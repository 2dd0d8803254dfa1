"""Payments on a scratch database, with orders that a test can set up and a provider that can fail."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Table, func, select, update

from caddy_shopping.contexts.payments.application.ports import Notice
from caddy_shopping.contexts.payments.application.process_webhook import ProcessWebhook
from caddy_shopping.contexts.payments.application.receive_webhook import Received, ReceiveWebhook
from caddy_shopping.contexts.payments.application.refund_payment import RefundPayment
from caddy_shopping.contexts.payments.application.start_payment import StartPayment
from caddy_shopping.contexts.payments.application.use_cases import UseCases
from caddy_shopping.contexts.payments.application.views import PaymentView
from caddy_shopping.contexts.payments.application.void_payment import VoidPayment
from caddy_shopping.contexts.payments.domain.errors import ProviderUnavailable
from caddy_shopping.contexts.payments.domain.payment import Sighting
from caddy_shopping.contexts.payments.domain.refund import RefundSighting
from caddy_shopping.contexts.payments.infrastructure.sandbox import tables as sandbox_tables
from caddy_shopping.contexts.payments.infrastructure.sandbox.ledger import Ledger
from caddy_shopping.contexts.payments.infrastructure.sandbox.mailbox import Mailbox, Outgoing
from caddy_shopping.contexts.payments.infrastructure.sandbox.provider import SandboxProvider
from caddy_shopping.contexts.payments.module import assemble
from caddy_shopping.contexts.payments.settings import PaymentsSettings
from caddy_shopping.contracts.orders import OrderNotFound, PayableOrder, Settlement
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.security.signatures import WebhookSecrets
from tests.support.database import Bench

SECRET = b"0123456789abcdef0123456789abcdef"
OLD_SECRET = b"fedcba9876543210fedcba9876543210"


def a_customer() -> Actor:
    return Actor(Role.CUSTOMER, new_id(), new_id())


def a_clerk() -> Actor:
    return Actor(Role.STAFF, new_id(), new_id(), frozenset({"payments:manage"}))


@dataclass
class FakeOrders:
    """Satisfies `contracts.orders.Orders` for what payments asks."""

    orders: dict[UUID, PayableOrder] = field(default_factory=dict)

    async def get_payable(self, *, order_id: UUID) -> PayableOrder:
        if order_id not in self.orders:
            raise OrderNotFound()
        return self.orders[order_id]

    async def settle(self, *, order_ids: list[UUID]) -> Settlement:
        known = [each for each in order_ids if each in self.orders]
        return Settlement(placed=known, refused=[each for each in order_ids if each not in self.orders])

    def change(self, order_id: UUID, **fields: Any) -> None:
        self.orders[order_id] = msgspec.structs.replace(self.orders[order_id], **fields)


@dataclass
class Flaky:
    """A provider whose line breaks: `before` a named call has its effect, or `after`, as often as told."""

    inner: SandboxProvider
    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    @property
    def methods(self) -> frozenset[str]:
        return self.inner.methods

    async def create_intent(self, **given: Any) -> Sighting:
        return await self._call("create_intent", given)  # type: ignore[no-any-return]

    async def capture(self, **given: Any) -> Sighting:
        return await self._call("capture", given)  # type: ignore[no-any-return]

    async def void(self, **given: Any) -> Sighting:
        return await self._call("void", given)  # type: ignore[no-any-return]

    async def refund(self, **given: Any) -> RefundSighting:
        return await self._call("refund", given)  # type: ignore[no-any-return]

    async def fetch(self, **given: Any) -> Sighting | None:
        return await self._call("fetch", given)  # type: ignore[no-any-return]

    async def fetch_refund(self, **given: Any) -> RefundSighting | None:
        return await self._call("fetch_refund", given)  # type: ignore[no-any-return]

    def parse_webhook(self, *, headers: Mapping[str, str], body: bytes) -> Notice:
        return self.inner.parse_webhook(headers=headers, body=body)

    async def _call(self, name: str, given: dict[str, Any]) -> Any:
        self.calls.append(name)
        _break(self.before, name)
        answer = await getattr(self.inner, name)(**given)
        _break(self.after, name)
        return answer


def _break(plan: dict[str, int], name: str) -> None:
    if plan.get(name, 0) > 0:
        plan[name] -= 1
        raise ProviderUnavailable(retry_after=1)


@dataclass
class World:
    bench: Bench
    orders: FakeOrders
    provider: Flaky
    use_cases: UseCases
    secrets: WebhookSecrets
    sent: list[Outgoing]
    settings: PaymentsSettings

    def an_order(self, user: Actor | None = None, amount: int = 9999, **fields: Any) -> PayableOrder:
        order = PayableOrder(
            id=new_id(),
            number="20260314-0001",
            user_id=(user or a_customer()).user_id,
            status=fields.get("status", "PENDING_PAYMENT"),
            total=Money(amount, "CNY"),
            expires_at=self.bench.clock.now() + fields.get("expires_in", timedelta(minutes=30)),
        )
        self.orders.orders[order.id] = order
        return order

    async def pay(self, order: PayableOrder, method: str = "sandbox_ok", actor: Actor | None = None) -> PaymentView:
        actor = actor or Actor(Role.CUSTOMER, order.user_id, new_id())
        command = StartPayment(actor=actor, order_id=order.id, method=method)
        return await self.bench.kit.run(self.use_cases.start_payment, command)

    async def paid(self, amount: int = 9999, method: str = "sandbox_ok") -> PaymentView:
        """A payment whose webhook came."""
        order = self.an_order(amount=amount)
        payment = await self.pay(order, method)
        await self.deliver()
        return await self.see(payment)

    async def see(self, payment: PaymentView) -> PaymentView:
        rows = await self.rows(self.tables("payments"))
        user_id = next(row.user_id for row in rows if row.id == payment.id)
        return await self.use_cases.queries.payment(actor=Actor(Role.CUSTOMER, user_id), payment_id=payment.id)

    async def cancel(self, order: PayableOrder, event_id: UUID | None = None) -> bool:
        return await self.bench.kit.run.consume(
            "payments.order-cancelled",
            event_id or new_id(),
            self.use_cases.void_payment,
            VoidPayment(order_id=order.id),
        )

    async def ask_refund(
        self, order_id: UUID, amount: int, refund_id: UUID | None = None, event_id: UUID | None = None
    ) -> UUID:
        refund_id = refund_id or new_id()
        command = RefundPayment(
            order_id=order_id, refund_id=refund_id, amount=Money(amount, "CNY"), reason="does not fit"
        )
        handler = self.use_cases.refund_payment
        await self.bench.kit.run.consume("payments.order-refund-requested", event_id or new_id(), handler, command)
        return refund_id

    async def receive(self, webhook: Outgoing, secrets: WebhookSecrets | None = None) -> Received:
        headers = (secrets or self.secrets).sign(webhook.event_id, webhook.body, self.bench.clock.now())
        command = ReceiveWebhook(provider="sandbox", headers=headers, body=webhook.body)
        return await self.bench.kit.run(self.use_cases.receive_webhook, command)

    async def deliver(self) -> int:
        """Receive and process every webhook that the sandbox has sent since the last call."""
        sent = list(self.sent)
        self.sent.clear()
        for webhook in sent:
            received = await self.receive(webhook)
            if received.pending is not None:
                await self.bench.kit.run(self.use_cases.process_webhook, ProcessWebhook(webhook=received.pending))
        return len(sent)

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        return [(kind, msgspec.json.decode(payload)) for kind, payload in await self.bench.outbox()]

    async def event_names(self) -> list[str]:
        return [kind for kind, _ in await self.events()]

    def tables(self, name: str) -> Table:
        return sandbox_tables.intents.metadata.tables[name]

    async def rows(self, table: Table) -> list[Any]:
        async with self.bench.kit.database.read() as connection:
            return list(await connection.execute(select(table)))

    async def count(self, name: str) -> int:
        async with self.bench.kit.database.read() as connection:
            found = await connection.scalar(select(func.count()).select_from(self.tables(name)))
        assert found is not None
        return found

    async def set(self, name: str, **values: Any) -> None:
        async with self.bench.kit.database.writer.begin() as connection:
            await connection.execute(update(self.tables(name)).values(**values))


def make_world(bench: Bench, settings: PaymentsSettings | None = None) -> World:
    settings = settings or PaymentsSettings()
    kit, sent, secrets = bench.kit, list[Outgoing](), WebhookSecrets([SECRET])
    ledger = Ledger(kit.database, kit.clock, Mailbox(kit.database), sent.extend, settings.sandbox_slow)
    provider = Flaky(SandboxProvider(ledger, secrets, kit.clock))
    orders = FakeOrders()
    use_cases = assemble(kit, settings, orders, {"sandbox": provider})
    return World(bench, orders, provider, use_cases, secrets, sent, settings)
