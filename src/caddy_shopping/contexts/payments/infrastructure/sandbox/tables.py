"""The sandbox provider's own tables. It keeps to them, and to its own transactions, as a stranger would."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from caddy_shopping.contexts.payments.infrastructure.tables import metadata
from caddy_shopping.platform.db.tables import Payload
from caddy_shopping.platform.db.types import Id, UtcDateTime

intents = Table(
    "sandbox_intents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("method", String(64), nullable=False),
    Column("total_amount", BigInteger, nullable=False),
    Column("refunded_amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("settles_at", UtcDateTime, nullable=False),
    Column("captured_at", UtcDateTime),
    Column("voided_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
)

refunds = Table(
    "sandbox_refunds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("intent_id", Id, nullable=False),
    Column("total_amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("failure", String(64)),
    Column("created_at", UtcDateTime, nullable=False),
)

webhooks = Table(
    "sandbox_webhooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("event_id", String(64), nullable=False),
    Column("intent_id", Id, nullable=False),
    Column("type", String(64), nullable=False),
    Column("body", Payload, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Column("delivered_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Index("idx_sandbox_webhooks_due", "delivered_at", "next_attempt_at"),
    Index("idx_sandbox_webhooks_intent", "intent_id"),
)
