"""Dead letters of a whole installation, for the command line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec

from caddy_shopping.kernel.errors import NotFound
from caddy_shopping.main.build import build
from caddy_shopping.main.process import Process
from caddy_shopping.platform.events.dead_letters import DeadLetter
from caddy_shopping.platform.events.reactions import Subscription
from caddy_shopping.platform.security.masking import mask
from caddy_shopping.platform.settings import Settings, load


class ConsumerNotFound(NotFound):
    code = "CONSUMER_NOT_FOUND"
    en = "There is no consumer called '{consumer}'."
    zh = "不存在名为“{consumer}”的消费者。"


@asynccontextmanager
async def _opened() -> AsyncIterator[Process]:
    process = build(load(Settings))
    try:
        await process.migrate()
        yield process
    finally:
        await process.stop()


async def list_all() -> list[DeadLetter]:
    """The oldest hundred of each context."""
    async with _opened() as process:
        return [letter for letters in process.dead_letters.values() for letter in await letters.all()]


async def describe(consumer: str, event_id: UUID) -> str:
    """One letter as readable JSON, its secrets masked. Raises `DeadLetterNotFound`."""
    async with _opened() as process:
        letter = await process.dead_letters[_context(process, consumer)].get(consumer, event_id)
    shown = {
        "consumer": letter.consumer,
        "error": letter.error,
        "attempts": letter.attempts,
        "event": {
            "id": letter.envelope.event_id,
            "topic": letter.envelope.topic,
            "type": letter.envelope.type,
            "occurredAt": letter.envelope.occurred_at,
            "payload": mask(msgspec.json.decode(letter.envelope.payload)),
        },
    }
    return msgspec.json.format(msgspec.json.encode(shown)).decode()


async def replay(consumer: str, event_id: UUID) -> bool:
    """Run the consumer once more; False where its inbox had the event. Raises what the consumer raises."""
    async with _opened() as process:
        context = _context(process, consumer)
        module, letters = process.modules[context], process.dead_letters[context]
        letter = await letters.get(consumer, event_id)
        (found,) = [each for each in module.consumers if each.name == consumer]
        fresh = await Subscription(found, module.run, letters).handle(letter.envelope)
        await letters.remove(consumer, event_id)
        return fresh


def _context(process: Process, consumer: str) -> str:
    for name, module in process.modules.items():
        if any(each.name == consumer for each in module.consumers):
            return name
    raise ConsumerNotFound(consumer=consumer)
