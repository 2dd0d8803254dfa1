"""Password hashes: right, bounded, and telling nobody who has an account."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError
from argon2.low_level import Type

from caddy_shopping.kernel.errors import Kind
from caddy_shopping.platform.security.passwords import PasswordHasher, SignInsBusy

CHEAP = {"memory_kib": 8, "iterations": 1}


@pytest.fixture
async def hasher() -> AsyncIterator[PasswordHasher]:
    made = PasswordHasher(**CHEAP)
    yield made
    made.close()


async def test_a_password_is_known_again_and_another_is_not(hasher: PasswordHasher) -> None:
    encoded = await hasher.hash("correct horse")
    assert await hasher.verify(encoded, "correct horse")
    assert not await hasher.verify(encoded, "correct horsf")
    assert encoded != await hasher.hash("correct horse"), "each hash has its own salt"


async def test_how_a_letter_is_composed_does_not_matter(hasher: PasswordHasher) -> None:
    encoded = await hasher.hash("caf\u00e9 密码")
    assert await hasher.verify(encoded, "cafe\u0301 密码")


async def test_any_text_can_be_a_password(hasher: PasswordHasher) -> None:
    odd = "\ud800\x00\u202e"
    assert await hasher.verify(await hasher.hash(odd), odd)


async def test_nobody_has_no_password_but_costs_what_somebody_costs(hasher: PasswordHasher) -> None:
    assert not await hasher.verify(None, "anything")
    nobody, somebody = extract_parameters(hasher._nobody), extract_parameters(await hasher.hash("anything"))
    assert nobody == somebody


async def test_the_defaults_are_what_owasp_advises_at_least() -> None:
    hasher = PasswordHasher()
    parameters = extract_parameters(hasher._nobody)
    hasher.close()
    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19_456, 2, 1)


async def test_a_cheaper_hash_is_to_be_made_again(hasher: PasswordHasher) -> None:
    encoded = await hasher.hash("x")
    dearer = PasswordHasher(memory_kib=16, iterations=1)
    assert dearer.needs_rehash(encoded)
    assert not hasher.needs_rehash(encoded)
    assert await dearer.verify(encoded, "x"), "an old hash still lets its owner in"
    dearer.close()


async def test_what_is_no_hash_is_a_fault_not_a_wrong_password(hasher: PasswordHasher) -> None:
    with pytest.raises(InvalidHashError):
        await hasher.verify("plain text", "plain text")


async def test_a_full_queue_turns_away_before_hashing_and_has_room_again_later() -> None:
    hasher = PasswordHasher(**CHEAP, workers=1, queue=1)
    gate, entered = threading.Event(), threading.Event()

    def occupy() -> None:
        entered.set()
        gate.wait()

    busy = asyncio.create_task(hasher._in_pool(occupy))
    await asyncio.to_thread(entered.wait)
    waiting = asyncio.create_task(hasher.hash("waits"))
    await asyncio.sleep(0)
    with pytest.raises(SignInsBusy) as refused:
        await hasher.hash("too many")
    assert refused.value.kind is Kind.RATE_LIMITED
    assert refused.value.retry_after == 1
    gate.set()
    await busy
    assert await hasher.verify(await waiting, "waits")
    assert await hasher.hash("room again")
    hasher.close()


async def test_a_caller_who_gives_up_does_not_give_back_a_thread_that_still_works() -> None:
    hasher = PasswordHasher(**CHEAP, workers=1, queue=0)
    gate, entered = threading.Event(), threading.Event()

    def occupy() -> None:
        entered.set()
        gate.wait()

    impatient = asyncio.create_task(hasher._in_pool(occupy))
    await asyncio.to_thread(entered.wait)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    with pytest.raises(SignInsBusy):
        await hasher.hash("the thread is not free")
    gate.set()
    hasher.close()


async def test_nothing_is_hashed_after_close_and_no_place_is_lost() -> None:
    hasher = PasswordHasher(**CHEAP, workers=1, queue=0)
    hasher.close()
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await hasher.hash("late")
