"""SELECTs straight into what is answered."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, bindparam, exists, func, or_, select

from caddy_shopping.contexts.users.application.queries import AccountFilter, Credentials
from caddy_shopping.contexts.users.application.views import AccountView, AddressView
from caddy_shopping.contexts.users.domain.errors import AddressNotFound, MailTokenInvalid
from caddy_shopping.contexts.users.domain.mail_token import Purpose
from caddy_shopping.contexts.users.domain.text import email_key
from caddy_shopping.contexts.users.infrastructure import tables
from caddy_shopping.contracts.users import Session, UserNotFound
from caddy_shopping.kernel.actor import Role
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.paging import PageRequest, Slice
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.prepared import Prepared

AnyRow = Row[*tuple[Any, ...]]
AnySelect = Select[*tuple[Any, ...]]

_U, _S, _A, _T = tables.users.c, tables.sessions.c, tables.addresses.c, tables.mail_tokens.c

_SESSION = Prepared(
    select(_S.id, _S.user_id, _U.role, _U.permissions, _U.language, _U.email)
    .join(tables.users, _U.id == _S.user_id)
    .where(
        _S.id == bindparam("session_id"),
        _S.revoked_at.is_(None),
        _S.expires_at > bindparam("now"),
        _U.disabled_at.is_(None),
    )
)
_ACCOUNT = select(
    _U.id,
    _U.role,
    _U.language,
    _U.email,
    _U.email_confirmed_at.is_not(None).label("email_confirmed"),
    _U.name,
    _U.phone,
    _U.permissions,
    _U.disabled_at.is_not(None).label("disabled"),
    _U.created_at,
    _U.version,
)
_ADDRESS = select(*(_A[name] for name in AddressView.__struct_fields__))
_CREDENTIALS = select(_U.id, _U.email, _U.password_hash)


class SqlUserQueries:
    """Satisfies `application.queries.UserQueries`: one SELECT each, two where a total is asked for."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def session(self, session_id: UUID) -> Session | None:
        async with self._database.glance() as glance:
            row = (await glance.run(_SESSION, {"session_id": session_id, "now": self._clock.now()})).first()
        return None if row is None else Session(*row)

    async def account(self, user_id: UUID) -> AccountView:
        return await self._account(_U.id == user_id)

    async def account_by_email(self, email: str) -> AccountView:
        return await self._account(_U.email_key == email_key(email))

    async def _account(self, which: ColumnElement[bool]) -> AccountView:
        row = await self._first(_ACCOUNT.where(which))
        if row is None:
            raise UserNotFound()
        return _account_view(row)

    async def accounts(self, wanted: AccountFilter, page: PageRequest) -> Slice[AccountView]:
        filters = _filters(wanted)
        after = page.after(UUID)
        rows = _ACCOUNT.where(*filters).order_by(_U.id.desc()).limit(page.limit + 1)
        if after is not None:
            rows = rows.where(_U.id < after)
        total = select(func.count()).select_from(tables.users).where(*filters) if page.total else None
        found, count = await self._page(rows, total)
        return Slice.cut([_account_view(row) for row in found], page, lambda view: view.id, count)

    async def addresses(self, user_id: UUID, page: PageRequest) -> Slice[AddressView]:
        after = page.after(UUID)
        rows = _ADDRESS.where(_A.user_id == user_id).order_by(_A.id).limit(page.limit + 1)
        if after is not None:
            rows = rows.where(_A.id > after)
        total = select(func.count()).where(_A.user_id == user_id) if page.total else None
        found, count = await self._page(rows, total)
        return Slice.cut([AddressView(**row._mapping) for row in found], page, lambda view: view.id, count)

    async def address(self, user_id: UUID, address_id: UUID) -> AddressView:
        row = await self._first(_ADDRESS.where(_A.id == address_id, _A.user_id == user_id))
        if row is None:
            raise AddressNotFound()
        return AddressView(**row._mapping)

    async def credentials(self, user_id: UUID) -> Credentials:
        row = await self._first(_CREDENTIALS.where(_U.id == user_id))
        if row is None:
            raise UserNotFound()
        return Credentials(*row)

    async def credentials_by_email(self, email: str) -> Credentials | None:
        row = await self._first(_CREDENTIALS.where(_U.email_key == email_key(email)))
        return None if row is None else Credentials(*row)

    async def mail_token_owner(self, digest: bytes, purpose: Purpose) -> Credentials:
        good = (_T.digest == digest, _T.purpose == purpose, _T.expires_at > self._clock.now())
        row = await self._first(_CREDENTIALS.join(tables.mail_tokens, _T.user_id == _U.id).where(*good))
        if row is None:
            raise MailTokenInvalid()
        return Credentials(*row)

    async def has_admin(self) -> bool:
        row = await self._first(select(exists().where(_U.role == Role.ADMIN)))
        return row is not None and bool(row[0])

    async def _first(self, statement: AnySelect) -> AnyRow | None:
        async with self._database.glance() as glance:
            row: AnyRow | None = (await glance.execute(statement)).first()
            return row

    async def _page(self, rows: AnySelect, total: AnySelect | None) -> tuple[Sequence[AnyRow], int | None]:
        async with self._database.read() as connection:
            found = (await connection.execute(rows)).all()
            count = None if total is None else (await connection.execute(total)).scalar_one()
        return found, count


def _account_view(row: AnyRow) -> AccountView:
    return AccountView(**{**row._mapping, "email_confirmed": bool(row.email_confirmed), "disabled": bool(row.disabled)})


def _filters(wanted: AccountFilter) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if wanted.role is not None:
        filters.append(_U.role == wanted.role)
    if wanted.disabled is not None:
        filters.append(_U.disabled_at.is_not(None) if wanted.disabled else _U.disabled_at.is_(None))
    if wanted.search is not None:
        begins = _U.email_key.startswith(email_key(wanted.search), autoescape=True)
        filters.append(or_(begins, func.lower(_U.name).contains(wanted.search.strip().lower(), autoescape=True)))
    return filters
