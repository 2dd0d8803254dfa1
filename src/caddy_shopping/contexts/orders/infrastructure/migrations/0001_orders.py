"""Carts, orders with lines, refunds, history and claims."""

import sqlalchemy as sa
from alembic import op

from caddy_shopping.platform.db import platform_tables
from caddy_shopping.platform.db.partitions import by_year, partitions_of
from caddy_shopping.platform.db.types import Id, Json, UtcDateTime

revision = "orders_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform_tables.create("orders")
    _create_cart_items()
    _create_orders()
    _create_order_lines()
    _create_order_refunds()
    _create_order_history()
    op.create_table(
        "order_claims",
        sa.Column("order_id", Id, primary_key=True),
        sa.Column("outcome", sa.String(8), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("number", sa.String(16)),
    )
    op.create_index("uq_order_claims_number", "order_claims", ["number"], unique=True)


def downgrade() -> None:
    for table in ("order_claims", "order_history", "order_refunds", "order_lines", "orders", "cart_items"):
        op.drop_table(table)
    platform_tables.drop("orders")


def _create_cart_items() -> None:
    op.create_table(
        "cart_items",
        sa.Column("id", Id, primary_key=True),
        sa.Column("customer_user_id", Id, nullable=False),
        sa.Column("variant_id", Id, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("select_flag", sa.SmallInteger, nullable=False),
        sa.Column("del_flag", sa.SmallInteger, nullable=False),
        sa.Column("price_amount", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("added_at", UtcDateTime, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("uq_cart_items_user_variant", "cart_items", ["customer_user_id", "variant_id"], unique=True)
    op.create_index("idx_cart_items_user_status", "cart_items", ["customer_user_id", "select_flag", "del_flag"])


def _create_orders() -> None:
    amounts = ("subtotal", "shipping", "tax", "total", "paid", "refunded")
    op.create_table(
        "orders",
        sa.Column("id", Id, primary_key=True),
        sa.Column("number", sa.String(16), nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        *[sa.Column(f"{name}_amount", sa.BigInteger, nullable=False) for name in amounts],
        sa.Column("tax_included", sa.Boolean, nullable=False),
        sa.Column("shipping_method", sa.String(64)),
        sa.Column("address", Json),
        sa.Column("note", sa.Text),
        sa.Column("placed_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("payment_id", Id),
        sa.Column("paid_at", UtcDateTime),
        sa.Column("carrier", sa.String(100)),
        sa.Column("tracking_number", sa.String(100)),
        sa.Column("cancel_reason", sa.String(500)),
        sa.Column("version", sa.Integer, nullable=False),
        **by_year("id"),
    )
    _create_partitions("orders")
    op.create_index("idx_orders_user_status", "orders", ["user_id", "status"])
    op.create_index("idx_orders_status_expires", "orders", ["status", "expires_at"])
    op.create_index("idx_orders_status_placed", "orders", ["status", "placed_at", "id"])
    op.create_index("idx_orders_placed", "orders", ["placed_at", "id"])
    op.create_index("idx_orders_email", "orders", ["email"])


def _create_order_lines() -> None:
    op.create_table(
        "order_lines",
        sa.Column("order_id", Id, primary_key=True),
        sa.Column("id", Id, primary_key=True),
        sa.Column("position", sa.SmallInteger, nullable=False),
        sa.Column("variant_id", Id, nullable=False),
        sa.Column("product_id", Id, nullable=False),
        sa.Column("sku", sa.String(255), nullable=False),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.Column("image_url", sa.String(2048)),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("unit_price_amount", sa.BigInteger, nullable=False),
        sa.Column("tax_rate", sa.String(16), nullable=False),
        sa.Column("tax_amount", sa.BigInteger, nullable=False),
        sa.Column("total_amount", sa.BigInteger, nullable=False),
        sa.Column("returned", sa.Integer, nullable=False),
        sa.Column("restocked", sa.Integer, nullable=False),
        **by_year("order_id"),
    )
    _create_partitions("order_lines")


def _create_order_refunds() -> None:
    op.create_table(
        "order_refunds",
        sa.Column("order_id", Id, primary_key=True),
        sa.Column("id", Id, primary_key=True),
        sa.Column("payment_id", Id),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("surplus", sa.Boolean, nullable=False),
        sa.Column("parts", Json, nullable=False),
        sa.Column("requested_at", UtcDateTime, nullable=False),
        sa.Column("requested_by", Id),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("settled_at", UtcDateTime),
        sa.Column("failure", sa.Text),
        **by_year("order_id"),
    )
    _create_partitions("order_refunds")


def _create_order_history() -> None:
    op.create_table(
        "order_history",
        sa.Column("order_id", Id, primary_key=True),
        sa.Column("id", Id, primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("actor_id", Id),
        sa.Column("actor_role", sa.String(16), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text),
        **by_year("order_id"),
    )
    _create_partitions("order_history")


def _create_partitions(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in partitions_of(table):
            op.execute(statement)
