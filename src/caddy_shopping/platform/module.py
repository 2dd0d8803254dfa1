"""What a context offers to the process that runs it, and what it is given to be built with."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from litestar.types import ControllerRouterHandler
from sqlalchemy import MetaData

from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork
from caddy_shopping.platform.cache.cache import Cache
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.db.unit_of_work import Committed, SqlTransaction, unit_of_work
from caddy_shopping.platform.events.consumer import Consumer
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.rate_limit import Limiter

Tx = TypeVar("Tx", bound=SqlTransaction)


@dataclass(frozen=True, slots=True)
class Job:
    """Work that comes round: `run` is called every `every`, never twice at once in one process.

    Two processes may run the same job at the same moment, lock or no lock; it must be correct then too.
    """

    name: str
    every: timedelta
    run: Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Kit:
    """What the platform lends one context. `run` is its executor, `database` where it lives."""

    context: str
    database: Database
    tables: PlatformTables
    clock: Clock
    run: Executor
    committed: Committed
    """Called after each commit that left events in the outbox: wakes the relay."""
    cache: Cache
    """Forgets, after each commit, what the transaction called stale."""
    limiter: Limiter | None = None
    """Counts across processes, where they share something."""

    def unit_of_work(self, transaction: type[Tx]) -> UnitOfWork[Tx]:
        """A factory of this context's transactions, e.g. `kit.unit_of_work(OrdersTransaction)`."""
        return unit_of_work(self.database, self.tables, self.clock, transaction, self.committed, self.cache.forget)


@dataclass(frozen=True, slots=True)
class Module:
    """A built context. `use_cases` is its bundle for CLI and tests; `service` is its contract."""

    name: str
    use_cases: Any
    run: Executor
    routes: Callable[[], Sequence[ControllerRouterHandler]] = tuple
    """Called once where the context is served: Litestar takes long to make them."""
    consumers: Sequence[Consumer] = ()
    service: object | None = None
    jobs: Sequence[Job] = ()
    start: Sequence[Callable[[], Awaitable[None]]] = ()
    """Awaited once before the process serves."""
    stop: Sequence[Callable[[], Awaitable[None]]] = field(default=())
    """Awaited once when the process ends."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A context's tables and where their history lies."""

    context: str
    metadata: MetaData
    migrations: Path


OpenModule = Callable[[], AbstractAsyncContextManager[Module]]
"""Builds the process on demand for a CLI command: `async with open_module() as module`."""
