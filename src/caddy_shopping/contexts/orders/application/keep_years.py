"""Orders lie apart by the year they were placed in: the next year's place is made ahead, an old year's is taken out."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from caddy_shopping.contexts.orders.domain.errors import YearHasOpenOrders, YearNotOver
from caddy_shopping.kernel.clock import Clock


class Years(Protocol):
    async def make(self, until: int) -> list[str]:
        """See that each year up to `until` has its place; the names of what was made now."""
        ...

    async def detach(self, year: int) -> list[str]:
        """Take a year's orders, and all that belongs to them, out into tables of their own; their names."""
        ...


class PrepareYears(msgspec.Struct, frozen=True):
    pass


class ArchiveYear(msgspec.Struct, frozen=True):
    year: int


class PrepareYearsHandler(msgspec.Struct, frozen=True):
    years: Years
    clock: Clock

    async def __call__(self, command: PrepareYears) -> list[str]:
        """Make the place of this year's and the next year's orders; the names of what was made now."""
        return await self.years.make(self.clock.now().year + 1)


class ArchiveYearHandler(msgspec.Struct, frozen=True):
    """`unfinished` counts the orders of a year that are still to be paid, shipped or completed."""

    years: Years
    clock: Clock
    unfinished: Callable[[int], Awaitable[int]]

    async def __call__(self, command: ArchiveYear) -> list[str]:
        """Take the orders of a year that is over out of the shop. They stay in the database, in tables of their own."""
        if command.year >= self.clock.now().year:
            raise YearNotOver(year=command.year)
        open_orders = await self.unfinished(command.year)
        if open_orders:
            raise YearHasOpenOrders(year=command.year, count=open_orders)
        return await self.years.detach(command.year)
