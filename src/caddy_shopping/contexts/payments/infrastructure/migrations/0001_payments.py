"""Payments, their refunds, the webhook inbox, and the sandbox provider's own tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from caddy_shopping.platform.db import platform_tables
from caddy_shopping.platform.db.tables import Payload
from caddy_shopping.platform.db.types import Id, UtcDateTime

revision = "payments_0001"
down_revision = None
branch_labels = None
depends_on = None

ExactText = sa.String(128).with_variant(
    mysql.VARCHAR(128, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb"
)


def upgrade() -> None:
    platform_tables.create("payments")
    _create_payments()
    _create_refunds()
    _create_webhooks()
    _create_sandbox()


def downgrade() -> None:
    for table in (
        "sandbox_webhooks",
        "sandbox_refunds",
        "sandbox_intents",
        "payment_webhooks",
        "payment_refunds",
        "payments",
    ):
        op.drop_table(table)
    platform_tables.drop("payments")


def _create_payments() -> None:
    op.create_table(
        "payments",
        sa.Column("id", Id, primary_key=True),
        sa.Column("order_id", Id, nullable=False),
        sa.Column("order_number", sa.String(32), nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("total_amount", sa.BigInteger, nullable=False),
        sa.Column("captured_amount", sa.BigInteger, nullable=False),
        sa.Column("refunded_amount", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("reference", sa.String(128)),
        sa.Column("reason", sa.String(64)),
        sa.Column("active_order_id", Id),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("checked_at", UtcDateTime, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.UniqueConstraint("active_order_id", name="uq_payments_active_order"),
        sa.CheckConstraint("refunded_amount <= captured_amount", name="ck_payments_refunded"),
    )
    op.create_index("idx_payments_order", "payments", ["order_id"])
    op.create_index("idx_payments_user", "payments", ["user_id"])
    op.create_index("idx_payments_status_checked", "payments", ["status", "checked_at"])


def _create_refunds() -> None:
    op.create_table(
        "payment_refunds",
        sa.Column("id", Id, primary_key=True),
        sa.Column("payment_id", Id, sa.ForeignKey("payments.id", name="fk_payment_refunds_payment"), nullable=False),
        sa.Column("order_id", Id, nullable=False),
        sa.Column("total_amount", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("reference", sa.String(128)),
        sa.Column("failure", sa.String(64)),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("checked_at", UtcDateTime, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("idx_payment_refunds_payment", "payment_refunds", ["payment_id"])
    op.create_index("idx_payment_refunds_status_checked", "payment_refunds", ["status", "checked_at"])


def _create_webhooks() -> None:
    op.create_table(
        "payment_webhooks",
        sa.Column("id", Id, primary_key=True),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("event_id", ExactText, nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("payment_id", Id),
        sa.Column("body", Payload, nullable=False),
        sa.Column("notice", Payload, nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.Column("retry_at", UtcDateTime, nullable=False),
        sa.Column("processed_at", UtcDateTime),
        sa.Column("attempts", sa.SmallInteger, nullable=False),
        sa.Column("error", sa.Text),
        sa.UniqueConstraint("provider", "event_id", name="uq_payment_webhooks_event"),
    )
    op.create_index("idx_payment_webhooks_waiting", "payment_webhooks", ["processed_at", "retry_at"])
    op.create_index("idx_payment_webhooks_payment", "payment_webhooks", ["payment_id"])


def _create_sandbox() -> None:
    op.create_table(
        "sandbox_intents",
        sa.Column("id", Id, primary_key=True),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("total_amount", sa.BigInteger, nullable=False),
        sa.Column("refunded_amount", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("settles_at", UtcDateTime, nullable=False),
        sa.Column("captured_at", UtcDateTime),
        sa.Column("voided_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "sandbox_refunds",
        sa.Column("id", Id, primary_key=True),
        sa.Column("intent_id", Id, nullable=False),
        sa.Column("total_amount", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("failure", sa.String(64)),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "sandbox_webhooks",
        sa.Column("id", Id, primary_key=True),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("intent_id", Id, nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("body", Payload, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", UtcDateTime, nullable=False),
        sa.Column("delivered_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_index("idx_sandbox_webhooks_due", "sandbox_webhooks", ["delivered_at", "next_attempt_at"])
    op.create_index("idx_sandbox_webhooks_intent", "sandbox_webhooks", ["intent_id"])
