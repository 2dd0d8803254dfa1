"""An order says itself who placed it, which was the first line of its history: placing one is one INSERT less.

Orders of before keep that line and have neither column.
"""

import sqlalchemy as sa
from alembic import op

from caddy_shopping.platform.db.types import Id

revision = "orders_0003"
down_revision = "orders_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("placed_by", Id))
    op.add_column("orders", sa.Column("placed_as", sa.String(16)))


def downgrade() -> None:
    # The order's own id serves as that of the line: it is older than those of all other lines.
    op.execute(
        "INSERT INTO order_history (order_id, id, at, actor_id, actor_role, action)"
        " SELECT id, id, placed_at, placed_by, placed_as, 'placed' FROM orders WHERE placed_as IS NOT NULL"
    )
    op.drop_column("orders", "placed_as")
    op.drop_column("orders", "placed_by")
