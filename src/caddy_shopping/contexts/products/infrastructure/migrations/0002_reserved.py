"""Reservations are one table: setting stock aside for an order is one INSERT less, and what moves it reads no other."""

import sqlalchemy as sa
from alembic import op

from caddy_shopping.platform.db.types import Id, UtcDateTime

revision = "products_0002"
down_revision = "products_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What a process of before may yet write there is in them or fails: renaming waits for the transactions that have
    # written. Between copying and dropping it would be lost.
    op.rename_table("product_reservations", "product_reservations_before")
    op.rename_table("product_reservation_lines", "product_reservation_lines_before")
    op.create_table(
        "product_reserved",
        sa.Column("order_id", Id, primary_key=True),
        sa.Column("position", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("variant_id", Id, sa.ForeignKey("product_variants.id"), nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("taken", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_index("idx_product_reserved_due", "product_reserved", ["state", "expires_at"])
    op.execute(
        "INSERT INTO product_reserved"
        " (order_id, position, variant_id, quantity, taken, state, expires_at, created_at)"
        " SELECT l.order_id, ROW_NUMBER() OVER (PARTITION BY l.order_id ORDER BY l.variant_id) - 1,"
        " l.variant_id, l.quantity, l.taken, r.state, r.expires_at, r.created_at"
        " FROM product_reservation_lines_before l JOIN product_reservations_before r ON r.order_id = l.order_id"
    )
    op.drop_table("product_reservation_lines_before")
    op.drop_table("product_reservations_before")


def downgrade() -> None:
    op.rename_table("product_reserved", "product_reserved_before")
    op.create_table(
        "product_reservations",
        sa.Column("order_id", Id, primary_key=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_index("idx_product_reservations_due", "product_reservations", ["state", "expires_at"])
    op.create_table(
        "product_reservation_lines",
        sa.Column("order_id", Id, sa.ForeignKey("product_reservations.order_id"), primary_key=True),
        sa.Column("variant_id", Id, sa.ForeignKey("product_variants.id"), primary_key=True),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("taken", sa.BigInteger, nullable=False),
    )
    op.execute(
        "INSERT INTO product_reservations (order_id, state, expires_at, created_at)"
        " SELECT order_id, state, expires_at, created_at FROM product_reserved_before WHERE position = 0"
    )
    op.execute(
        "INSERT INTO product_reservation_lines (order_id, variant_id, quantity, taken)"
        " SELECT order_id, variant_id, quantity, taken FROM product_reserved_before"
    )
    op.drop_table("product_reserved_before")
