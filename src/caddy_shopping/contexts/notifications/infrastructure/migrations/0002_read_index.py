"""Notices are found by when they were read, so that old ones can be forgotten."""

from alembic import op

revision = "notifications_0002"
down_revision = "notifications_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("idx_notifications_read", "notifications", ["read_at"])


def downgrade() -> None:
    op.drop_index("idx_notifications_read", "notifications")
