"""How a call looks on the wire: `POST /internal/<context>/<method>`, arguments and result as MessagePack.

200 carries the result, 422 a named refusal, anything else means that nothing came of it. Headers: `Authorization`
(a service token), `x-remaining-ms` (the caller's patience), `traceparent`, `x-actor` (on whose behalf).
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from caddy_shopping.kernel.errors import Detail, Kind, ShopError, Unavailable

PREFIX = "/internal/"
CONTENT_TYPE = "application/msgpack"
REMAINING, ACTOR, TRACE = "x-remaining-ms", "x-actor", "traceparent"
REFUSED = 422
MAX_BODY = 1 << 20
"""Bytes of a call's arguments."""


class PeerUnavailable(Unavailable):
    """A context that lives in another process did not answer, not in time, or nothing that makes sense."""

    code = "PEER_UNAVAILABLE"
    en = "A part of the shop ({peer}) is not available just now. Try again in a moment."
    zh = "商城的部分服务（{peer}）暂时不可用，请稍后重试。"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A named error on its way to the caller."""

    code: str
    kind: Kind
    retryable: bool
    en: str
    zh: str
    params: dict[str, Any]
    details: list[Detail]
    retry_after: float | None = None

    @classmethod
    def of(cls, error: ShopError) -> "Refusal":
        return cls(
            code=error.code,
            kind=error.kind,
            retryable=error.retryable,
            en=error.en,
            zh=error.zh,
            # As they read in the texts; nobody reckons with an error's parameters.
            params={name: _plain(value) for name, value in error.params.items()},
            details=list(error.details),
            retry_after=error.retry_after,
        )

    def error(self) -> ShopError:
        """The error itself: of its own class where this process knows it, else of one that reads and counts alike."""
        known = _known(self.code) or self._made_up()
        return known(details=self.details, retry_after=self.retry_after, **self.params)

    def _made_up(self) -> type[ShopError]:
        texts = {"code": self.code, "kind": self.kind, "retryable": self.retryable, "en": self.en, "zh": self.zh}
        return type(self.code.title().replace("_", ""), (ShopError,), texts)


def _plain(value: object) -> Any:
    return value if isinstance(value, (str, int, float)) or value is None else str(value)


def _known(code: str) -> type[ShopError] | None:
    return next((each for each in _all(ShopError) if each.code == code and "code" in vars(each)), None)


def _all(base: type[ShopError]) -> Iterator[type[ShopError]]:
    for each in base.__subclasses__():
        yield each
        yield from _all(each)
