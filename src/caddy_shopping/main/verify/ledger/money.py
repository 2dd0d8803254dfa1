"""Where the money is: in orders, payments and refunds, and with the provider."""

from collections.abc import Iterator

from caddy_shopping.contexts.payments.module import TOLD
from caddy_shopping.main.verify.ledger.books import Books, ident


def money(books: Books) -> Iterator[str]:
    """What was captured for an order is what the order knows of: its price once, and what went straight back."""
    for row in books.ask(_MONEY):
        where = f"order {row.number}"
        if row.total != row.worth:
            yield f"{where}: its total is {row.total}, its lines and shipping are worth {row.worth}"
        allowed = (row.total,) if row.status in ("PAID", "SHIPPED", "COMPLETED") else (0, row.total)
        if row.paid not in allowed:
            yield f"{where}: {row.status}, paid {row.paid} of {row.total}"
        if row.paid and row.own != 1:
            yield f"{where}: paid, but its payment is not there or of another amount"
        if row.captured != row.paid + row.surplus:
            yield f"{where}: captured {row.captured}, paid {row.paid} and {row.surplus} not due"
        if row.status == "CANCELLED" and row.unsettled:
            yield f"{where}: cancelled, but a payment of it is still open"
        if row.refunded != row.back:
            yield f"{where}: refunded {row.refunded}, its refunds come to {row.back}"


# Sums by order, joined: not every engine lets a derived table look at the row outside.
_MONEY = """
    WITH caught AS (
        SELECT order_id, SUM(captured_amount) AS n,
               SUM(CASE WHEN status IN ('CREATED', 'PENDING') THEN 1 ELSE 0 END) AS unsettled
          FROM payments GROUP BY order_id),
    once AS (
        SELECT order_id, payment_id, MAX(amount) AS amount FROM order_refunds WHERE surplus
         GROUP BY order_id, payment_id),
    straight AS (SELECT order_id, SUM(amount) AS n FROM once GROUP BY order_id),
    back AS (
        SELECT order_id, SUM(amount) AS n FROM order_refunds WHERE NOT surplus AND status = 'DONE' GROUP BY order_id),
    goods AS (SELECT order_id, SUM(total_amount) AS n FROM order_lines GROUP BY order_id)
    SELECT o.number, o.status, o.total_amount AS total, o.paid_amount AS paid, o.refunded_amount AS refunded,
           COALESCE(caught.n, 0) AS captured, COALESCE(caught.unsettled, 0) AS unsettled,
           COALESCE(straight.n, 0) AS surplus, COALESCE(back.n, 0) AS back,
           COALESCE(goods.n, 0) + o.shipping_amount AS worth,
           CASE WHEN p.id IS NULL THEN 0 ELSE 1 END AS own
      FROM orders o
      LEFT JOIN caught ON caught.order_id = o.id
      LEFT JOIN straight ON straight.order_id = o.id
      LEFT JOIN back ON back.order_id = o.id
      LEFT JOIN goods ON goods.order_id = o.id
      LEFT JOIN payments p ON p.id = o.payment_id AND p.order_id = o.id AND p.status = 'SUCCEEDED'
                          AND p.captured_amount = o.paid_amount
"""


def refunds(books: Books) -> Iterator[str]:
    """Each refund that an order asked for is one refund of payments, in the same state and of the same amount."""
    for row in books.ask(
        """SELECT o.number, r.amount, r.status, p.total_amount, p.status AS made
             FROM order_refunds r JOIN orders o ON o.id = r.order_id LEFT JOIN payment_refunds p ON p.id = r.id
            WHERE p.id IS NULL OR p.total_amount <> r.amount OR p.status <> CASE r.status
                  WHEN 'DONE' THEN 'SUCCEEDED' ELSE r.status END"""
    ):
        yield (
            f"order {row.number}: its refund is {row.status} of {row.amount}, "
            f"that of payments {row.made} of {row.total_amount}"
        )
    for row in books.ask(
        """WITH back AS (SELECT payment_id, SUM(total_amount) AS n FROM payment_refunds WHERE status <> 'FAILED'
                          GROUP BY payment_id)
           SELECT p.id, p.refunded_amount, COALESCE(back.n, 0) AS back FROM payments p
             LEFT JOIN back ON back.payment_id = p.id WHERE p.refunded_amount <> COALESCE(back.n, 0)"""
    ):
        yield f"payment {ident(row.id)}: refunded {row.refunded_amount}, its refunds come to {row.back}"


def provider(books: Books) -> Iterator[str]:
    """What the (sandbox) provider took and gave back is what payments knows of."""
    for row in books.ask(
        """SELECT i.id, i.total_amount, p.status, p.captured_amount FROM sandbox_intents i
             LEFT JOIN payments p ON p.id = i.id
            WHERE i.voided_at IS NULL AND (i.captured_at IS NOT NULL OR (i.method IN :told AND i.settles_at <= :now))
              AND (p.status IS NULL OR p.status <> 'SUCCEEDED' OR p.captured_amount <> i.total_amount)""",
        told=TOLD,
    ):
        yield (
            f"payment {ident(row.id)}: the provider took {row.total_amount}, "
            f"we know of {row.captured_amount} ({row.status})"
        )
    for row in books.ask(
        """SELECT p.id FROM payments p LEFT JOIN sandbox_intents i ON i.id = p.id
            WHERE p.provider = 'sandbox' AND p.status = 'SUCCEEDED' AND (i.id IS NULL OR i.voided_at IS NOT NULL)
           UNION ALL
           SELECT r.id FROM payment_refunds r LEFT JOIN sandbox_refunds s ON s.id = r.id
            WHERE r.status = 'SUCCEEDED' AND (s.id IS NULL OR s.failure IS NOT NULL OR s.total_amount <> r.total_amount)
        """
    ):
        yield f"payment or refund {ident(row.id)}: done, says payments, but the provider did not do it"
