"""The tables of payments. Money is minor units beside its currency; refunds share their payment's."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql

from caddy_shopping.contexts.payments.domain.payment import PaymentStatus
from caddy_shopping.contexts.payments.domain.refund import RefundStatus
from caddy_shopping.platform.db.tables import Payload, PlatformTables
from caddy_shopping.platform.db.types import Enumeration, Id, UtcDateTime

metadata = MetaData()
platform_tables = PlatformTables.of(metadata, "payments")

# MySQL compares text without regard to case unless told: two providers' ids that differ in case are two events.
ExactText = String(128).with_variant(mysql.VARCHAR(128, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")

payments = Table(
    "payments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("order_id", Id, nullable=False),
    Column("order_number", String(32), nullable=False),
    Column("user_id", Id, nullable=False),
    Column("provider", String(32), nullable=False),
    Column("method", String(64), nullable=False),
    Column("total_amount", BigInteger, nullable=False),
    Column("captured_amount", BigInteger, nullable=False),
    Column("refunded_amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("status", Enumeration(PaymentStatus), nullable=False),
    Column("reference", String(128)),
    Column("reason", String(64)),
    Column("active_order_id", Id),
    Column("created_at", UtcDateTime, nullable=False),
    Column("checked_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
    # NULLs are all different: given-up payments do not count.
    UniqueConstraint("active_order_id", name="uq_payments_active_order"),
    CheckConstraint("refunded_amount <= captured_amount", name="ck_payments_refunded"),
    Index("idx_payments_order", "order_id"),
    Index("idx_payments_user", "user_id"),
    Index("idx_payments_status_checked", "status", "checked_at"),
)

refunds = Table(
    "payment_refunds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("payment_id", Id, ForeignKey("payments.id", name="fk_payment_refunds_payment"), nullable=False),
    Column("order_id", Id, nullable=False),
    Column("total_amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("reason", String(500), nullable=False),
    Column("status", Enumeration(RefundStatus), nullable=False),
    Column("reference", String(128)),
    Column("failure", String(64)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("checked_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
    Index("idx_payment_refunds_payment", "payment_id"),
    Index("idx_payment_refunds_status_checked", "status", "checked_at"),
)

webhooks = Table(
    "payment_webhooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("provider", String(32), nullable=False),
    Column("event_id", ExactText, nullable=False),
    Column("type", String(64), nullable=False),
    Column("payment_id", Id),
    Column("body", Payload, nullable=False),
    Column("notice", Payload, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("retry_at", UtcDateTime, nullable=False),
    Column("processed_at", UtcDateTime),
    Column("attempts", SmallInteger, nullable=False),
    Column("error", Text),
    UniqueConstraint("provider", "event_id", name="uq_payment_webhooks_event"),
    Index("idx_payment_webhooks_waiting", "processed_at", "retry_at"),
    Index("idx_payment_webhooks_payment", "payment_id"),
)
