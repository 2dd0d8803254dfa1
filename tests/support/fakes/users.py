"""A `contracts.users.Users` without a database, for the tests of the other contexts."""

from uuid import UUID

from caddy_shopping.contracts.users import Session, UserNotFound, UserView
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.ids import new_id


class FakeUsers:
    """Satisfies `contracts.users.Users`; passes the same contract tests as the real service."""

    def __init__(self) -> None:
        self._users: dict[UUID, UserView] = {}
        self._sessions: dict[UUID, Session] = {}

    def add(
        self,
        role: Role = Role.CUSTOMER,
        *,
        email: str | None = "wei@example.com",
        name: str | None = "Wang Wei",
        language: str = "en",
    ) -> UserView:
        """Somebody new; a guest has neither e-mail nor name."""
        guest = role is Role.GUEST
        user = UserView(
            id=new_id(), role=role, language=language, email=None if guest else email, name=None if guest else name
        )
        self._users[user.id] = user
        return user

    def sign_in(self, user: UserView, *permissions: str) -> Session:
        """A living session of `user`."""
        session = Session(
            session_id=new_id(),
            user_id=user.id,
            role=user.role,
            permissions=sorted(permissions),
            language=user.language,
        )
        self._sessions[session.session_id] = session
        return session

    def actor(self, role: Role = Role.CUSTOMER, *permissions: str) -> Actor:
        """Somebody new who is signed in, as use cases see them."""
        session = self.sign_in(self.add(role), *permissions)
        return Actor(role, session.user_id, session.session_id, frozenset(permissions), session.language)

    def disable(self, user_id: UUID) -> None:
        """Close an account: its sessions are gone."""
        self._sessions = {key: each for key, each in self._sessions.items() if each.user_id != user_id}

    def sign_out(self, session_id: UUID) -> None:
        self._sessions.pop(session_id, None)

    async def find_session(self, *, session_id: UUID) -> Session | None:
        return self._sessions.get(session_id)

    async def get_user(self, *, user_id: UUID) -> UserView:
        user = self._users.get(user_id)
        if user is None:
            raise UserNotFound()
        return user
