"""What a transaction of the users context reads and writes.

Accounts are objects. Sessions and tokens are rows: each change of theirs is one conditional statement,
whose row count says who was first.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Executable, Table, delete, exists, func, insert, select, update
from sqlalchemy.orm import selectinload

from caddy_shopping.contexts.users.domain.errors import MailTokenInvalid
from caddy_shopping.contexts.users.domain.mail_token import MailToken, MailTokens, Purpose
from caddy_shopping.contexts.users.domain.session import RefreshToken, Sessions, UserSession
from caddy_shopping.contexts.users.domain.text import email_key
from caddy_shopping.contexts.users.domain.user import User, Users
from caddy_shopping.contexts.users.infrastructure import tables
from caddy_shopping.contracts.users import UserNotFound
from caddy_shopping.kernel.actor import Role
from caddy_shopping.kernel.errors import ConcurrentChange
from caddy_shopping.platform.db.lines import Writing
from caddy_shopping.platform.db.prepared import Prepared
from caddy_shopping.platform.db.unit_of_work import SqlTransaction

_OPEN, _ADMIT = Prepared(insert(tables.sessions)), Prepared(insert(tables.refresh_tokens))


class SqlUsersTransaction(SqlTransaction):
    def __init__(self, writing: Writing) -> None:
        super().__init__(writing)
        self.users: Users = SqlUsers(self)
        self.sessions: Sessions = SqlSessions(self)
        self.mail_tokens: MailTokens = SqlMailTokens(self)


class SqlUsers:
    """Satisfies `domain.user.Users`."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def get(self, user_id: UUID) -> User:
        return self._found(await self._tx.load(User, user_id))

    async def get_with_addresses(self, user_id: UUID) -> User:
        addresses: Any = User.addresses  # the mapping made it more than a list
        return self._found(await self._tx.load(User, user_id, options=[selectinload(addresses)]))

    def _found(self, user: User | None) -> User:
        if user is None:
            raise UserNotFound()
        return self._tx.track(user)

    async def has_email(self, email: str) -> bool:
        taken = select(exists().where(tables.users.c.email_key == email_key(email)))
        return bool((await self._tx.execute(taken)).scalar())

    async def find_by_email(self, email: str) -> User | None:
        found = await self._tx.session.scalars(select(User).where(tables.users.c.email_key == email_key(email)))
        user = found.one_or_none()
        return None if user is None else self._tx.track(user)

    async def other_admins(self, user_id: UUID) -> int:
        c = tables.users.c
        others = select(func.count()).where(c.role == Role.ADMIN, c.disabled_at.is_(None), c.id != user_id)
        return int((await self._tx.execute(others)).scalar_one())

    async def add(self, user: User) -> None:
        self._tx.session.add(self._tx.track(user))
        await self._tx.session.flush()


class SqlSessions:
    """Satisfies `domain.session.Sessions`."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def add(self, session: UserSession, token: bytes) -> None:
        row = {
            "id": session.id,
            "user_id": session.user_id,
            "created_at": session.created_at,
            "expires_at": session.expires_at,
        }
        await self._tx.run(_OPEN, row)
        await self._admit(session.id, token, session.created_at)

    async def _admit(self, session_id: UUID, token: bytes, now: datetime) -> None:
        row = {"digest": token, "session_id": session_id, "issued_at": now}
        await self._tx.run(_ADMIT, row)

    async def find_refresh_token(self, token: bytes, successor: bytes) -> RefreshToken | None:
        mine, session, next_one = tables.refresh_tokens, tables.sessions, tables.refresh_tokens.alias("successor")
        found = await self._tx.execute(
            select(
                mine.c.digest,
                mine.c.session_id,
                session.c.user_id,
                mine.c.used_at,
                exists().where(next_one.c.digest == successor, next_one.c.used_at.is_not(None)).label("successor_used"),
                session.c.created_at,
                session.c.expires_at,
                session.c.revoked_at,
            )
            .join(session, session.c.id == mine.c.session_id)
            .where(mine.c.digest == token)
        )
        row: Any = found.one_or_none()
        return None if row is None else RefreshToken(*row)

    async def rotate(self, token: RefreshToken, successor: bytes, now: datetime, expires_at: datetime) -> None:
        mine, session = tables.refresh_tokens, tables.sessions
        used = await _change(
            self._tx,
            update(mine).where(mine.c.digest == token.digest, mine.c.used_at.is_(None)).values(used_at=now),
        )
        if not used:
            raise ConcurrentChange()
        await self._admit(token.session_id, successor, now)
        # Signing out may have won meanwhile: a revoked session is not brought back.
        alive = await _change(
            self._tx,
            update(session)
            .where(session.c.id == token.session_id, session.c.revoked_at.is_(None))
            .values(expires_at=expires_at),
        )
        if not alive:
            raise ConcurrentChange()

    async def revoke(self, session_id: UUID, now: datetime) -> None:
        await self._revoke(now, tables.sessions.c.id == session_id)

    async def revoke_all(self, user_id: UUID, now: datetime, keep: UUID | None = None) -> None:
        which = tables.sessions.c.user_id == user_id
        await self._revoke(now, which if keep is None else which & (tables.sessions.c.id != keep))

    async def _revoke(self, now: datetime, which: ColumnElement[bool]) -> None:
        ended = update(tables.sessions).where(which, tables.sessions.c.revoked_at.is_(None)).values(revoked_at=now)
        await self._tx.execute(ended)

    async def purge(self, ended_before: datetime, limit: int) -> int:
        c = tables.sessions.c
        ended = select(c.id).where((c.expires_at < ended_before) | (c.revoked_at < ended_before)).limit(limit)
        ids = (await self._tx.execute(ended)).scalars().all()
        return await _delete(self._tx, tables.sessions, c.id, ids)


class SqlMailTokens:
    """Satisfies `domain.mail_token.MailTokens`."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def replace(self, token: MailToken) -> None:
        await self.forget(token.user_id, token.purpose)
        row = {
            "digest": token.digest,
            "user_id": token.user_id,
            "purpose": token.purpose,
            "created_at": token.created_at,
            "expires_at": token.expires_at,
        }
        await self._tx.execute(insert(tables.mail_tokens), row)

    async def take(self, digest: bytes, purpose: Purpose, now: datetime) -> UUID:
        c = tables.mail_tokens.c
        good = (c.digest == digest, c.purpose == purpose, c.expires_at > now)
        user_id: UUID | None = (await self._tx.execute(select(c.user_id).where(*good))).scalars().one_or_none()
        if user_id is None or not await _change(self._tx, delete(tables.mail_tokens).where(*good)):
            raise MailTokenInvalid()
        return user_id

    async def forget(self, user_id: UUID, purpose: Purpose) -> None:
        c = tables.mail_tokens.c
        await self._tx.execute(delete(tables.mail_tokens).where(c.user_id == user_id, c.purpose == purpose))

    async def purge(self, expired_before: datetime, limit: int) -> int:
        c = tables.mail_tokens.c
        expired = select(c.digest).where(c.expires_at < expired_before).limit(limit)
        digests = (await self._tx.execute(expired)).scalars().all()
        return await _delete(self._tx, tables.mail_tokens, c.digest, digests)


async def _change(tx: SqlTransaction, statement: Executable) -> int:
    """Run an UPDATE or DELETE; how many rows it touched."""
    touched: int = (await tx.execute(statement)).rowcount
    return touched


async def _delete(tx: SqlTransaction, table: Table, column: ColumnElement[Any], values: Sequence[Any]) -> int:
    # By key and not by LIMIT, which DELETE has on MySQL alone.
    return await _change(tx, delete(table).where(column.in_(values))) if values else 0
