"""The users context on a scratch database, with everything slow or secret replaced."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from caddy_shopping.contexts.users.application.create_staff import CreateStaff
from caddy_shopping.contexts.users.application.register import Register
from caddy_shopping.contexts.users.application.sign_in import SignIn
from caddy_shopping.contexts.users.application.start_as_guest import StartAsGuest
from caddy_shopping.contexts.users.application.use_cases import UseCases
from caddy_shopping.contexts.users.application.views import AccountView, SignedIn
from caddy_shopping.contexts.users.infrastructure import tables
from caddy_shopping.kernel.actor import ANONYMOUS, SYSTEM, Actor, Role
from caddy_shopping.platform.module import Module
from tests.support.clock import FakeClock
from tests.support.database import Bench

PASSWORD = "correct horse battery"
HERE = "192.0.2.1"


@dataclass
class FakeHasher:
    """Satisfies `application.ports.PasswordHasher`, and counts what it was asked."""

    generation: int = 1
    hashed: list[str] = field(default_factory=list)
    verified: list[tuple[str | None, str]] = field(default_factory=list)

    async def hash(self, password: str) -> str:
        self.hashed.append(password)
        return f"{self.generation}:{password}"

    async def verify(self, encoded: str | None, password: str) -> bool:
        self.verified.append((encoded, password))
        return encoded is not None and encoded.partition(":")[2] == password

    def needs_rehash(self, encoded: str) -> bool:
        return not encoded.startswith(f"{self.generation}:")


class FakeTokens:
    """Satisfies `application.ports.AccessTokens`: the token says whose session it is."""

    def issue(self, *, user_id: UUID, session_id: UUID, role: str, language: str) -> tuple[str, int]:
        return f"{session_id}", 900


@dataclass
class World:
    bench: Bench
    module: Module
    hasher: FakeHasher

    @property
    def cases(self) -> UseCases:
        cases: UseCases = self.module.use_cases
        return cases

    @property
    def clock(self) -> FakeClock:
        return self.bench.clock

    async def run(self, handler: Any, command: Any) -> Any:
        return await self.module.run(handler, command)

    async def guest(self) -> SignedIn:
        answer: SignedIn = await self.run(self.cases.start_as_guest, StartAsGuest(language="en"))
        return answer

    async def register(
        self, email: str = "wei@example.com", *, actor: Actor = ANONYMOUS, name: str = "Wang Wei"
    ) -> SignedIn:
        command = Register(actor=actor, email=email, password=PASSWORD, name=name, language="zh")
        answer: SignedIn = await self.run(self.cases.register, command)
        return answer

    async def sign_in(
        self,
        email: str = "wei@example.com",
        password: str = PASSWORD,
        *,
        actor: Actor = ANONYMOUS,
        address: str = HERE,
    ) -> SignedIn:
        command = SignIn(actor=actor, email=email, password=password, address=address)
        answer: SignedIn = await self.run(self.cases.sign_in, command)
        return answer

    async def staff(self, email: str, role: Role = Role.STAFF, *permissions: str) -> AccountView:
        command = CreateStaff(
            actor=SYSTEM, email=email, name="Colleague", role=role, permissions=[*permissions], password=PASSWORD
        )
        answer: AccountView = await self.run(self.cases.create_staff, command)
        return answer

    async def actor(self, signed_in: SignedIn) -> Actor:
        """Who a request with this access token is from, as authentication finds out."""
        session = await self.cases.queries.session(UUID(signed_in.access_token))
        assert session is not None
        return Actor(
            Role(session.role), session.user_id, session.session_id, frozenset(session.permissions), session.language
        )

    async def is_signed_in(self, signed_in: SignedIn) -> bool:
        return await self.cases.queries.session(UUID(signed_in.access_token)) is not None

    async def events(self, name: str) -> list[dict[str, Any]]:
        """Payloads of the events called `name`, oldest first."""
        return [msgspec.json.decode(payload) for kind, payload in await self.bench.outbox() if kind == name]

    async def mailed(self, name: str) -> str:
        """The token of the newest mail event called `name`."""
        token: str = (await self.events(name))[-1]["token"]
        return token

    async def count(self, table: str) -> int:
        async with self.bench.kit.database.read() as connection:
            rows = select(func.count()).select_from(tables.metadata.tables[table])
            return (await connection.execute(rows)).scalar_one()

    async def trace(self) -> dict[str, Any]:
        """Everything that is stored, to compare before and after: a refused request must change nothing."""
        async with self.bench.kit.database.read() as connection:
            return {
                name: [tuple(row) for row in (await connection.execute(table.select())).all()]
                for name, table in tables.metadata.tables.items()
            }
