"""A clock that stands still until it is told otherwise."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Satisfies `kernel.clock.Clock`."""

    def __init__(self, now: datetime = datetime(2026, 3, 14, 9, 26, 53, 589793, UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, delta: timedelta) -> None:
        self._now += delta
