"""The sandbox's books: which intents and refunds there are. Each change commits with the webhooks that tell it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Update, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from caddy_shopping.contexts.payments.domain.errors import PaymentNotFound
from caddy_shopping.contexts.payments.domain.payment import PaymentStatus, Sighting
from caddy_shopping.contexts.payments.domain.refund import RefundSighting
from caddy_shopping.contexts.payments.infrastructure.sandbox import tables
from caddy_shopping.contexts.payments.infrastructure.sandbox.intent import BARRED, Intent, refund_sighting
from caddy_shopping.contexts.payments.infrastructure.sandbox.mailbox import Mailbox, Outgoing
from caddy_shopping.contexts.payments.infrastructure.sandbox.messages import MessageData
from caddy_shopping.contexts.payments.infrastructure.sandbox.methods import METHODS, Outcome
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.lines import Writing
from caddy_shopping.platform.db.prepared import Prepared

_intents, _refunds = tables.intents, tables.refunds
_AUTHORIZING = [name for name, script in METHODS.items() if script.outcome is Outcome.AUTHORIZED]
_ADD = Prepared(insert(_intents))
_FIND = Prepared(select(_intents).where(_intents.c.id == bindparam("payment")))
_NOTHING = Money(0, "XXX")  # ISO 4217: no currency


class Ledger:
    """`send` is told of the webhooks that a change left behind, once it is committed."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        mailbox: Mailbox,
        send: Callable[[list[Outgoing]], None],
        slow: timedelta,
    ) -> None:
        self._database = database
        self._clock = clock
        self._mailbox = mailbox
        self._send = send
        self._slow = slow

    async def create(self, payment_id: UUID, amount: Money, method: str) -> Sighting:
        now = self._clock.now()
        settles_at = now + self._slow if METHODS[method].slow else now
        intent = Intent(id=payment_id, method=method, amount=amount, settles_at=settles_at)
        if await self._insert(intent):
            # However it will end: that is told by webhook.
            return Sighting(status=PaymentStatus.PENDING, reference=intent.reference)
        return (await self._get(payment_id)).sighting(now)

    async def find(self, payment_id: UUID) -> Intent | None:
        async with self._database.glance() as connection:
            row = (await connection.run(_FIND, {"payment": payment_id})).first()
        return None if row is None else Intent.of(row)

    async def capture(self, payment_id: UUID) -> Sighting:
        """Take the money where it is reserved; otherwise nothing happens."""
        now = self._clock.now()
        intent = await self._get(payment_id)
        untouched = (_intents.c.captured_at.is_(None), _intents.c.voided_at.is_(None))
        reserved = update(_intents).where(_intents.c.id == payment_id, _intents.c.method.in_(_AUTHORIZING), *untouched)
        async with self._database.writing() as writing:
            taken = await _changed(writing, reserved.values(captured_at=now))
            sent = await self._mailbox.write(writing, intent, ["payment.succeeded"], now) if taken else []
        self._send(sent)
        return (await self._get(payment_id)).sighting(now)

    async def void(self, payment_id: UUID) -> Sighting:
        """Give the intent up where no money was taken; bar it where there is none."""
        intent = await self.find(payment_id)
        if intent is None:
            now = self._clock.now()
            barred = Intent(id=payment_id, method=BARRED, amount=_NOTHING, settles_at=now, voided_at=now)
            if await self._insert(barred):
                return barred.sighting(now)
            intent = await self._get(payment_id)
        sent: list[Outgoing] = []
        async with self._database.writing() as writing:
            # Read only now, after the intent was found: by the clock of before, what has settled since would be open.
            now = self._clock.now()
            in_time = intent.settles_at <= now or await self._mailbox.take_back(writing, intent)
            if in_time and await _changed(writing, _given_up(payment_id, now)):
                sent = await self._mailbox.write(writing, intent, ["payment.voided"], now)
        self._send(sent)
        return (await self._get(payment_id)).sighting(now)

    async def refund(self, refund_id: UUID, payment_id: UUID, amount: Money) -> RefundSighting:
        """Give money back, never more than was taken; a refusal is kept as a failed refund."""
        try:
            return await self._refund(refund_id, await self._get(payment_id), amount)
        except IntegrityError:
            made = await self.find_refund(refund_id)
            if made is None:
                raise
            return made

    async def find_refund(self, refund_id: UUID) -> RefundSighting | None:
        async with self._database.glance() as connection:
            row = (await connection.execute(select(_refunds.c.failure).where(_refunds.c.id == refund_id))).first()
        return None if row is None else refund_sighting(refund_id, row.failure)

    async def _refund(self, refund_id: UUID, intent: Intent, amount: Money) -> RefundSighting:
        now = self._clock.now()
        spent = _intents.c.refunded_amount + amount.amount
        enough = update(_intents).where(_intents.c.id == intent.id, spent <= _intents.c.total_amount)
        async with self._database.writing() as writing:
            failure = None
            if intent.sighting(now).status is not PaymentStatus.SUCCEEDED:
                failure = "not_captured"
            elif not intent.script.refunds:
                failure = "refund_refused"
            elif not await _changed(writing, enough.values(refunded_amount=spent)):
                failure = "exceeds_captured"
            row = {"id": refund_id, "intent_id": intent.id, "total_amount": amount.amount}
            await writing.execute(
                insert(_refunds), row | {"currency": amount.currency, "failure": failure, "created_at": now}
            )
            seen = refund_sighting(refund_id, failure)
            data = MessageData(
                payment_id=intent.id, refund_id=refund_id, reference=seen.reference or "", amount=amount, reason=failure
            )
            kinds = [] if intent.script.silent else [f"refund.{seen.status.lower()}"]
            sent = await self._mailbox.write(writing, intent, kinds, now, data)
        self._send(sent)
        return seen

    async def _insert(self, intent: Intent) -> bool:
        """False where there is one already."""
        now = self._clock.now()
        try:
            async with self._database.writing() as writing:
                await writing.run(_ADD, intent.row(now))
                sent = await self._mailbox.write(writing, intent, intent.script.tells, now)
        except IntegrityError:
            return False
        self._send(sent)
        return True

    async def _get(self, payment_id: UUID) -> Intent:
        intent = await self.find(payment_id)
        if intent is None:
            raise PaymentNotFound()
        return intent


def _given_up(payment_id: UUID, now: datetime) -> Update:
    open_still = or_(_intents.c.settles_at > now, _intents.c.method.in_(_AUTHORIZING))
    untouched = (_intents.c.captured_at.is_(None), _intents.c.voided_at.is_(None))
    return update(_intents).where(_intents.c.id == payment_id, open_still, *untouched).values(voided_at=now)


async def _changed(writing: Writing, statement: Update) -> bool:
    touched: int = (await writing.execute(statement)).rowcount
    return touched == 1
