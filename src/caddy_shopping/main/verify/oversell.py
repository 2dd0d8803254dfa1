"""The proof that nothing is sold twice: many processes, many buyers, one shelf."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from caddy_shopping.kernel.ids import new_id
from caddy_shopping.main.verify.crowd import Outcomes, Shopper
from caddy_shopping.main.verify.ledger.books import Books, ident
from caddy_shopping.main.verify.members import Member, as_it_is, crowds_on, tell
from caddy_shopping.main.verify.report import Line, listed
from caddy_shopping.main.verify.scratch import Scratch
from caddy_shopping.main.verify.settle import settled

TITLES = ("scarce", "plenty-1", "plenty-2")
ABOUNDING = 1_000_000


@dataclass(frozen=True, slots=True)
class Race:
    """`stock` pieces for `buyers`, who are spread over `processes`; again in each of `rounds`.

    In every round but the first, those who went away empty-handed come back with the carts that they have, beside new
    ones in place of those who got something, and as many new pieces.
    """

    buyers: int = 500
    stock: int = 50
    processes: int = 4
    seed: int = 1
    rounds: int = 1
    patience: float = 90.0


@dataclass
class Tally:
    """What all buyers of all rounds were told."""

    expected: int
    orders: dict[UUID, UUID] = field(default_factory=dict)
    """Buyer to order."""
    turned_away: Counter[str] = field(default_factory=Counter)
    uneven: list[str] = field(default_factory=list)
    """Rounds in which more or fewer pieces were sold than there were."""
    retries: Counter[str] = field(default_factory=Counter)
    """Lost races that were run again, by use case."""
    again: Counter[str] = field(default_factory=Counter)

    def add(self, seed: int, outcomes: Sequence[Outcomes], stock: int) -> set[UUID]:
        """Count a round in; who got something."""
        won: dict[UUID, UUID] = {}
        for outcome in outcomes:
            won |= outcome.ordered
            self.turned_away.update(outcome.refused.values())
            self.retries += outcome.retries
            self.again += outcome.again
        if len(won) != stock:
            self.uneven.append(f"seed {seed}: {len(won)} of {stock} pieces were sold")
        self.orders |= won
        return set(won)


async def oversell(
    scratch: Scratch, race: Race, say: Callable[[str], None], prepare: Callable[[], None] = as_it_is
) -> tuple[Tally, list[Line]]:
    """Run the race on a scratch: what the buyers were told, and what holds after it.

    `prepare`, importable, runs first in each process.
    """
    async with crowds_on(scratch, race.processes, prepare) as crowds:
        say("Making the tables and the shelf …")
        await tell(crowds[:1], "migrate")
        await tell(crowds, "start")
        ((goods),) = await tell(crowds[:1], "put_on_sale", TITLES, [race.stock, ABOUNDING, ABOUNDING])
        variants = [variant for variant, _ in goods]
        tally = await _rounds(crowds, race, variants, say)
        initial = {TITLES[0]: race.stock * race.rounds} | dict.fromkeys(TITLES[1:], ABOUNDING)
        say("Waiting until every event has arrived …")
        return tally, await settled(scratch.url, initial, lambda books: _promises(books, tally), race.patience)


async def _rounds(crowds: list[Member], race: Race, variants: list[UUID], say: Callable[[str], None]) -> Tally:
    tally, back = Tally(race.stock * race.rounds), list[Shopper]()
    for seed in range(race.seed, race.seed + race.rounds):
        dice = random.Random(seed)
        if seed > race.seed:
            await tell(crowds[:1], "deliver", variants[0], race.stock)
        fresh = [Shopper(new_id(), _basket(dice, variants)) for _ in range(race.buyers - len(back))]
        dice.shuffle(back)
        say(f"Seed {seed}: {race.buyers} buyers in {race.processes} processes, {race.stock} pieces …")
        n = len(crowds)
        await asyncio.gather(*(each.ask("enter", fresh[i::n], back[i::n]) for i, each in enumerate(crowds)))
        won = tally.add(seed, await tell(crowds, "buy"), race.stock)
        back = [shopper for shopper in [*back, *fresh] if shopper.id not in won]
    return tally


def _basket(dice: random.Random, variants: list[UUID]) -> tuple[UUID, ...]:
    """The scarce thing alone, or among others, in any order."""
    basket = [variants[0], *dice.sample(variants[1:], dice.choice([0, 0, 1, 2]))]
    dice.shuffle(basket)
    return tuple(basket)


def _promises(books: Books, tally: Tally) -> list[Line]:
    stored = {ident(row.id): row.email for row in books.ask("SELECT id, email FROM orders")}
    emails = Counter(stored.values())
    wrong = [
        f"order {order} was acknowledged and is not there" for order in tally.orders.values() if order not in stored
    ]
    wrong += [f"order {order} is nobody's" for order in stored.keys() - set(tally.orders.values())]
    wrong += [f"{email} has {n} orders" for email, n in emails.items() if n > 1]
    refused = sum(tally.turned_away.values())
    odd = {code: n for code, n in tally.turned_away.items() if code != "OUT_OF_STOCK"}
    sold = f"{len(tally.orders)} of {tally.expected}; {refused} were refused, {tally.retries.total()} races run again"
    return [
        listed("every piece is sold once", tally.uneven, sold),
        listed("refused is only who came too late", [f"{n} times {code}" for code, n in odd.items()], "OUT_OF_STOCK"),
        listed("acknowledged orders are all there, and no other", wrong, f"{len(stored)} orders"),
    ]
