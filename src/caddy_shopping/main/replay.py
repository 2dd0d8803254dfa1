"""Whole topics once more, for the command line: every consumer sees their events again, and knows those it has had."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from caddy_shopping.kernel.clock import Clock, SystemClock
from caddy_shopping.kernel.errors import Invalid
from caddy_shopping.main.build import build
from caddy_shopping.main.process import Process
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.events.envelope import Envelope
from caddy_shopping.platform.events.outbox_history import outbox_history
from caddy_shopping.platform.jobs.retention import INBOX
from caddy_shopping.platform.settings import Settings, load


class TopicUnknown(Invalid):
    code = "TOPIC_UNKNOWN"
    en = "There is no topic called '{topic}'. Topics: {topics}."
    zh = "不存在名为“{topic}”的主题。可选：{topics}。"


@dataclass(slots=True)
class Replayed:
    """What came of it: `events` were shown to `handled + known + dead` consumers. `old` ones were left out."""

    events: int = 0
    handled: int = 0
    known: int = 0
    dead: int = 0
    old: int = 0


async def replay(topics: Sequence[str], since: datetime | None) -> Replayed:
    """Show the events of `topics` (none named: all) to their consumers, in this process, beside whatever runs.

    Older events than inboxes remember are left out: for them it would not be a repetition. Raises `TopicUnknown`.
    """
    process = build(load(Settings))
    try:
        await process.migrate()
        await process.bus.start(consume=False)
        return await show_again(process, topics, since)
    finally:
        await process.stop()


async def show_again(
    process: Process, topics: Sequence[str], since: datetime | None, clock: Clock | None = None
) -> Replayed:
    known = [schema.context for schema in process.schemas]
    for topic in topics:
        if topic not in known:
            raise TopicUnknown(topic=topic, topics=", ".join(known))
    oldest, done, never = (clock or SystemClock()).now() - INBOX, Replayed(), asyncio.Event()
    before = _counts(process)
    for topic in topics or known:
        async for event in _history(process, topic, since):
            if event.occurred_at < oldest:
                done.old += 1
                continue
            await process.bus.react(event, never)
            done.events += 1
    counted = _counts(process) - before
    done.handled, done.known, done.dead = counted["handled"], counted["duplicate"], counted["dead"]
    return done


def _counts(process: Process) -> Counter[str]:
    """How often consumers took an event, by what came of it."""
    found = Counter[str]()
    for metric in process.metrics.events.collect():
        for sample in metric.samples:
            if sample.name.endswith("_total"):
                found[sample.labels["status"]] += int(sample.value)
    return found


def _history(process: Process, topic: str, since: datetime | None) -> AsyncIterator[Envelope]:
    kept = process.bus.history(topic, since)
    if kept is not None:
        return kept
    (schema,) = [each for each in process.schemas if each.context == topic]
    tables = PlatformTables.found(schema.metadata, topic)
    return outbox_history(topic, process.databases.of(topic), tables, since)
