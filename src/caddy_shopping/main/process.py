"""One running process: contexts, relays, jobs and the web application, started and stopped in order."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from caddy_shopping.main.databases import Databases
from caddy_shopping.main.shared import Shared
from caddy_shopping.platform.db.migrate import pending, upgrade
from caddy_shopping.platform.events.bus import EventBus
from caddy_shopping.platform.events.dead_letters import DeadLetters
from caddy_shopping.platform.events.relay import Relay
from caddy_shopping.platform.http.health import Health
from caddy_shopping.platform.jobs.scheduler import Scheduler
from caddy_shopping.platform.module import Module, Schema
from caddy_shopping.platform.settings import Settings
from caddy_shopping.platform.telemetry.metrics import Metrics
from caddy_shopping.platform.telemetry.spans import Spans


@dataclass
class Process:
    """What `build` made. `app` is an ASGI application; nothing runs before `start`."""

    settings: Settings
    databases: Databases
    schemas: Sequence[Schema]
    modules: dict[str, Module]
    bus: EventBus
    relays: dict[str, Relay]
    dead_letters: dict[str, DeadLetters]
    scheduler: Scheduler
    app: Any
    health: Health
    metrics: Metrics
    shared: Shared
    spans: Spans | None = None
    release: Sequence[Callable[[], None]] = ()
    endings: Sequence[Callable[[], Awaitable[None]]] = ()
    _started: bool = field(default=False, init=False)

    async def pending(self) -> list[Schema]:
        """The contexts whose tables are not up to date."""
        return [each for each in self.schemas if await pending(self.databases.of(each.context), [each])]

    async def migrate(self) -> list[str]:
        """Bring every context's tables up to date; the names of those that were not."""
        behind = await self.pending()
        for schema in behind:
            await upgrade(self.databases.of(schema.context), schema)
        return [schema.context for schema in behind]

    async def start(self, *, work: bool = True) -> None:
        """Open what the modules need; with `work`, also deliver events and run jobs.

        Without, events are still relayed where their consumers may be in other processes.
        """
        self._started = True
        if self.spans is not None:
            self.spans.start()
        await self.shared.start()
        for module in self.modules.values():
            for step in module.start:
                await step()
        await self.bus.start(consume=work)
        if work or self.bus.shared:
            for relay in self.relays.values():
                relay.start()
        if work:
            self.scheduler.start()

    async def stop(self) -> None:
        """Finish jobs and deliveries under way, then close everything. Safe after a start cut short."""
        await self.scheduler.stop()
        await self.bus.leave()
        self.bus.stop()
        for relay in self.relays.values():
            await relay.stop()
        await self.bus.close()
        if self._started:
            for module in self.modules.values():
                for step in module.stop:
                    await step()
        await self.shared.stop()
        for end in self.endings:
            await end()
        if self.spans is not None:
            await self.spans.stop()
        for close in self.release:
            close()
        await self.databases.close()

    async def drained(self) -> None:
        """Return once every outbox is empty: also what deliveries themselves caused."""
        while True:
            for relay in self.relays.values():
                await relay.drained()
            if not sum([await relay.backlog() for relay in self.relays.values()]):
                return
