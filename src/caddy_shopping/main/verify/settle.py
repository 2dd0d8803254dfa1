"""After the storm: wait until what is on its way has arrived, then say what holds."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from caddy_shopping.main.verify.ledger.books import Books, read
from caddy_shopping.main.verify.report import Line
from caddy_shopping.main.verify.sums import sums

Check = Callable[[Books], Sequence[Line]]


async def settled(url: str, initial: Mapping[str, int], promises: Check, patience: float = 90.0) -> list[Line]:
    """Every line, once all hold and nothing is on its way; as they are after `patience` seconds otherwise."""

    def look(books: Books) -> tuple[list[Line], bool]:
        return [*promises(books), *sums(books, initial)], _quiet(books)

    deadline = asyncio.get_running_loop().time() + patience
    while True:
        lines, quiet = await read(url, look)
        if (quiet and all(line.good for line in lines)) or asyncio.get_running_loop().time() > deadline:
            return lines
        await asyncio.sleep(0.3)


def _quiet(books: Books) -> bool:
    waiting = (
        "SELECT COUNT(*) FROM sandbox_webhooks WHERE delivered_at IS NULL",
        "SELECT COUNT(*) FROM payment_webhooks WHERE processed_at IS NULL",
    )
    return not any(books.ask(question).scalar_one() for question in waiting)
