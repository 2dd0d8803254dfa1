"""The proof that a crash loses nothing: a shop under load is killed again and again, then its books are checked."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import aiohttp

from caddy_shopping.main.verify.child import Child
from caddy_shopping.main.verify.customers import Customer, Told
from caddy_shopping.main.verify.ledger.books import Books, ident
from caddy_shopping.main.verify.members import crowds_on, tell
from caddy_shopping.main.verify.report import Line, listed
from caddy_shopping.main.verify.scratch import Scratch
from caddy_shopping.main.verify.settle import settled

TITLES = ("scarce", "plenty-1", "plenty-2", "plenty-3")
ABOUNDING = 1_000_000
STALLED = 30.0
"""Seconds after which it is time for the next kill, whatever was answered."""
Strike = Callable[[Child, random.Random], Awaitable[str]]
"""Kills something and brings it back; answers what it was."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """So many kills, each after some more answers, `busiest` at most, so that it meets a slow shop at work too."""

    cycles: int = 20
    customers: int = 8
    seed: int = 1
    busiest: int = 80
    patience: float = 90.0


@dataclass
class Story:
    """What happened, and what holds after it."""

    told: Told
    lines: list[Line]
    kills: Counter[str] = field(default_factory=Counter)


async def kill_the_application(child: Child, _dice: random.Random) -> str:
    """The only thing that an operator's proof may kill: the database may have other users."""
    await asyncio.to_thread(child.kill)
    await child.start()
    return "the application"


async def crash(
    scratch: Scratch, trouble: Trouble, say: Callable[[str], None], strike: Strike = kill_the_application
) -> Story:
    """Run a shop on a scratch and `strike` it again and again."""
    initial = {title: 2 * trouble.cycles if title == "scarce" else ABOUNDING for title in TITLES}
    say("Making the tables and the shelf …")
    async with crowds_on(scratch, 1) as crowd:
        await tell(crowd, "migrate")
        (goods,) = await tell(crowd, "put_on_sale", TITLES, [initial[title] for title in TITLES])
    child, story = Child(scratch), Story(Told(), [])
    try:
        await child.start()
        await _load(child, [variant for variant, _ in goods], trouble, story, strike, say)
        say("Waiting until everything that was under way has arrived …")
        story.lines = await settled(scratch.url, initial, lambda books: promises(books, story), trouble.patience)
    finally:
        await asyncio.to_thread(child.stop)
    return story


async def _load(
    child: Child, variants: list[UUID], trouble: Trouble, story: Story, strike: Strike, say: Callable[[str], None]
) -> None:
    closing, dice = asyncio.Event(), random.Random(trouble.seed)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(30)) as http:
        crowd = [
            asyncio.create_task(
                Customer(http, child.url, variants, story.told, random.Random(dice.random())).shop(closing)
            )
            for _ in range(trouble.customers)
        ]
        try:
            for cycle in range(1, trouble.cycles + 1):
                await _work(story.told, dice.randint(1, trouble.busiest))
                await asyncio.sleep(dice.uniform(0, 0.05))
                what = await strike(child, dice)
                story.kills[what] += 1
                say(f"Cycle {cycle} of {trouble.cycles}: killed {what}; {len(story.told.ordered)} orders so far")
            closing.set()
            await asyncio.gather(*crowd)
        finally:
            for task in crowd:
                task.cancel()
            await asyncio.gather(*crowd, return_exceptions=True)


async def _work(told: Told, answers: int) -> None:
    """Return after so many answers more."""
    enough, deadline = told.answers + answers, asyncio.get_running_loop().time() + STALLED
    while told.answers < enough:
        if asyncio.get_running_loop().time() > deadline:
            return
        await asyncio.sleep(0.005)


def promises(books: Books, story: Story) -> list[Line]:
    """Whether everybody has what they were told."""
    told = story.told
    rows = books.ask("SELECT id, email, total_amount FROM orders").all()
    stored = {row.email: (ident(row.id), row.total_amount) for row in rows}
    often = Counter(row.email for row in rows)
    lost = [
        f"order {order['id']} was acknowledged and is not there, or is another"
        for email, order in told.ordered.items()
        if stored.get(email) != (UUID(order["id"]), order["total"]["amount"])
    ]
    wrong = [f"{email} was refused and has an order" for email in told.absent & stored.keys()]
    strange = [f"{email} has {n} orders" for email, n in often.items() if n > 1]
    strange += [f"{email} never ordered" for email in stored.keys() - told.ordered.keys() - told.absent - told.unknown]
    payments = {ident(row.id) for row in books.ask("SELECT id FROM payments")}
    unpaid = [f"payment {each} was acknowledged and is not there" for each in told.paid - payments]
    whole = len(told.unknown & stored.keys())
    kills = ", ".join(f"{n} × {what}" for what, n in story.kills.items())
    return [
        Line("the kills met requests under way", told.cut_off + told.unavailable.total() > 0, _trouble(told, kills)),
        listed("acknowledged orders are all there", lost, f"{len(told.ordered)} orders"),
        listed("acknowledged payments are all there", unpaid, f"{len(told.paid)} payments"),
        listed("refused orders are not", wrong, f"{len(told.absent)}: {dict(told.refused)}"),
        listed(
            "orders of unknown fate are whole or absent", strange, f"{whole} whole, {len(told.unknown) - whole} absent"
        ),
        listed("nobody got a fault", [f"{n} times {fault}" for fault, n in told.faults.items()], "no 5xx but 503"),
    ]


def _trouble(told: Told, kills: str) -> str:
    return f"killed {kills}; {told.cut_off} requests cut off, {told.unavailable.total()} answered 503"
