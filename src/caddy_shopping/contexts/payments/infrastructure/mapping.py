"""How payments and refunds lie in their tables."""

from caddy_shopping.contexts.payments.domain.payment import Payment
from caddy_shopping.contexts.payments.domain.refund import Refund
from caddy_shopping.contexts.payments.infrastructure import tables
from caddy_shopping.platform.db.records import Record

PAYMENT = Record(Payment, tables.payments, money={"amount": "total_amount"})
REFUND = Record(Refund, tables.refunds, money={"amount": "total_amount"})
