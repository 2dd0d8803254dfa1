"""How payments and refunds lie in their tables."""

from sqlalchemy.orm import composite, registry

from caddy_shopping.contexts.payments.domain.payment import Payment
from caddy_shopping.contexts.payments.domain.refund import Refund
from caddy_shopping.contexts.payments.infrastructure import tables
from caddy_shopping.kernel.money import Money


def map_payments() -> None:
    """Map the domain classes; safe to call again."""
    if hasattr(Payment, "__mapper__"):
        return
    mapper = registry()
    mapper.map_imperatively(
        Payment,
        tables.payments,
        version_id_col=tables.payments.c.version,
        version_id_generator=False,
        properties={
            "_total_amount": tables.payments.c.total_amount,
            "_currency": tables.payments.c.currency,
            "amount": composite(Money, "_total_amount", "_currency"),
        },
    )
    mapper.map_imperatively(
        Refund,
        tables.refunds,
        version_id_col=tables.refunds.c.version,
        version_id_generator=False,
        properties={
            "_total_amount": tables.refunds.c.total_amount,
            "_currency": tables.refunds.c.currency,
            "amount": composite(Money, "_total_amount", "_currency"),
        },
    )
