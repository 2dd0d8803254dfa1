"""A `contracts.users.Users` without a database, for the tests of the other contexts."""

from typing import NamedTuple
from uuid import UUID

from caddy_shopping.contracts.users import Session
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.ids import new_id


class Person(NamedTuple):
    id: UUID
    role: Role
    language: str
    email: str | None


class FakeUsers:
    """Satisfies `contracts.users.Users`; passes the same contract tests as the real service."""

    def __init__(self) -> None:
        self._sessions: dict[UUID, Session] = {}

    def add(
        self,
        role: Role = Role.CUSTOMER,
        *,
        email: str | None = "wei@example.com",
        language: str = "en",
    ) -> Person:
        """Somebody new; a guest has no e-mail."""
        return Person(new_id(), role, language, None if role is Role.GUEST else email)

    def sign_in(self, user: Person, *permissions: str) -> Session:
        """A living session of `user`."""
        session = Session(
            session_id=new_id(),
            user_id=user.id,
            role=user.role,
            permissions=sorted(permissions),
            language=user.language,
            email=user.email,
        )
        self._sessions[session.session_id] = session
        return session

    def actor(self, role: Role = Role.CUSTOMER, *permissions: str) -> Actor:
        """Somebody new who is signed in, as use cases see them."""
        session = self.sign_in(self.add(role), *permissions)
        return Actor(role, session.user_id, session.session_id, frozenset(permissions), session.language, session.email)

    def disable(self, user_id: UUID) -> None:
        """Close an account: its sessions are gone."""
        self._sessions = {key: each for key, each in self._sessions.items() if each.user_id != user_id}

    def sign_out(self, session_id: UUID) -> None:
        self._sessions.pop(session_id, None)

    async def find_session(self, *, session_id: UUID) -> Session | None:
        return self._sessions.get(session_id)
