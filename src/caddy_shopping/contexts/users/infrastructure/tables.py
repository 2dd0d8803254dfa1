"""The tables of the users context."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
)
from sqlalchemy.dialects import mysql

from caddy_shopping.contexts.users.domain.mail_token import Purpose
from caddy_shopping.kernel.actor import Role
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.db.types import Enumeration, Id, Json, UtcDateTime

# MySQL compares text without regard to accents unless told otherwise, and keys nothing longer than it knows.
Key = String(320).with_variant(mysql.VARCHAR(320, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
Digest = LargeBinary(32).with_variant(mysql.BINARY(32), "mysql", "mariadb")

metadata = MetaData()
platform_tables = PlatformTables.of(metadata, "users")

users = Table(
    "users",
    metadata,
    Column("id", Id, nullable=False),
    Column("role", Enumeration(Role), nullable=False),
    Column("language", String(2), nullable=False),
    Column("email", String(254)),
    Column("email_key", Key),
    Column("email_confirmed_at", UtcDateTime),
    Column("password_hash", String(255)),
    Column("name", String(100)),
    Column("phone", String(40)),
    Column("permissions", Json(list[str]), nullable=False),
    Column("disabled_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("id", name="pk_users"),
    Index("uq_users_email_key", "email_key", unique=True),
    Index("idx_users_role_id", "role", "id"),
)

sessions = Table(
    "user_sessions",
    metadata,
    Column("id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    PrimaryKeyConstraint("id", name="pk_user_sessions"),
    ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_sessions_user", ondelete="CASCADE"),
    Index("idx_user_sessions_user", "user_id"),
    Index("idx_user_sessions_expires", "expires_at"),
    Index("idx_user_sessions_revoked", "revoked_at"),
)

refresh_tokens = Table(
    "user_refresh_tokens",
    metadata,
    Column("digest", Digest, nullable=False),
    Column("session_id", Id, nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    PrimaryKeyConstraint("digest", name="pk_user_refresh_tokens"),
    ForeignKeyConstraint(
        ["session_id"], ["user_sessions.id"], name="fk_user_refresh_tokens_session", ondelete="CASCADE"
    ),
    Index("idx_user_refresh_tokens_session", "session_id"),
)

mail_tokens = Table(
    "user_tokens",
    metadata,
    Column("digest", Digest, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("purpose", Enumeration(Purpose), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("digest", name="pk_user_tokens"),
    ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_tokens_user", ondelete="CASCADE"),
    Index("idx_user_tokens_user_purpose", "user_id", "purpose"),
    Index("idx_user_tokens_expires", "expires_at"),
)

addresses = Table(
    "user_addresses",
    metadata,
    Column("id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("name", String(200), nullable=False),
    Column("phone", String(40)),
    Column("country", String(2), nullable=False),
    Column("region", String(100)),
    Column("city", String(200), nullable=False),
    Column("line1", String(200), nullable=False),
    Column("line2", String(200)),
    Column("postal_code", String(20)),
    Column("is_default", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("id", name="pk_user_addresses"),
    ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_addresses_user", ondelete="CASCADE"),
    Index("idx_user_addresses_user", "user_id", "id"),
)
