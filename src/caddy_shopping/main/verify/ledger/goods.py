"""Where the goods are: the shelf, and what was set aside for whom."""

from collections.abc import Iterator

from caddy_shopping.main.verify.ledger.books import Books, ident

SHELF = {
    "PENDING_PAYMENT": ("held", "claimed"),
    "PAID": ("sold",),
    "SHIPPED": ("sold",),
    "COMPLETED": ("sold",),
    "CANCELLED": ("released",),
}
"""Where the goods of an order must lie, by its state; one that was cancelled and REFUNDED is `CANCELLED` here."""


def shelf(books: Books) -> Iterator[str]:
    """Stock, reserved and sold of each variant follow from the ledger of changes and from the reservations.

    `gone` is what was ever sold, also where it came back since: each such piece is in the ledger, as returned
    or as cancelled. `kept` is what the orders say that their buyers have: so no piece came back twice.
    (A shop forgets released reservations after a month; this is for younger ones.)
    """
    for row in books.ask(_SHELF):
        where = f"variant {row.sku}"
        if min(row.stock, row.reserved, row.sold) < 0:
            yield f"{where}: below zero: stock {row.stock}, reserved {row.reserved}, sold {row.sold}"
        left = row.came - row.waiting - row.gone
        if row.stock != left:
            yield f"{where}: stock is {row.stock}, should be {left}"
        if row.reserved != row.waiting:
            yield f"{where}: reserved is {row.reserved}, should be {row.waiting}"
        sold = row.gone - row.back
        if row.sold != sold:
            yield f"{where}: sold is {row.sold}, should be {sold}"
        if row.sold != row.kept:
            yield f"{where}: sold is {row.sold}, the orders have {row.kept}"


_SHELF = """
    WITH ledger AS (
        SELECT variant_id AS id, SUM(delta) AS came,
               SUM(CASE WHEN reference LIKE 'return:%' OR reference LIKE 'order:%' THEN delta ELSE 0 END) AS back
          FROM product_stock_movements GROUP BY variant_id),
    taken AS (
        SELECT r.variant_id AS id, SUM(CASE WHEN r.state IN ('held', 'claimed') THEN r.taken ELSE 0 END) AS waiting,
               SUM(CASE WHEN r.state = 'sold' OR (r.state = 'released' AND o.paid_at IS NOT NULL)
                        THEN r.taken ELSE 0 END) AS gone,
               SUM(CASE WHEN r.state = 'sold' AND r.taken > 0 THEN r.taken - COALESCE(w.n, 0) ELSE 0 END) AS kept
          FROM product_reserved r LEFT JOIN orders o ON o.id = r.order_id
          LEFT JOIN (SELECT order_id, variant_id, SUM(restocked) AS n FROM order_lines GROUP BY order_id, variant_id) w
            ON w.order_id = r.order_id AND w.variant_id = r.variant_id
         GROUP BY r.variant_id)
    SELECT v.sku, v.stock, v.reserved, v.sold, COALESCE(came, 0) AS came, COALESCE(back, 0) AS back,
           COALESCE(waiting, 0) AS waiting, COALESCE(gone, 0) AS gone, COALESCE(kept, 0) AS kept
      FROM product_variants v LEFT JOIN ledger ON ledger.id = v.id LEFT JOIN taken ON taken.id = v.id
"""


def reservations(books: Books) -> Iterator[str]:
    """Each order has its goods where its state says, and no goods wait for an order that will never be."""
    for row in books.ask(
        """SELECT DISTINCT o.number, r.state,
                  CASE WHEN o.cancel_reason IS NULL THEN o.status ELSE 'CANCELLED' END AS status
             FROM orders o LEFT JOIN product_reserved r ON r.order_id = o.id"""
    ):
        # A refund leaves the goods where they were.
        if row.state not in SHELF.get(row.status, ("sold",)):
            yield f"order {row.number}: {row.status}, but its reservation is {row.state}"
    for row in books.ask(
        """SELECT DISTINCT r.order_id FROM product_reserved r LEFT JOIN orders o ON o.id = r.order_id
            WHERE o.id IS NULL AND NOT (r.state = 'released' OR (r.state = 'held' AND r.expires_at > :now))"""
    ):
        yield f"reservation {ident(row.order_id)}: there is no such order, and its deadline is over"
    for row in books.ask(
        """SELECT order_id FROM product_reserved GROUP BY order_id
           HAVING COUNT(DISTINCT state) > 1 OR COUNT(DISTINCT expires_at) > 1 OR COUNT(DISTINCT variant_id) < COUNT(*)
               OR MIN(position) <> 0 OR MAX(position) <> COUNT(*) - 1"""
    ):
        yield f"reservation {ident(row.order_id)}: its lines do not belong together"
    for row in books.ask(
        """SELECT DISTINCT o.number FROM product_reserved r JOIN orders o ON o.id = r.order_id
             LEFT JOIN order_lines l ON l.order_id = r.order_id AND l.variant_id = r.variant_id
            WHERE l.id IS NULL"""
    ):
        yield f"order {row.number}: more was reserved for it than its lines say"
    for row in books.ask(
        """WITH wanted AS (SELECT order_id, variant_id, SUM(quantity) AS n FROM order_lines
                            GROUP BY order_id, variant_id)
           SELECT o.number FROM wanted w JOIN orders o ON o.id = w.order_id
             LEFT JOIN product_reserved r ON r.order_id = w.order_id AND r.variant_id = w.variant_id
            WHERE r.quantity IS NULL OR r.quantity <> w.n"""
    ):
        yield f"order {row.number}: its lines are not what was reserved for it"
