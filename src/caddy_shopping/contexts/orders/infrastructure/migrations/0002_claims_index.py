"""Claims are found by outcome and age, so that refused ones can be forgotten."""

from alembic import op

revision = "orders_0002"
down_revision = "orders_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("idx_order_claims_outcome", "order_claims", ["outcome", "at"])


def downgrade() -> None:
    op.drop_index("idx_order_claims_outcome", "order_claims")
