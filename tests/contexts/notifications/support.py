"""The notifications context on a scratch database, and the events that reach it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from caddy_shopping.contexts.notifications.application.use_cases import UseCases
from caddy_shopping.contexts.notifications.domain.email import Email
from caddy_shopping.contexts.notifications.domain.kinds import MailKind
from caddy_shopping.contexts.notifications.infrastructure.tables import emails, mutes, notifications
from caddy_shopping.contexts.notifications.interface.mailer import Mailer
from caddy_shopping.contexts.notifications.module import build
from caddy_shopping.contexts.notifications.settings import NotificationsSettings
from caddy_shopping.contracts.orders import OrderLineFact, OrderPaid, OrderPlaced
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.events import Event
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.module import Module
from tests.support.clock import FakeClock
from tests.support.database import Bench

ADDRESS = "ada@example.com"
TABLES = {"emails": emails, "notifications": notifications, "mutes": mutes}


@dataclass
class Office:
    """The built module, and a look at what it did."""

    bench: Bench
    data_dir: Path
    settings: NotificationsSettings

    def __post_init__(self) -> None:
        self.module: Module = build(self.bench.kit, self.settings, self.data_dir)
        self.mailer = mailer_of(self.module)

    @property
    def use_cases(self) -> UseCases:
        bundle: UseCases = self.module.use_cases
        return bundle

    @property
    def clock(self) -> FakeClock:
        return self.bench.clock

    async def hear(self, event: Event, event_id: UUID | None = None) -> bool:
        """Deliver an event as the platform does; False where the inbox had it."""
        (consumer,) = [each for each in self.module.consumers if each.event is type(event)]
        command = consumer.command(event)
        return await self.bench.kit.run.consume(consumer.name, event_id or new_id(), consumer.handler, command)

    async def rows(self, table: str) -> list[Any]:
        each = TABLES[table]
        async with self.bench.kit.database.read() as connection:
            return list(await connection.execute(select(each).order_by(*each.primary_key.columns)))

    def files(self) -> list[Path]:
        return sorted((self.data_dir / "outbox").glob("*"))

    def mails(self) -> list[EmailMessage]:
        return [parsed(path.read_bytes()) for path in self.files()]


def mailer_of(module: Module) -> Mailer:
    mailer: Mailer = module.start[0].__self__  # type: ignore[attr-defined]  # a bound method
    return mailer


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, subtype: str) -> str:
    body = message.get_body((subtype,))
    assert body is not None
    text: str = body.get_content()
    return text


def customer(user_id: UUID | None = None, language: str = "en") -> Actor:
    return Actor(Role.CUSTOMER, user_id or new_id(), language=language)


def staff() -> Actor:
    return Actor(Role.STAFF, new_id(), permissions=frozenset({"notifications:manage"}))


def some_lines() -> list[OrderLineFact]:
    return [
        OrderLineFact(new_id(), "OBS-M", "Ocean Blue Shirt", 2, Money(19998, "CNY")),
        OrderLineFact(new_id(), "CB-GL", "Chain <b>Bracelet</b>", 1, Money(4999, "CNY")),
    ]


def head(user_id: UUID | None = None, email: str = ADDRESS, language: str = "en") -> dict[str, Any]:
    return {
        "order_id": new_id(),
        "number": "2603-0007-KX",
        "user_id": user_id or new_id(),
        "email": email,
        "language": language,
    }


def placed(clock: FakeClock, **changes: Any) -> OrderPlaced:
    expires = clock.now() + timedelta(minutes=30)
    return OrderPlaced(**head(**changes), lines=some_lines(), total=Money(24997, "CNY"), expires_at=expires)


def paid(**changes: Any) -> OrderPaid:
    return OrderPaid(**head(**changes), lines=some_lines(), total=Money(24997, "CNY"))


def mail_data(**changes: Any) -> dict[str, Any]:
    """Every fact that any template asks for, as it is read back from the database."""

    def money(amount: int) -> dict[str, Any]:
        return {"amount": amount, "currency": "CNY"}

    return {
        "name": "Ada",
        "token": "tok-123",
        "number": "2603-0007-KX",
        "order_id": str(new_id()),
        "total": money(24997),
        "amount": money(9999),
        "refunded": money(9999),
        "expires_at": "2026-03-14T09:56:53.589793Z",
        "carrier": "SF Express",
        "tracking_number": "SF123",
        "reason": "changed my mind",
        "was_paid": True,
        "lines": [{"title": "Shirt", "sku": "OBS-M", "quantity": 2, "total": money(19998)}],
        **changes,
    }


def a_mail(
    clock: FakeClock,
    kind: MailKind = MailKind.WELCOME,
    language: str = "en",
    address: str = ADDRESS,
    **changes: Any,
) -> Email:
    return Email.queue(new_id(), address, kind, language, mail_data(**changes), "shop.example", clock.now())


OpenOffice = Callable[..., Office]
