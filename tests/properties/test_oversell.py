"""Two hundred buyers at once for twenty pieces: nothing is sold twice, nothing is lost, nobody gets a fault."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from caddy_shopping.contexts.products.application.create_product import CreateProduct
from caddy_shopping.contexts.products.domain.specs import ProductDetails, VariantSpec
from caddy_shopping.contexts.products.infrastructure import repositories
from caddy_shopping.contracts.products import OutOfStock, Reservation, ReservationLine
from caddy_shopping.kernel.actor import SYSTEM
from caddy_shopping.kernel.errors import ConcurrentChange
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from caddy_shopping.main.build import build
from caddy_shopping.main.process import Process
from caddy_shopping.platform.settings import Settings, load
from tests.properties.conftest import NewCaller
from tests.properties.races import CarelessStock, UncheckedStock
from tests.support.books import ask, change
from tests.support.buyers import Patience, an_email, fill_cart, new_variant, order_of
from tests.support.engine import ENGINE
from tests.support.ledger import reconcile
from tests.support.shop import Answer, Caller, Shop, eventually

SCARCE, PLENTY = 20, 1_000


@dataclass
class Rush:
    """What became of two hundred buyers of the scarce thing, and of forty who wanted only the others."""

    scarce: str
    other: str
    third: str
    buyers: list[Caller] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def won(self) -> list[tuple[Caller, Answer]]:
        """Who got the scarce thing."""
        pairs = zip(self.buyers, self.answers, strict=True)
        return [(buyer, answer) for buyer, answer in pairs if answer.status == 201 and self.scarce in units(answer)]


def units(answer: Answer) -> Counter[str]:
    return Counter({line["variantId"]: line["quantity"] for line in answer.data["lines"]})


def books(data_dir: Path, variant: str) -> tuple[int, int, int]:
    """(stock, reserved, sold)."""
    (found,) = ask(data_dir, "SELECT stock, reserved, sold FROM product_variants WHERE id = ?", UUID(variant))
    stock, reserved, sold = found
    return stock, reserved, sold


async def rush(admin: Caller, new: NewCaller) -> Rush:
    """All carts are filled first, then everybody orders in the same moment."""
    things = [await new_variant(admin, f"rush-{name}-{new_id()}", n) for name, n in (("a", SCARCE), ("b", PLENTY))]
    third = await new_variant(admin, f"rush-c-{new_id()}", PLENTY)
    scarce, other = things
    baskets = [[scarce]] * 100 + [[scarce, other]] * 50 + [[other, scarce]] * 50
    baskets += [[other, third], [third, other]] * 20
    outcome = Rush(scarce, other, third)
    outcome.buyers = [new() for _ in baskets]

    async def enter(buyer: Caller, basket: list[str]) -> None:
        async with doors:
            await buyer.sign_in_as_guest()
            await fill_cart(buyer, *basket)

    doors = asyncio.Semaphore(16)
    await asyncio.gather(*map(enter, outcome.buyers, baskets))
    patience = Patience()

    async def buy(buyer: Caller) -> Answer:
        body, key = order_of(an_email()), an_email()
        return await patience.answer(lambda: buyer.post("/orders", body, key=key))

    outcome.answers = list(await asyncio.gather(*map(buy, outcome.buyers)))
    outcome.faults = patience.busy
    return outcome


async def test_two_hundred_buyers_for_twenty_pieces(shop: Shop, admin: Caller, new: NewCaller) -> None:
    outcome = await rush(admin, new)
    refused = [answer for answer in outcome.answers if answer.status != 201]
    assert Counter((answer.status, answer.code) for answer in refused) == {(409, "OUT_OF_STOCK"): 180}
    assert len(outcome.won) == SCARCE
    # "Not now" may be said, and is documented; a deadlock may not.
    assert set(outcome.faults) <= {"DATABASE_BUSY"}
    assert books(shop.data_dir, outcome.scarce) == (0, SCARCE, 0)
    ordered = sum((units(answer) for answer in outcome.answers if answer.status == 201), Counter[str]())
    for variant in (outcome.other, outcome.third):
        assert books(shop.data_dir, variant) == (PLENTY - ordered[variant], ordered[variant], 0)
    await eventually(lambda: adds_up(shop.data_dir), timeout=60)
    await half_is_paid(shop, outcome)


async def half_is_paid(shop: Shop, outcome: Rush) -> None:
    """Ten pay, ten change their minds, all at once; then the books are looked at again."""

    async def pay(buyer: Caller, order: Any) -> None:
        answer = await Patience().answer(
            lambda: buyer.post("/payments", {"orderId": order["id"], "method": "sandbox_ok"}, key=order["id"])
        )
        assert answer.status == 201, answer

    async def cancel(buyer: Caller, order: Any) -> None:
        answer = await Patience().answer(lambda: buyer.post(f"/orders/{order['id']}/cancel", {}, key=order["id"]))
        assert answer.status == 200, answer

    half = SCARCE // 2
    paying, others = outcome.won[:half], outcome.won[half:]
    await asyncio.gather(
        *(pay(buyer, answer.data) for buyer, answer in paying),
        *(cancel(buyer, answer.data) for buyer, answer in others),
    )

    async def settled() -> bool:
        assert books(shop.data_dir, outcome.scarce) == (SCARCE - half, 0, half)
        return await adds_up(shop.data_dir)

    await eventually(settled, timeout=60)
    for variant in (outcome.other, outcome.third):
        assert sum(books(shop.data_dir, variant)) == PLENTY


async def adds_up(data_dir: Path) -> bool:
    breaches = reconcile(data_dir)
    assert breaches == []
    return True


# The same race in this process, where a guard can be taken out.


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    running = build(load(Settings, data_dir=tmp_path, database_url=ENGINE.url_of(tmp_path)))
    await running.migrate()
    yield running
    await running.stop()


async def reserve_at_once(process: Process) -> tuple[str, list[object]]:
    """Thirty orders at once for a variant of one piece: its id, and what each was answered."""
    products = process.modules["products"]
    spec = VariantSpec(price=Money(1000, "CNY"), stock=1)
    command = CreateProduct(actor=SYSTEM, details=ProductDetails(title="scarce", status="active"), variants=(spec,))
    variant = (await products.run(products.use_cases.create_product, command)).variants[0].id
    await process.drained()
    service: Any = products.service
    lines = [ReservationLine(variant, 1)]
    answers = await asyncio.gather(
        *(service.reserve(order_id=new_id(), lines=lines, ttl_seconds=600) for _ in range(30)), return_exceptions=True
    )
    return str(variant), list(answers)


async def test_in_one_process_too(process: Process) -> None:
    variant, answers = await reserve_at_once(process)
    assert Counter(map(type, answers)) == {Reservation: 1, OutOfStock: 29}
    assert books(process.settings.data_dir, variant) == (0, 1, 0)
    assert reconcile(process.settings.data_dir) == []


def without_check(process: Process) -> None:
    """Servers forget the CHECK for good; SQLite for as long as a connection is told to."""
    if not ENGINE.embedded and not ENGINE.ignores_checks:
        drop = "ALTER TABLE product_variants DROP CONSTRAINT ck_product_variants_stock"
        change(process.settings.data_dir, drop)


@pytest.mark.skipif(ENGINE.ignores_checks, reason="TiDB: checks no CHECK unless tidb_enable_check_constraint is on")
async def test_without_the_condition_the_check_of_the_table_still_holds(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second net. Its answers are no good ("try again" for "sold out"), so it is a net and not the guard."""
    monkeypatch.setattr(repositories, "SqlStock", CarelessStock)
    variant, answers = await reserve_at_once(process)
    assert Counter(map(type, answers)) == {Reservation: 1, ConcurrentChange: 29}
    assert books(process.settings.data_dir, variant) == (0, 1, 0)


async def test_negative_control_without_both_it_is_sold_thirty_times(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repositories, "SqlStock", UncheckedStock if ENGINE.embedded else CarelessStock)
    without_check(process)
    variant, answers = await reserve_at_once(process)
    assert Counter(map(type, answers)) == {Reservation: 30}
    assert books(process.settings.data_dir, variant) == (-29, 30, 0)
    assert any("below zero" in breach for breach in reconcile(process.settings.data_dir))
