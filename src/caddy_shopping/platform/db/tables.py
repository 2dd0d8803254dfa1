"""The four tables that every context has beside its own: outbox, inbox, idempotency, dead letters."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, String, Table, Text
from sqlalchemy.dialects import mysql

from caddy_shopping.platform.db.types import Id, UtcDateTime

# SQLite counts rows up by itself only in a column declared INTEGER.
Sequence = BigInteger().with_variant(Integer(), "sqlite")
# MySQL makes a TINYBLOB of a short blob, which then is not what was declared.
Digest = LargeBinary(32).with_variant(mysql.BINARY(32), "mysql", "mariadb")
Payload = LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")


@dataclass(frozen=True, slots=True)
class PlatformTables:
    """`outbox` says what happened; `inbox` what was already handled; `idempotency` what was answered."""

    outbox: Table
    inbox: Table
    idempotency: Table
    dead_letters: Table

    @classmethod
    def found(cls, metadata: MetaData, context: str) -> "PlatformTables":
        """Those that `of` declared before."""
        return cls(*(metadata.tables[f"{context}_{name}"] for name in cls.__slots__))

    @classmethod
    def of(cls, metadata: MetaData, context: str) -> "PlatformTables":
        """Declare them in the context's metadata, named after it: `orders_outbox` and so on."""
        return cls(
            outbox=Table(
                f"{context}_outbox",
                metadata,
                Column("seq", Sequence, primary_key=True, autoincrement=True),
                Column("event_id", Id, nullable=False),
                Column("type", String(64), nullable=False),
                Column("schema_version", SmallInteger, nullable=False),
                Column("event_key", Id, nullable=False),
                Column("payload", Payload, nullable=False),
                Column("traceparent", String(55)),
                Column("occurred_at", UtcDateTime, nullable=False),
                Column("published_at", UtcDateTime),
                Index(f"idx_{context}_outbox_unpublished", "published_at", "seq"),
            ),
            inbox=Table(
                f"{context}_inbox",
                metadata,
                Column("consumer", String(96), primary_key=True),
                Column("event_id", Id, primary_key=True),
                Column("handled_at", UtcDateTime, nullable=False),
                Index(f"idx_{context}_inbox_handled", "handled_at"),
            ),
            idempotency=Table(
                f"{context}_idempotency",
                metadata,
                Column("scope", String(160), primary_key=True),
                Column("idempotency_key", String(255), primary_key=True),
                Column("fingerprint", Digest, nullable=False),
                Column("owner", Id, nullable=False),
                Column("locked_until", UtcDateTime, nullable=False),
                Column("status", SmallInteger),
                Column("headers", Text),
                Column("body", Payload),
                Column("created_at", UtcDateTime, nullable=False),
                Index(f"idx_{context}_idempotency_created", "created_at"),
            ),
            dead_letters=Table(
                f"{context}_dead_letters",
                metadata,
                Column("consumer", String(96), primary_key=True),
                Column("event_id", Id, primary_key=True),
                Column("topic", String(32), nullable=False),
                Column("type", String(64), nullable=False),
                Column("schema_version", SmallInteger, nullable=False),
                Column("event_key", Id, nullable=False),
                Column("payload", Payload, nullable=False),
                Column("error", Text, nullable=False),
                Column("attempts", Integer, nullable=False),
                Column("occurred_at", UtcDateTime, nullable=False),
                Column("failed_at", UtcDateTime, nullable=False),
            ),
        )
