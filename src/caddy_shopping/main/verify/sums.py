"""The sums over the whole shop that an operator can check by eye, and every rule of the books behind them."""

from collections.abc import Mapping

from caddy_shopping.main.verify.ledger.books import Books
from caddy_shopping.main.verify.ledger.events import CONTEXTS, reactions
from caddy_shopping.main.verify.ledger.reconcile import CHECKS, breaches
from caddy_shopping.main.verify.report import Line, listed


def sums(books: Books, initial: Mapping[str, int]) -> list[Line]:
    """`initial` is what was put on the shelf of each SKU."""
    found = breaches(books)
    return [
        *(_stock(books, sku, came) for sku, came in initial.items()),
        _money(books),
        _events(books),
        listed("the books of all contexts agree", found, f"{len(CHECKS)} kinds of rules, no breach"),
    ]


def _stock(books: Books, sku: str, came: int) -> Line:
    row = books.ask("SELECT stock, sold, reserved FROM product_variants WHERE sku = :sku", sku=sku).one()
    good = row.stock + row.sold + row.reserved == came and min(row) >= 0
    words = f"{row.stock} + {row.sold} + {row.reserved} {'=' if good else '≠'} {came}"
    return Line(f"{sku}: stock + sold + reserved = initial", good, words)


def _money(books: Books) -> Line:
    paid = books.ask("SELECT COALESCE(SUM(captured_amount), 0), COALESCE(SUM(refunded_amount), 0) FROM payments").one()
    kept = books.ask("SELECT COALESCE(SUM(paid_amount - refunded_amount), 0) FROM orders").scalar_one()
    captured, refunded = map(int, paid)
    good = captured == kept + refunded
    return Line("captured = orders + refunded", good, f"{captured} {'=' if good else '≠'} {kept} + {refunded}")


def _events(books: Books) -> Line:
    """Each order has its event, and each reaction to any event left its one mark."""
    orders = books.ask("SELECT COUNT(*) FROM orders").scalar_one()
    events = books.ask("SELECT COUNT(*) FROM orders_outbox WHERE type = 'OrderPlaced'").scalar_one()
    written = {
        (topic, row.type): row.n
        for topic in CONTEXTS
        for row in books.ask(f"SELECT type, COUNT(*) AS n FROM {topic}_outbox GROUP BY type")  # noqa: S608
    }
    due = sum(written.get(event, 0) * len(names) for event, names in reactions().items())
    names = [name for each in reactions().values() for name in each]
    done = sum(
        books.ask(
            f"SELECT COUNT(*) FROM {context}_inbox WHERE consumer IN :names",  # noqa: S608
            names=[name for name in names if name.startswith(f"{context}.")] or [""],
        ).scalar_one()
        for context in CONTEXTS
    )
    good = orders == events and due == done
    words = f"{events} {'=' if orders == events else '≠'} {orders}, reactions {done} of {due}"
    return Line("events = orders, each with its effect once", good, words)
