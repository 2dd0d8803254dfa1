"""Idempotency-Keys as leases with a fence (docs/adr/0004).

One row a key: claimed by an owner for a while, then turned into the answer by whoever still owns it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Table, Update, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.errors import Conflict, Invalid
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.prepared import Prepared
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.execution import Claim, Rendered

LEASE = timedelta(seconds=30)
"""How long a request may work before another with its key may take over."""


class IdempotencyKeyMissing(Invalid):
    code = "IDEMPOTENCY_KEY_MISSING"
    en = "Send an Idempotency-Key header (any unique text of 1 to 255 characters), so that a retry is safe."
    zh = "请提供 Idempotency-Key 请求头（1 到 255 个字符的唯一文本），以便安全重试。"


class IdempotencyKeyReused(Invalid):
    code = "IDEMPOTENCY_KEY_REUSED"
    en = "This Idempotency-Key was used for another request. Use a new key for a new request."
    zh = "该 Idempotency-Key 已用于其他请求，请使用新的键。"


class RequestInFlight(Conflict):
    code = "REQUEST_IN_FLIGHT"
    en = "A request with this Idempotency-Key is being worked on. Ask again in a moment."
    zh = "使用该 Idempotency-Key 的请求正在处理中，请稍后重试。"
    retryable = True


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """`scope` is caller and route, `fingerprint` a hash of the payload (32 bytes)."""

    scope: str
    key: str
    fingerprint: bytes


class IdempotencyKeys:
    """The keys of one context."""

    def __init__(self, database: Database, tables: PlatformTables, clock: Clock, lease: timedelta = LEASE) -> None:
        self._database = database
        self._clock = clock
        self._lease = lease
        table = tables.idempotency
        same = (table.c.scope == bindparam("of_scope"), table.c.idempotency_key == bindparam("of_key"))
        mine = (*same, table.c.owner == bindparam("of_owner"), table.c.status.is_(None))
        self._insert = Prepared(insert(table))
        self._found = Prepared(select(table.c.fingerprint, table.c.status, table.c.headers, table.c.body).where(*same))
        self._take_over = Prepared(
            update(table)
            .where(*same, table.c.status.is_(None), table.c.locked_until < bindparam("now"))
            .values(owner=bindparam("new_owner"), locked_until=bindparam("until"))
        )
        self._answer = Prepared(answering(table))
        self._drop = Prepared(delete(table).where(*mine))

    async def claim(self, key: IdempotencyKey, claim: Claim) -> Rendered | None:
        """Take the key, or give the answer that was given before.

        Raises `IdempotencyKeyReused` for another payload, `RequestInFlight` while another owner's lease runs.
        """
        now = self._clock.now()
        row = {
            "scope": key.scope,
            "idempotency_key": key.key,
            "fingerprint": key.fingerprint,
            "owner": claim.owner,
            "locked_until": now + self._lease,
            "created_at": now,
        }
        try:
            async with self._database.writing() as writing:
                await writing.run(self._insert, row)
            return None
        except IntegrityError:
            return await self._second(key, claim)

    async def _second(self, key: IdempotencyKey, claim: Claim) -> Rendered | None:
        """The key was here before: replay, refuse, or take over what a crash left behind."""
        now, same = self._clock.now(), _same(claim)
        async with self._database.writing() as writing:
            found = (await writing.run(self._found, same)).first()
            if found is None:
                raise RequestInFlight(retry_after=1)
            if found.fingerprint != key.fingerprint:
                raise IdempotencyKeyReused()
            if found.status is not None:
                return Rendered(found.status, msgspec.json.decode(found.headers), found.body)
            lease = {"now": now, "new_owner": claim.owner, "until": now + self._lease}
            taken = await writing.run(self._take_over, same | lease)
            if taken.rowcount != 1:
                raise RequestInFlight(retry_after=1)
            claim.resumed = True
            return None

    async def keep(self, claim: Claim, rendered: Rendered) -> Rendered:
        """Make `rendered` the answer, in a transaction of its own.

        Raises `RequestInFlight` where the lease ran out and another took over: the answer is theirs to give.
        """
        async with self._database.writing() as writing:
            done = await writing.run(self._answer, answer_of(claim, rendered))
        if done.rowcount != 1:
            raise RequestInFlight(retry_after=1)
        return rendered

    async def give_back(self, claim: Claim) -> None:
        """Forget the claim: the next request with this key starts afresh."""
        async with self._database.writing() as writing:
            await writing.run(self._drop, _same(claim) | {"of_owner": claim.owner})


def answering(table: Table) -> Update:
    """Turns a claim into its answer; touches no row where the claim was lost. Parameters: `answer_of`."""
    return (
        update(table)
        .where(
            table.c.scope == bindparam("of_scope"),
            table.c.idempotency_key == bindparam("of_key"),
            table.c.owner == bindparam("of_owner"),
            table.c.status.is_(None),
        )
        .values(status=bindparam("new_status"), headers=bindparam("new_headers"), body=bindparam("new_body"))
    )


def answer_of(claim: Claim, rendered: Rendered) -> dict[str, Any]:
    """The parameters of `answering`."""
    return _same(claim) | {
        "of_owner": claim.owner,
        "new_status": rendered.status,
        "new_headers": msgspec.json.encode(rendered.headers).decode(),
        "new_body": rendered.body,
    }


def _same(claim: Claim) -> dict[str, Any]:
    return {"of_scope": claim.scope, "of_key": claim.key}
