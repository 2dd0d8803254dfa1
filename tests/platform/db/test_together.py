"""Deliveries that share a transaction: one COMMIT, all or nothing, and each effect once whatever goes wrong."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from caddy_shopping.kernel.errors import NotFound
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.db import together
from caddy_shopping.platform.db.lines import Writing
from caddy_shopping.platform.db.together import Share
from tests.support.database import Bench
from tests.support.toy import Count, SqlToyTransaction

ValueOf = Callable[[str], Awaitable[int | None]]


class Crowd:
    """Reactions that arrive at once. Each counts under its own name, and then does as it was told."""

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bench = bench
        self.uow = bench.kit.unit_of_work(SqlToyTransaction)
        self.ids: dict[str, UUID] = {}
        self.faults: dict[str, Exception] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.safe: list[str] = []
        """Who was told that all is safe."""
        self.begun: list[Writing] = []
        self.broken = 0
        """So many of the next transactions fail at their COMMIT."""
        monkeypatch.setattr(bench.kit.database.together, "_open", self._open)

    def _open(self) -> Writing:
        writing = self.bench.kit.database.writing()
        self.begun.append(writing)
        if self.broken:
            self.broken -= 1

            async def commit() -> None:
                await writing.rollback()
                raise RuntimeError("the disk is full")

            writing.commit = commit  # type: ignore[method-assign]
        return writing

    async def handle(self, command: Count) -> None:
        async with self.uow() as tx:
            await tx.count(command.name, command.by)
            if gate := self.gates.get(command.name):
                await gate.wait()
            if fault := self.faults.get(command.name):
                raise fault
        self.safe.append(command.name)

    async def together(self, name: str) -> bool:
        event_id = self.ids.setdefault(name, new_id())
        return await self.bench.kit.run.consume_together("toy.crowd", event_id, self.handle, Count(name=name))

    async def alone(self, name: str) -> bool:
        event_id = self.ids.setdefault(name, new_id())
        return await self.bench.kit.run.consume("toy.crowd", event_id, self.handle, Count(name=name))

    async def all(self, *names: str) -> list[bool | BaseException]:
        return await asyncio.gather(*(self.together(name) for name in names), return_exceptions=True)


@pytest.fixture
def crowd(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    return Crowd(bench, monkeypatch)


async def values(value_of: ValueOf, *names: str) -> list[int | None]:
    return [await value_of(name) for name in names]


async def test_those_who_come_at_once_share_one_transaction(crowd: Crowd, value_of: ValueOf) -> None:
    names = [f"n{number}" for number in range(20)]
    assert await crowd.all(*names) == [True] * 20
    assert len(crowd.begun) == 1
    assert set(await values(value_of, *names)) == {1}
    assert sorted(crowd.safe) == sorted(names)


async def test_who_comes_later_goes_with_the_next(crowd: Crowd, value_of: ValueOf) -> None:
    crowd.gates["a"] = asyncio.Event()
    first = asyncio.create_task(crowd.together("a"))
    await until(lambda: bool(crowd.begun))
    others = [asyncio.create_task(crowd.together(name)) for name in "bc"]
    await asyncio.sleep(0.01)
    crowd.gates["a"].set()
    assert await asyncio.gather(first, *others) == [True] * 3
    assert len(crowd.begun) == 2
    assert await values(value_of, *"abc") == [1, 1, 1]


async def test_not_more_than_so_many_share_one(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "MOST", 3)
    assert await crowd.all(*"abcdefg") == [True] * 7
    assert len(crowd.begun) == 3


async def test_nobody_is_told_before_the_commit(crowd: Crowd) -> None:
    crowd.gates["b"] = asyncio.Event()
    running = asyncio.create_task(crowd.all("a", "b"))
    await until(lambda: bool(crowd.begun))
    await asyncio.sleep(0.01)
    assert crowd.safe == []
    crowd.gates["b"].set()
    await running
    assert sorted(crowd.safe) == ["a", "b"]


@pytest.mark.parametrize("culprit", "abc")
async def test_where_one_fails_nothing_is_kept_and_each_can_go_alone(
    crowd: Crowd, value_of: ValueOf, culprit: str
) -> None:
    fault = crowd.faults[culprit] = NotFound()
    assert await crowd.all(*"abc") == [fault if name == culprit else False for name in "abc"]
    assert crowd.safe == []
    assert await values(value_of, *"abc") == [None] * 3
    for name in "abc":
        if name == culprit:
            with pytest.raises(NotFound):
                await crowd.alone(name)
        else:
            assert await crowd.alone(name)
    assert await values(value_of, *"abc") == [None if name == culprit else 1 for name in "abc"]


async def test_negative_control_without_giving_up_half_an_effect_is_kept(
    crowd: Crowd, value_of: ValueOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def carry_on(share: Share) -> None:
        share._leave(written=True)

    monkeypatch.setattr(Share, "rollback", carry_on)
    fault = crowd.faults["b"] = NotFound()
    assert await crowd.all(*"abc") == [True, fault, True]
    assert await value_of("b") == 1


async def test_an_event_that_the_inbox_has_is_found_alone(crowd: Crowd, value_of: ValueOf) -> None:
    assert await crowd.alone("b")
    assert await crowd.all(*"abc") == [False] * 3
    assert [await crowd.alone(name) for name in "abc"] == [True, False, True]
    assert await values(value_of, *"abc") == [1, 1, 1]


async def test_a_commit_that_fails_is_nobody_s(crowd: Crowd, value_of: ValueOf) -> None:
    crowd.broken = 1
    assert await crowd.all(*"abc") == [False] * 3
    assert crowd.safe == []
    assert await values(value_of, *"abc") == [None] * 3
    assert await crowd.all(*"abc") == [True] * 3
    assert await values(value_of, *"abc") == [1, 1, 1]


@pytest.mark.parametrize("when", ["waiting", "writing"])
async def test_who_is_cancelled_holds_nobody_up(crowd: Crowd, value_of: ValueOf, when: str) -> None:
    crowd.gates["a"] = asyncio.Event()
    first = asyncio.create_task(crowd.together("a"))
    await until(lambda: bool(crowd.begun))
    second = asyncio.create_task(crowd.together("b"))
    await asyncio.sleep(0.01)
    (first if when == "writing" else second).cancel()
    await asyncio.sleep(0.01)
    crowd.gates["a"].set()
    async with asyncio.timeout(5):
        await asyncio.gather(first, second, return_exceptions=True)
        assert await crowd.together("c")
    assert await values(value_of, *"abc") == ([None, 1, 1] if when == "writing" else [1, None, 1])


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not so():
            await asyncio.sleep(0.001)
