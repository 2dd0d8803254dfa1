"""What an event's way costs without the shop: the same statements in the same batches, the same records."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
from confluent_kafka import Consumer, Producer
from sqlalchemy import make_url

from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.events.kafka.cluster import Cluster

PAYLOAD = b'{"counterId":"01a21898-ab50-7427-bbdc-0e7a9cf14a33","value":1}'
_COLUMNS = "event_id, type, schema_version, event_key, payload, traceparent, occurred_at"
_READ = f"SELECT seq, {_COLUMNS} FROM toy_outbox WHERE published_at IS NULL ORDER BY seq LIMIT 1000"


async def postgresql(url: str, events: int, batch: int) -> float:
    """Events a second of asyncpg alone: into the outbox, out of it, marked, and into the inbox."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(plain)
    now = datetime.now(UTC)
    began = time.perf_counter()
    for _ in range(events // batch):
        async with connection.transaction():
            await connection.executemany(
                f"INSERT INTO toy_outbox ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                [(new_id(), "Counted", 1, new_id(), PAYLOAD, None, now) for _ in range(batch)],
            )
        rows = await connection.fetch(_READ)
        async with connection.transaction():
            await connection.execute(
                "UPDATE toy_outbox SET published_at = $1 WHERE seq = ANY($2)", now, [row["seq"] for row in rows]
            )
        async with connection.transaction():
            await connection.executemany(
                "INSERT INTO toy_inbox (consumer, event_id, handled_at) VALUES ($1, $2, $3)",
                [("bare", row["event_id"], now) for row in rows],
            )
    seconds = time.perf_counter() - began
    await connection.close()
    return events / seconds


def sqlite(path: Path, events: int, batch: int) -> float:
    """The same of `sqlite3`; each commit waits for the disk."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=NORMAL")
    log = os.open(f"{path}-wal", os.O_RDONLY)

    def transaction(sql: str, rows: Sequence[Any]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(sql, rows)
        connection.execute("COMMIT")
        os.fdatasync(log)

    began = time.perf_counter()
    for _ in range(events // batch):
        new = [(new_id().bytes, "Counted", 1, new_id().bytes, PAYLOAD, None, 1) for _ in range(batch)]
        transaction(f"INSERT INTO toy_outbox ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", new)
        rows = connection.execute(_READ).fetchall()
        transaction("UPDATE toy_outbox SET published_at = 1 WHERE seq = ?", [(row[0],) for row in rows])
        marks = [("bare", row[1], 1) for row in rows]
        transaction("INSERT INTO toy_inbox (consumer, event_id, handled_at) VALUES (?, ?, ?)", marks)
    seconds = time.perf_counter() - began
    os.close(log)
    connection.close()
    return events / seconds


def kafka(cluster: Cluster, events: int, batch: int) -> float:
    """Records a second of the client alone: brought, acknowledged and fetched."""
    topic = f"bare-{uuid4().hex}"
    asyncio.run(cluster.make_topics([topic]))
    producer = Producer(cluster.client(enable_idempotence=True, linger_ms=5))
    consumer = Consumer(cluster.client(group_id=topic, auto_offset_reset="earliest"))
    consumer.subscribe([cluster.topic(topic)])
    consumer.poll(5)
    began, fetched = time.perf_counter(), 0
    for number in range(events):
        producer.produce(cluster.topic(topic), PAYLOAD, str(number), headers=_headers())  # type: ignore[arg-type]
        producer.poll(0)
    producer.flush()
    while fetched < events:
        fetched += len(consumer.consume(batch, 0.1))
    seconds = time.perf_counter() - began
    consumer.close()
    return events / seconds


def acknowledgements(cluster: Cluster, each_second: int, in_a_row: int, seconds: float) -> list[float]:
    """Milliseconds until the last of `in_a_row` records, one after another, was acknowledged, at that many runs."""
    topic = cluster.topic("toy")
    producer = Producer(cluster.client(enable_idempotence=True, linger_ms=5))
    found: list[float] = []

    def bring(left: int, begun: float) -> None:
        def acknowledged(*_: object) -> None:
            if left > 1:
                bring(left - 1, begun)
            else:
                found.append(1000 * (time.perf_counter() - begun))

        producer.produce(topic, PAYLOAD, str(begun), headers=_headers(), on_delivery=acknowledged)  # type: ignore[arg-type]

    bring(1, time.perf_counter())
    producer.flush()  # the connections are made, and the topic is known
    found.clear()
    runs, began = int(each_second * seconds), time.perf_counter()
    for number in range(runs):
        while (left := began + number / each_second - time.perf_counter()) > 0:
            producer.poll(left)
        bring(in_a_row, time.perf_counter())
    while len(found) < runs:
        producer.poll(1)
    return found


def _headers() -> dict[str, str]:
    return {"event-id": str(new_id()), "type": "Counted", "schema-version": "1", "occurred-at": "2026-01-01T00:00"}
