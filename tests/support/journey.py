"""What people do in a running shop: stock it, fill a cart, order, pay, look again."""

from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, NamedTuple
from uuid import uuid4

from caddy_shopping.main.verify.ledger.events import reactions
from tests.support.books import ask, change
from tests.support.shop import ADDRESS, Caller, Shop, eventually


class Books(NamedTuple):
    """Where the pieces of one variant are."""

    stock: int
    reserved: int
    sold: int


@dataclass(frozen=True)
class Goods:
    """A product with one variant, made by `admin`."""

    admin: Caller
    product_id: str
    variant_id: str
    slug: str
    price: int

    async def books(self) -> Books:
        answer = await self.admin.get(f"/admin/products/{self.product_id}")
        (variant,) = answer.data["variants"]
        return Books(variant["stock"], variant["reserved"], variant["sold"])

    async def books_become(self, *expected: int) -> None:
        """Stock follows its order a moment later."""

        async def look() -> bool:
            books = await self.books()
            assert books == Books(*expected), books
            return True

        await eventually(look)


async def stock_up(admin: Caller, title: str = "Teapot", *, price: int = 5000, stock: int = 20, **more: Any) -> Goods:
    """Put a new product on sale. `price` is in minor units; `more` goes into its variant as on the wire."""
    variant = {"price": {"amount": price, "currency": "CNY"}, "stock": stock, **more}
    body = {"title": title, "slug": f"goods-{uuid4().hex}", "status": "active", "variants": [variant]}
    answer = await admin.post("/admin/products", body)
    assert answer.status == 201, answer
    made = answer.data
    return Goods(admin, made["id"], made["variants"][0]["id"], made["slug"], price)


async def put_in(buyer: Caller, goods: Goods, quantity: int = 1) -> Any:
    """The cart after `quantity` more of `goods`."""
    answer = await buyer.post("/cart/items", {"variantId": goods.variant_id, "quantity": quantity})
    assert answer.status == 200, answer
    return answer.data


async def place(buyer: Caller, **more: Any) -> Any:
    """An order from the selected lines of the cart."""
    body = {"shippingMethod": "standard", "address": ADDRESS, **more}
    answer = await buyer.post("/orders", body)
    assert answer.status == 201, answer
    return answer.data


async def order_of(buyer: Caller, goods: Goods, quantity: int = 1) -> Any:
    """A fresh order of one thing. Guests leave an address of their own."""
    await put_in(buyer, goods, quantity)
    return await place(buyer, **({} if buyer.email else {"email": f"{uuid4().hex}@shop.example"}))


async def pay(buyer: Caller, order: Any, method: str = "sandbox_ok") -> Any:
    """The payment as it begins; how it ends is told later."""
    answer = await buyer.post("/payments", {"orderId": order["id"], "method": method})
    assert answer.status == 201, answer
    return answer.data


async def seen(caller: Caller, path: str, **expected: Any) -> Any:
    """What lies at `path` once every field of `expected` is as said."""

    async def look() -> Any:
        answer = await caller.get(path)
        assert answer.status == 200, answer
        assert {name: answer.data[name] for name in expected} == expected, answer.data
        return answer.data

    return await eventually(look)


async def order_becomes(caller: Caller, order: Any, status: str, **more: Any) -> Any:
    return await seen(caller, f"/orders/{order['id']}", status=status, **more)


async def payment_becomes(caller: Caller, payment: Any, status: str, **more: Any) -> Any:
    return await seen(caller, f"/payments/{payment['id']}", status=status, **more)


def actions(order: Any) -> list[str]:
    """What happened to an order, oldest first."""
    return [entry["action"] for entry in order["history"]]


def select(shop: Shop, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a query finds in the shop's database, read beside the running shop."""
    return ask(shop.books_of(query), query, *values)


def tamper(shop: Shop, statement: str, *values: Any) -> int:
    """Change the shop's database behind its back; how many rows."""
    return change(shop.books_of(statement), statement, values=values)


_UNFINISHED = [
    "SELECT type FROM users_outbox WHERE published_at IS NULL",
    "SELECT type FROM products_outbox WHERE published_at IS NULL",
    "SELECT type FROM orders_outbox WHERE published_at IS NULL",
    "SELECT type FROM payments_outbox WHERE published_at IS NULL",
    "SELECT type FROM notifications_outbox WHERE published_at IS NULL",
    "SELECT type FROM sandbox_webhooks WHERE delivered_at IS NULL",
    "SELECT type FROM payment_webhooks WHERE processed_at IS NULL AND error IS NULL",
    "SELECT template FROM notifications_emails WHERE status = 'QUEUED'",
]
# What a killed process had taken to send goes out when its lease of five minutes is over.
_TAKEN_BY_THE_DEAD = " AND claimed_by IS NULL"


# On Kafka an event is published before its consumers have had it.
_UNHEARD = """
    SELECT o.type FROM {topic}_outbox o WHERE o.type = '{kind}'
       AND NOT EXISTS (SELECT 1 FROM {inbox}_inbox i WHERE i.event_id = o.event_id AND i.consumer = '{name}')
       AND NOT EXISTS (SELECT 1 FROM {inbox}_dead_letters d WHERE d.event_id = o.event_id AND d.consumer = '{name}')
"""


def _unheard() -> list[str]:
    return [
        _UNHEARD.format(topic=topic, kind=kind, name=name, inbox=name.partition(".")[0])
        for (topic, kind), names in reactions().items()
        for name in names
    ]


async def quiet(shop: Shop, *, after_kills: bool = False) -> None:
    """Return once nothing is under way any more: no event, no webhook, no mail. What is not there now never comes.

    `after_kills`: but for mails that a killed process had begun to send.
    """
    unfinished = [*_UNFINISHED[:-1], _UNFINISHED[-1] + _TAKEN_BY_THE_DEAD] if after_kills else _UNFINISHED
    together = len({shop.books_of(question) for question in _UNFINISHED}) == 1
    before: list[Any] = []

    async def look() -> bool:
        nonlocal before
        if together:
            left = select(shop, " UNION ALL ".join(unfinished + _unheard()))
            assert not left, left
            return True
        # Of several databases there is no one moment: twice the same, with nothing left, is quiet.
        earlier, before = before, _all_apart(shop, unfinished)
        assert before == earlier
        return True

    await eventually(look, timeout=30)


def _all_apart(shop: Shop, unfinished: list[str]) -> list[Any]:
    """What there is to hear of, by topic. Raises where something is under way or was not heard of yet."""
    for question in unfinished:
        assert not select(shop, question), question
    said = []
    for (topic, kind), names in reactions().items():
        events = set(select(shop, f"SELECT event_id FROM {topic}_outbox WHERE type = ?", kind))
        said.append((topic, kind, len(events)))
        for name in names:
            context = name.partition(".")[0]
            left = set(events)
            for book in ("inbox", "dead_letters"):
                left -= set(select(shop, f"SELECT event_id FROM {context}_{book} WHERE consumer = ?", name))
            assert not left, (name, kind)
    return said


def mails_to(shop: Shop, address: str) -> list[EmailMessage]:
    return [mail for mail in shop.mails() if mail["To"] == address]


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    part = mail.get_body(("plain",))
    assert part is not None
    content: str = part.get_content()
    return content


async def mail_to(shop: Shop, address: str, subject: str) -> EmailMessage:
    """The one mail with this subject, once it is there."""

    async def look() -> EmailMessage | None:
        found = [mail for mail in mails_to(shop, address) if mail["Subject"] == subject]
        assert len(found) <= 1, found
        return found[0] if found else None

    mail: EmailMessage = await eventually(look)
    return mail


def token_in(mail: EmailMessage) -> str:
    """The one-time token of the link in a mail."""
    _, _, rest = text_of(mail).partition("token=")
    token, *_ = rest.split()
    return token
