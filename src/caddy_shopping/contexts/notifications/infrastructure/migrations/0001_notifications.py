"""Notifications, switched-off mails, and the queue of mails."""

import sqlalchemy as sa
from alembic import op

from caddy_shopping.platform.db import platform_tables
from caddy_shopping.platform.db.types import Id, Json, UtcDateTime

revision = "notifications_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform_tables.create("notifications")
    op.create_table(
        "notifications",
        sa.Column("id", Id, primary_key=True),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("data", Json(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("read_at", UtcDateTime),
    )
    op.create_index("idx_notifications_user", "notifications", ["user_id", "id"])
    op.create_index("idx_notifications_user_unread", "notifications", ["user_id", "read_at", "id"])
    op.create_table(
        "notifications_mutes",
        sa.Column("user_id", Id, primary_key=True),
        sa.Column("kind", sa.String(32), primary_key=True),
    )
    _create_emails()


def _create_emails() -> None:
    op.create_table(
        "notifications_emails",
        sa.Column("id", Id, primary_key=True),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("template", sa.String(32), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("data", Json(), nullable=False),
        sa.Column("message_id", sa.String(320), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("attempts", sa.SmallInteger, nullable=False),
        sa.Column("next_attempt_at", UtcDateTime, nullable=False),
        sa.Column("claimed_by", Id),
        sa.Column("last_error", sa.Text),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("sent_at", UtcDateTime),
    )
    op.create_index("idx_notifications_emails_queue", "notifications_emails", ["status", "next_attempt_at"])
    op.create_index("idx_notifications_emails_status", "notifications_emails", ["status", "id"])
    op.create_index("idx_notifications_emails_address", "notifications_emails", ["address", "id"])


def downgrade() -> None:
    op.drop_table("notifications_emails")
    op.drop_table("notifications_mutes")
    op.drop_table("notifications")
    platform_tables.drop("notifications")
