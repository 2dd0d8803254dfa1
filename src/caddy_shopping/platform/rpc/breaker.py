"""When to leave a peer alone: a circuit breaker (M. Nygard, Release It!) and a budget for second tries."""

from collections.abc import Callable
from time import monotonic

from caddy_shopping.platform.rpc.wire import PeerUnavailable

FAILURES = 5
"""So many in a row open the circuit."""
PAUSE = 1.0
"""Seconds until one call may try whether the peer is back."""
SHARE = 0.1
"""Second tries per call, in the long run: what a peer in trouble gets on top of its load."""
SAVED = 10.0
"""Second tries that may be made at once after quiet times."""


class Breaker:
    """Closed: calls go out. Open, after failures in a row: they end here, until one that goes out to see comes back."""

    def __init__(self, peer: str, clock: Callable[[], float] = monotonic) -> None:
        self._peer = peer
        self._clock = clock
        self._failures = 0
        self._try_at = 0.0
        self._retries = SAVED

    @property
    def closed(self) -> bool:
        return self._failures < FAILURES

    def enter(self) -> None:
        """Raises `PeerUnavailable` while the circuit is open."""
        if self.closed:
            return
        wait = self._try_at - self._clock()
        if wait > 0:
            raise PeerUnavailable(peer=self._peer, retry_after=max(1.0, round(wait)))
        # This call goes to see; the others wait for what it finds.
        self._try_at = self._clock() + PAUSE

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        self._try_at = self._clock() + PAUSE

    def count(self) -> None:
        """A call is made: a part of a second try is earned."""
        self._retries = min(SAVED, self._retries + SHARE)

    def may_retry(self) -> bool:
        """Take a second try from the budget. False where it is used up, or the circuit is open."""
        if not self.closed or self._retries < 1:
            return False
        self._retries -= 1
        return True
