"""Password hashes: argon2id (RFC 9106), in few threads and with a short queue.

One hash costs tens of milliseconds of a core and 19 MiB: without a bound, a burst of sign-ins would
take the whole machine. Whoever finds the queue full is told to come back, before anything is hashed.
"""

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

import argon2
from argon2.exceptions import VerifyMismatchError

from caddy_shopping.kernel.errors import RateLimited

T = TypeVar("T")
SALT_BYTES = 16
HASH_BYTES = 32


class SignInsBusy(RateLimited):
    code = "SIGN_INS_BUSY"
    en = "Very many people are signing in just now. Wait {seconds} seconds and try again."
    zh = "当前登录人数过多，请在 {seconds} 秒后重试。"


class PasswordHasher:
    """Hashes and verifies passwords away from the event loop.

    `memory_kib`, `iterations` and `parallelism` are argon2id's costs (the defaults are the least that
    OWASP advises). At most `workers` hashes are computed at once and `queue` more wait; beyond that
    `SignInsBusy` is raised with `retry_after`.
    """

    def __init__(
        self, *, memory_kib: int = 19_456, iterations: int = 2, parallelism: int = 1, workers: int = 2, queue: int = 32
    ) -> None:
        self._argon2 = argon2.PasswordHasher(iterations, memory_kib, parallelism, HASH_BYTES, SALT_BYTES)
        self._pool = ThreadPoolExecutor(workers, "password")
        self._room = BoundedSemaphore(workers + queue)
        # A hash that no password has, but that costs what a real one costs: it answers for accounts
        # that do not exist, so that the clock does not tell who has one.
        salt, digest = _base64(SALT_BYTES), _base64(HASH_BYTES)
        self._nobody = f"$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${digest}"

    async def hash(self, password: str) -> str:
        """The encoded hash to store, with its own salt and costs. Raises `SignInsBusy`."""
        return await self._in_pool(lambda: self._argon2.hash(_bytes(password)))

    async def verify(self, encoded: str | None, password: str) -> bool:
        """Whether `password` is the one that the hash `encoded` was made of; None (nobody) is False at the same cost.

        Raises `SignInsBusy`, and argon2's `InvalidHashError` where the stored hash is none.
        """
        matches = await self._in_pool(lambda: self._matches(encoded or self._nobody, password))
        return matches and encoded is not None

    def needs_rehash(self, encoded: str) -> bool:
        """Whether `encoded` was made with other costs than today's: hash again after the next sign-in."""
        return self._argon2.check_needs_rehash(encoded)

    def close(self) -> None:
        """Finish what is being computed, drop what waits."""
        self._pool.shutdown(cancel_futures=True)

    def _matches(self, encoded: str, password: str) -> bool:
        try:
            return self._argon2.verify(encoded, _bytes(password))
        except VerifyMismatchError:
            return False

    async def _in_pool(self, work: Callable[[], T]) -> T:
        if not self._room.acquire(blocking=False):
            raise SignInsBusy(retry_after=1, seconds=1)
        try:
            future = self._pool.submit(work)
        except BaseException:
            self._room.release()
            raise
        # The place is given back when the thread is done, not when the caller loses patience.
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def _leave(self, _done: "Future[T]") -> None:
        self._room.release()


def _bytes(password: str) -> bytes:
    # NFC (RFC 8265 §4.2): keyboards disagree on how an accented letter is composed.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _base64(size: int) -> str:
    return base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
