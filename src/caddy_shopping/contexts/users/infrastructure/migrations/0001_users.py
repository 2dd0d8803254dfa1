"""Accounts, sessions, refresh tokens, mail tokens, addresses."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from caddy_shopping.platform.db import platform_tables
from caddy_shopping.platform.db.types import Id, Json, UtcDateTime

revision = "users_0001"
down_revision = None
branch_labels = None
depends_on = None

_KEY = sa.String(320).with_variant(mysql.VARCHAR(320, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
_DIGEST = sa.LargeBinary(32).with_variant(mysql.BINARY(32), "mysql", "mariadb")


def upgrade() -> None:
    platform_tables.create("users")
    _users()
    _sessions()
    _mail_tokens()
    _addresses()


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", Id, nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("email", sa.String(254)),
        sa.Column("email_key", _KEY),
        sa.Column("email_confirmed_at", UtcDateTime),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("name", sa.String(100)),
        sa.Column("phone", sa.String(40)),
        sa.Column("permissions", Json(list[str]), nullable=False),
        sa.Column("disabled_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_index("uq_users_email_key", "users", ["email_key"], unique=True)
    op.create_index("idx_users_role_id", "users", ["role", "id"])


def _sessions() -> None:
    op.create_table(
        "user_sessions",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("revoked_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_user_sessions"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_sessions_user", ondelete="CASCADE"),
    )
    op.create_index("idx_user_sessions_user", "user_sessions", ["user_id"])
    op.create_index("idx_user_sessions_expires", "user_sessions", ["expires_at"])
    op.create_index("idx_user_sessions_revoked", "user_sessions", ["revoked_at"])
    op.create_table(
        "user_refresh_tokens",
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("session_id", Id, nullable=False),
        sa.Column("issued_at", UtcDateTime, nullable=False),
        sa.Column("used_at", UtcDateTime),
        sa.PrimaryKeyConstraint("digest", name="pk_user_refresh_tokens"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["user_sessions.id"], name="fk_user_refresh_tokens_session", ondelete="CASCADE"
        ),
    )
    op.create_index("idx_user_refresh_tokens_session", "user_refresh_tokens", ["session_id"])


def _mail_tokens() -> None:
    op.create_table(
        "user_tokens",
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_user_tokens"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_tokens_user", ondelete="CASCADE"),
    )
    op.create_index("idx_user_tokens_user_purpose", "user_tokens", ["user_id", "purpose"])
    op.create_index("idx_user_tokens_expires", "user_tokens", ["expires_at"])


def _addresses() -> None:
    op.create_table(
        "user_addresses",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("phone", sa.String(40)),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("region", sa.String(100)),
        sa.Column("city", sa.String(200), nullable=False),
        sa.Column("line1", sa.String(200), nullable=False),
        sa.Column("line2", sa.String(200)),
        sa.Column("postal_code", sa.String(20)),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user_addresses"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_addresses_user", ondelete="CASCADE"),
    )
    op.create_index("idx_user_addresses_user", "user_addresses", ["user_id", "id"])


def downgrade() -> None:
    for table in ("user_addresses", "user_tokens", "user_refresh_tokens", "user_sessions", "users"):
        op.drop_table(table)
    platform_tables.drop("users")
