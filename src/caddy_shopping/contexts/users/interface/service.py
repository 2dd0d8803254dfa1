"""What the other contexts may ask of users."""

from dataclasses import dataclass
from uuid import UUID

from caddy_shopping.contexts.users.application.queries import UserQueries
from caddy_shopping.contracts.users import Session


@dataclass(frozen=True, slots=True)
class UsersService:
    """Satisfies `contracts.users.Users`. It only reads, and needs no executor."""

    queries: UserQueries

    async def find_session(self, *, session_id: UUID) -> Session | None:
        return await self.queries.session(session_id)
