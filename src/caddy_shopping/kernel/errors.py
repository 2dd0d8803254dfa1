"""The tree of everything that can be refused, and why.

ShopError
├── Invalid             the request makes no sense as it stands
├── Unauthenticated     nobody, or nobody we can believe, is asking
├── Forbidden           we know who asks, and they may not
├── NotFound            there is no such thing (or none that the caller may know of)
├── Conflict            it makes sense, but not in the present state
├── PreconditionFailed  the caller's copy is out of date
├── PreconditionRequired the caller must say which copy it saw
├── TooLarge            more than we take in one request
├── RateLimited         too often
└── Unavailable         not now; the same request may succeed later

A concrete error is a subclass with a stable `code` and its two texts. It knows nothing of HTTP:
only `platform/http/problems.py` turns a `kind` into a status code.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import ClassVar

import msgspec


class Kind(StrEnum):
    """What sort of refusal an error is; each maps to exactly one HTTP status."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    PRECONDITION_FAILED = "precondition_failed"
    PRECONDITION_REQUIRED = "precondition_required"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    BROKEN = "broken"


class Detail(msgspec.Struct, frozen=True, rename="camel"):
    """One faulty place in a request: a JSON pointer (RFC 6901), a stable code, and words."""

    pointer: str
    code: str
    message: str


class ShopError(Exception):
    """Base of every named error.

    `params` fill the placeholders of the texts and travel with the error between processes.
    """

    kind: ClassVar[Kind] = Kind.BROKEN
    code: ClassVar[str] = "INTERNAL_ERROR"
    en: ClassVar[str] = "Something went wrong on our side. Try again; if it stays, quote the request id to support."
    zh: ClassVar[str] = "服务器内部错误，请重试；若仍失败，请向客服提供请求编号。"
    retryable: ClassVar[bool] = False

    def __init__(self, *, details: Sequence[Detail] = (), retry_after: float | None = None, **params: object) -> None:
        self.params: Mapping[str, object] = params
        self.details: tuple[Detail, ...] = tuple(details)
        self.retry_after = retry_after
        super().__init__(self.message("en"))

    def message(self, language: str = "en") -> str:
        """The text for a person, in `language` (`en` or `zh`; anything else reads English)."""
        template = self.zh if language == "zh" else self.en
        return template.format_map(_Shown(self.params))


class _Shown(dict[str, object]):
    """A missing parameter shows its name rather than hiding the error behind a KeyError."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


class Invalid(ShopError):
    kind = Kind.INVALID
    code = "INVALID"


class Unauthenticated(ShopError):
    kind = Kind.UNAUTHENTICATED
    code = "UNAUTHENTICATED"
    en = "Sign in first: send a valid access token as 'Authorization: Bearer …'."
    zh = "请先登录：请在 Authorization 头中提供有效的访问令牌。"


class Forbidden(ShopError):
    kind = Kind.FORBIDDEN
    code = "FORBIDDEN"
    en = "You are not allowed to do this."
    zh = "您没有执行此操作的权限。"


class NotFound(ShopError):
    kind = Kind.NOT_FOUND
    code = "NOT_FOUND"
    en = "There is nothing here."
    zh = "您访问的内容不存在。"


class Conflict(ShopError):
    kind = Kind.CONFLICT
    code = "CONFLICT"


class PreconditionFailed(ShopError):
    kind = Kind.PRECONDITION_FAILED
    code = "VERSION_MISMATCH"
    en = "It was changed since you read it. Read it again and send the new ETag as If-Match."
    zh = "数据已被修改，请重新读取并在 If-Match 中提供新的 ETag。"


class PreconditionRequired(ShopError):
    kind = Kind.PRECONDITION_REQUIRED
    code = "IF_MATCH_REQUIRED"
    en = "Say which version you change: send the ETag you read as If-Match."
    zh = "请在 If-Match 中提供您读取到的 ETag。"


class TooLarge(ShopError):
    kind = Kind.TOO_LARGE
    code = "BODY_TOO_LARGE"
    en = "The request body is larger than the {limit} bytes that are taken here."
    zh = "请求体超过了允许的 {limit} 字节。"


class RateLimited(ShopError):
    kind = Kind.RATE_LIMITED
    code = "RATE_LIMITED"
    en = "Too many requests. Wait {seconds} seconds and try again."
    zh = "请求过于频繁，请在 {seconds} 秒后重试。"
    retryable = True


class Unavailable(ShopError):
    kind = Kind.UNAVAILABLE
    code = "UNAVAILABLE"
    en = "This is not available just now. Try again in a moment."
    zh = "服务暂时不可用，请稍后重试。"
    retryable = True


class ConcurrentChange(Conflict):
    """Two writers met on one row; the executor runs the loser again before anyone hears of it."""

    code = "CONCURRENT_CHANGE"
    en = "Somebody changed this at the same moment. Try again."
    zh = "该数据正在被其他人修改，请重试。"
    retryable = True
