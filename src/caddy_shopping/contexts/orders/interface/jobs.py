"""What comes round in the orders context."""

from datetime import timedelta

from caddy_shopping.contexts.orders.application.expire_orders import ExpireOrder, expire_due
from caddy_shopping.contexts.orders.application.keep_years import PrepareYears
from caddy_shopping.contexts.orders.application.purge_claims import PurgeClaims
from caddy_shopping.contexts.orders.application.use_cases import UseCases
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.module import Job


def jobs(use_cases: UseCases, run: Executor, clock: Clock, every: timedelta) -> list[Job]:
    async def expire_one(command: ExpireOrder) -> bool:
        return await run(use_cases.expire_order, command)

    async def expire() -> int:
        return await expire_due(use_cases.queries, expire_one, clock)

    async def purge() -> None:
        await run(use_cases.purge_claims, PurgeClaims())

    async def prepare_years() -> None:
        await run(use_cases.prepare_years, PrepareYears())

    return [
        Job("orders.expire", every, expire),
        Job("orders.purge-claims", timedelta(hours=1), purge),
        Job("orders.prepare-years", timedelta(days=1), prepare_years),
    ]
