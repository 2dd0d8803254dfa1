"""The three steps of sending: claim a batch, hand it over, write down what became of it.

They are three use cases, and only the outer two have a transaction, so that no database row is locked
while a mail server thinks, and no retry of a transaction sends anything twice.
"""

import asyncio
from uuid import UUID

import msgspec

from caddy_shopping.contexts.notifications.application.ports import (
    Letter,
    LetterBroken,
    Letters,
    NotificationsTransaction,
    Post,
    Rejection,
)
from caddy_shopping.contexts.notifications.application.queries import NotificationQueries
from caddy_shopping.contexts.notifications.domain.email import LEASE, Email, Outcome
from caddy_shopping.contracts.notifications import EmailSent
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class Batch(msgspec.Struct, frozen=True):
    """Mails that one process may send until its lease runs out."""

    id: UUID
    emails: list[Email]


class ClaimEmails(msgspec.Struct, frozen=True, kw_only=True):
    limit: int


class ClaimEmailsHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[NotificationsTransaction]
    queries: NotificationQueries
    clock: Clock

    async def __call__(self, command: ClaimEmails) -> Batch:
        """Take the mails that are due, each for this process alone. Costs one SELECT when there are none."""
        batch, now = new_id(), self.clock.now()
        if not await self.queries.any_due(now):
            return Batch(batch, [])
        async with self.uow() as tx:
            return Batch(batch, await tx.emails.claim(batch, now, command.limit))


class DeliverEmails(msgspec.Struct, frozen=True, kw_only=True):
    batch: Batch


class DeliverEmailsHandler(msgspec.Struct, frozen=True):
    letters: Letters
    post: Post
    clock: Clock

    async def __call__(self, command: DeliverEmails) -> list[Outcome]:
        """Write the letters and hand them over; one that cannot be written does not hold up the others."""
        ready: list[tuple[Email, Letter]] = []
        outcomes: list[Outcome] = []
        for email in command.batch.emails:
            await asyncio.sleep(0)  # a letter takes half a millisecond: let others have their turn
            try:
                ready.append((email, self.letters.write(email)))
            except LetterBroken as fault:
                outcomes.append(Outcome(email, str(fault), permanent=True))
        if ready:
            # A fifth of the lease is left for writing down what became of them.
            answers = await self.post.send(ready, self.clock.now() + LEASE * 0.8)
            outcomes.extend(_outcome(email, answer) for (email, _), answer in zip(ready, answers, strict=True))
        return outcomes


def _outcome(email: Email, rejection: Rejection | None) -> Outcome:
    return Outcome(email) if rejection is None else Outcome(email, rejection.reason, rejection.permanent)


class SettleEmails(msgspec.Struct, frozen=True, kw_only=True):
    batch_id: UUID
    outcomes: list[Outcome]


class SettleEmailsHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[NotificationsTransaction]
    clock: Clock

    async def __call__(self, command: SettleEmails) -> None:
        """Write down what became of a batch, and tell the others what was sent."""
        async with self.uow() as tx:
            await tx.emails.settle(command.batch_id, command.outcomes, self.clock.now())
            for outcome in command.outcomes:
                if outcome.sent:
                    tx.publish(EmailSent(email_id=outcome.email.id, template=outcome.email.kind.value))
