"""The tables of this context."""

from typing import Any

from sqlalchemy import Column, Index, MetaData, SmallInteger, String, Table, Text

from caddy_shopping.contexts.notifications.domain.email import EmailStatus
from caddy_shopping.contexts.notifications.domain.kinds import MailKind, NoticeKind
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.db.types import Enumeration, Id, Json, UtcDateTime

metadata = MetaData()
platform_tables = PlatformTables.of(metadata, "notifications")

notifications = Table(
    "notifications",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, nullable=False),
    Column("kind", Enumeration(NoticeKind), nullable=False),
    Column("data", Json(dict[str, Any]), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("read_at", UtcDateTime),
    Index("idx_notifications_user", "user_id", "id"),
    Index("idx_notifications_user_unread", "user_id", "read_at", "id"),
    Index("idx_notifications_read", "read_at"),
)

# A row is a kind that its user has switched off.
mutes = Table(
    "notifications_mutes",
    metadata,
    Column("user_id", Id, primary_key=True),
    Column("kind", Enumeration(MailKind), primary_key=True),
)

# `claimed_by` is the batch that is sending the mail; `next_attempt_at` is then the end of its lease.
emails = Table(
    "notifications_emails",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, nullable=False),
    Column("address", String(320), nullable=False),
    Column("template", Enumeration(MailKind), nullable=False),
    Column("language", String(8), nullable=False),
    Column("data", Json(dict[str, Any]), nullable=False),
    Column("message_id", String(320), nullable=False),
    Column("status", Enumeration(EmailStatus), nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Column("claimed_by", Id),
    Column("last_error", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Index("idx_notifications_emails_queue", "status", "next_attempt_at"),
    Index("idx_notifications_emails_status", "status", "id"),
    Index("idx_notifications_emails_address", "address", "id"),
)
