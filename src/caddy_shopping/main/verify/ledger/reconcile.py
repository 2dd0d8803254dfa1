"""The books of a whole shop, checked against each other from outside.

`reconcile` answers with one line for each breach, and with none where everything adds up. It may look at
a running shop too; what is on its way at that moment (an event not yet delivered, a webhook not yet
processed) is then a breach that goes away.
"""

from collections.abc import Callable, Iterator

from caddy_shopping.main.verify.ledger.books import Books, read
from caddy_shopping.main.verify.ledger.events import events, news, promises
from caddy_shopping.main.verify.ledger.goods import reservations, shelf
from caddy_shopping.main.verify.ledger.money import money, provider, refunds

CHECKS: tuple[Callable[[Books], Iterator[str]], ...] = (
    shelf,
    reservations,
    events,
    money,
    refunds,
    provider,
    news,
    promises,
)


def breaches(books: Books) -> list[str]:
    """Every breach that these books show."""
    return [breach for check in CHECKS for breach in check(books)]


async def reconcile(url: str) -> list[str]:
    """Every breach in the books of the shop at `url`, from one snapshot of its database."""
    return await read(url, breaches)
