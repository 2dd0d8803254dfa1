"""Which offset may be committed, and who waits for whom."""

import asyncio

import pytest

from caddy_shopping.platform.events.kafka import partition as module
from caddy_shopping.platform.events.kafka.partition import Partition, Work
from caddy_shopping.platform.events.reactions import DeliveryStopped


class Gates:
    """Work that is done when its gate is opened."""

    def __init__(self) -> None:
        self.gates: dict[int, asyncio.Event] = {}
        self.begun: list[int] = []
        self.done: list[int] = []

    def work(self, number: int) -> Work:
        gate = self.gates.setdefault(number, asyncio.Event())

        async def run(given_up: asyncio.Event) -> None:
            self.begun.append(number)
            stop = asyncio.create_task(given_up.wait())
            opened = asyncio.create_task(gate.wait())
            await asyncio.wait({stop, opened}, return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
            opened.cancel()
            if not gate.is_set():
                raise DeliveryStopped
            self.done.append(number)

        return run

    async def open(self, *numbers: int) -> None:
        for number in numbers:
            self.gates[number].set()
        await asyncio.sleep(0.01)


@pytest.fixture
def gates() -> Gates:
    return Gates()


def state(partition: Partition) -> tuple[int | None, int]:
    return partition.done, partition.under_way


async def test_only_what_has_nothing_open_before_it_is_done(gates: Gates) -> None:
    partition = Partition(lambda: None)
    assert state(partition) == (None, 0)
    for offset, key in ((10, b"a"), (11, b"b"), (13, b"c")):
        partition.take(offset, key, gates.work(offset))
    assert state(partition) == (10, 3)
    await gates.open(13, 11)
    assert state(partition) == (10, 1)
    partition.skip(14)
    assert state(partition) == (10, 1)
    await gates.open(10)
    assert state(partition) == (15, 0)


async def test_a_key_s_records_wait_for_each_other_and_no_other_does(gates: Gates) -> None:
    partition = Partition(lambda: None)
    for offset, key in ((1, b"a"), (2, b"a"), (3, b"b")):
        partition.take(offset, key, gates.work(offset))
    await asyncio.sleep(0)
    assert gates.begun == [1, 3]
    await gates.open(1, 2, 3)
    assert gates.begun == [1, 3, 2]
    assert partition.done == 4


async def test_what_could_be_neither_handled_nor_buried_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN", 0.001)
    faults, done = [RuntimeError(), RuntimeError()], asyncio.Event()

    async def work(_: asyncio.Event) -> None:
        if faults:
            raise faults.pop()
        done.set()

    partition = Partition(lambda: None)
    partition.take(1, b"a", work)
    assert partition.done == 1
    async with asyncio.timeout(5):
        await done.wait()
    await partition.leave()
    assert partition.done == 2


async def test_leaving_begins_nothing_more_and_leaves_the_rest_to_the_next(gates: Gates) -> None:
    partition = Partition(lambda: None)
    for offset, key in ((1, b"a"), (2, b"a"), (3, b"b")):
        partition.take(offset, key, gates.work(offset))
    await asyncio.sleep(0)
    await partition.leave()
    assert gates.begun == [1, 3]
    assert state(partition) == (1, 3)
