"""One process of a crowd that buys at once: a whole shop of its own on the shared database, and its buyers."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

import uvloop

from caddy_shopping.contexts.orders.application.add_to_cart import AddToCart
from caddy_shopping.contexts.orders.application.place_order import PlaceOrder
from caddy_shopping.contexts.orders.domain.parts import Address
from caddy_shopping.contexts.products.application.change_stock import ChangeStock
from caddy_shopping.contexts.products.application.create_product import CreateProduct
from caddy_shopping.contexts.products.domain.specs import ProductDetails, VariantSpec
from caddy_shopping.contexts.products.domain.stock import Reason
from caddy_shopping.kernel.actor import SYSTEM, Actor, Role
from caddy_shopping.kernel.errors import ShopError
from caddy_shopping.kernel.money import Money
from caddy_shopping.main.build import build
from caddy_shopping.main.process import Process
from caddy_shopping.main.verify.scratch import Scratch
from caddy_shopping.platform.settings import Settings, load
from caddy_shopping.platform.telemetry.logging import configure_logging

AT_THE_DOOR = 8
"""Buyers of one process that fill their carts at once."""
PATIENCE = 120.0
"""Seconds after which a shopper goes away without an answer."""
NO_ANSWER = "NO_ANSWER"
PATIENT = {"SHOP_POOL_TIMEOUT_SECONDS": "30"}
"""They all come in one moment and queue for few connections: being sent away and asking again proves nothing."""
_ADDRESS = Address(name="Li Lei 李雷", line1="1 Nanjing Road", city="Shanghai", country="CN")


@dataclass(frozen=True, slots=True)
class Shopper:
    """Somebody who wants one of each of `basket`, taken up in this order; their e-mail names them."""

    id: UUID
    basket: tuple[UUID, ...]

    @property
    def email(self) -> str:
        return f"{self.id.hex}@shop.example"


@dataclass
class Outcomes:
    """What this process's shoppers were told: their order's id, or the code of the refusal."""

    ordered: dict[UUID, UUID] = field(default_factory=dict)
    refused: dict[UUID, str] = field(default_factory=dict)
    retries: Counter[str] = field(default_factory=Counter)
    """Lost races that the executors ran again, by use case."""
    again: Counter[str] = field(default_factory=Counter)
    """What shoppers were told before they asked again: "not now"."""


class Crowd:
    """Answers to the parent's words, each of which is a method's name with its arguments."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._shoppers: list[Shopper] = []

    async def put_on_sale(self, titles: list[str], stock: list[int]) -> list[tuple[UUID, str]]:
        """Make a product for each title; the variants' ids and SKUs."""
        products, made = self._process.modules["products"], []
        for title, n in zip(titles, stock, strict=True):
            spec = VariantSpec(sku=title, price=Money(1000, "CNY"), stock=n)
            command = CreateProduct(
                actor=SYSTEM, details=ProductDetails(title=title, status="active"), variants=(spec,)
            )
            made.append((await products.run(products.use_cases.create_product, command)).variants[0])
        return [(variant.id, variant.sku) for variant in made]

    async def deliver(self, variant: UUID, pieces: int) -> None:
        """Put more on the shelf."""
        products = self._process.modules["products"]
        command = ChangeStock(actor=SYSTEM, variant_id=variant, delta=pieces, reason=Reason.RECEIVED)
        await products.run(products.use_cases.change_stock, command)

    async def enter(self, fresh: list[Shopper], back: list[Shopper]) -> None:
        """Fill the carts of who is `fresh`; those who come `back` have theirs from before."""
        doors = asyncio.Semaphore(AT_THE_DOOR)

        async def fill(shopper: Shopper) -> None:
            async with doors:
                for variant in shopper.basket:
                    await self._ask("add_to_cart", AddToCart(actor=_actor(shopper), variant_id=variant, quantity=1))

        await asyncio.gather(*map(fill, fresh))
        self._shoppers = [*back, *fresh]

    async def buy(self) -> Outcomes:
        """All order at once."""
        outcomes, before = Outcomes(), self._retried()

        async def buy(shopper: Shopper) -> None:
            command = PlaceOrder(
                actor=_actor(shopper), shipping_method="standard", address=_ADDRESS, email=shopper.email
            )
            try:
                outcomes.ordered[shopper.id] = (await self._ask("place_order", command, outcomes.again)).id
            except ShopError as refusal:
                outcomes.refused[shopper.id] = refusal.code
            except TimeoutError:
                outcomes.refused[shopper.id] = NO_ANSWER

        await asyncio.gather(*map(buy, self._shoppers))
        outcomes.retries = self._retried() - before
        return outcomes

    async def _ask(self, use_case: str, command: Any, again: Counter[str] | None = None) -> Any:
        """Run a use case of orders, again where it says "not now", as any client would."""
        orders = self._process.modules["orders"]
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await orders.run(getattr(orders.use_cases, use_case), command)
                except ShopError as refusal:
                    if not refusal.retryable:
                        raise
                    if again is not None:
                        again[refusal.code] += 1
                    await asyncio.sleep(refusal.retry_after or 0.1)

    def _retried(self) -> Counter[str]:
        samples = [sample for family in self._process.metrics.operations.collect() for sample in family.samples]
        lost = [each for each in samples if each.name.endswith("_total") and each.labels["status"] == "retried"]
        return Counter({each.labels["operation"]: int(each.value) for each in lost})


def _actor(shopper: Shopper) -> Actor:
    return Actor(Role.GUEST, id=shopper.id)


def work(scratch: Scratch, pipe: Connection, prepare: Callable[[], None]) -> None:
    """The main function of a process of the crowd. `prepare` runs before the shop is built: tests break it there."""
    os.environ.clear()
    os.environ.update(scratch.environment | PATIENT)
    os.chdir(scratch.folder)  # no `.env` of the installation
    settings = load(Settings)
    configure_logging(settings.log_level, settings.log_format)
    prepare()
    uvloop.run(_listen(pipe, settings))


async def _listen(pipe: Connection, settings: Settings) -> None:
    process = build(settings)
    crowd, started = Crowd(process), False
    try:
        while True:
            word, *arguments = await asyncio.to_thread(pipe.recv)
            if word == "migrate":
                answer: Any = await process.migrate()
            elif word == "start":
                started, answer = True, None
                await process.start()
            else:
                answer = await getattr(crowd, word)(*arguments)
            pipe.send(answer)
    except EOFError:
        pass  # the parent has heard enough
    finally:
        if started:
            await process.stop()
