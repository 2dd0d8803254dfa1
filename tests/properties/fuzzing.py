"""Hooks for schemathesis: who asks, for what that is really there, and one more thing to check.

They run inside `schemathesis run`. `SHOP_FUZZ_AS` is `anonymous`, or an e-mail address and a password with a blank
between them; `SHOP_FUZZ_KNOWN` is a JSON object of values that exist, by the name of the parameter or field.
"""

import json
import os
import urllib.error
import urllib.request
from typing import Any
from uuid import uuid4
from zlib import crc32

import schemathesis
from schemathesis import AuthContext, Case, CheckContext, HookContext, Response
from schemathesis.generation.meta import TestPhase

SHOP = os.environ.get("SHOP_FUZZ_URL", "")
WHO = os.environ.get("SHOP_FUZZ_AS", "anonymous")
KNOWN: dict[str, list[str]] = json.loads(os.environ.get("SHOP_FUZZ_KNOWN", "{}"))
# Whoever signs out is signed out: each such request comes from somebody of its own.
ENDING = ("/api/v1/auth/logout", "/api/v1/auth/logout-everywhere")
# What a schema cannot say: that a cursor is one of ours, that text has no control characters and shows something.
UNSAID = ("CURSOR_INVALID", "CONTROL_CHARACTER", "INVALID_VALUE")


def _ask(path: str, headers: dict[str, str], body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SHOP + path, data, {"Content-Type": "application/json", **headers})
    return urllib.request.urlopen(request, timeout=30)


def _token(path: str, body: Any) -> str:
    with _ask(f"/api/v1/auth/{path}", {}, body) as answer:
        token: str = json.load(answer)["data"]["accessToken"]
        return token


class SignedIn:
    """One sign-in for everything that does not end it."""

    def __init__(self) -> None:
        self._kept: str | None = None

    def get(self, case: Case[Any], context: AuthContext) -> str:
        if context.operation.path in ENDING:
            return _token("guest", {})
        if self._kept is None:
            email, _, password = WHO.partition(" ")
            self._kept = _token("login", {"email": email, "password": password})
        return self._kept

    def set(self, case: Case[Any], token: str, context: AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {token}"


if WHO != "anonymous":
    schemathesis.auth(refresh_interval=None)(SignedIn)


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Let valid requests get somewhere: to things that exist, in their present version, with a key of their own.

    One in four stays as it was made, and so does everything that is wrong on purpose.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    mixed = crc32(repr((case.path_parameters, case.headers, case.body)).encode("utf-8", "replace"))
    if mixed % 4 == 0:
        return
    if case.meta.phase.name != TestPhase.STATEFUL:  # there, every id comes from an answer before
        given = case.path_parameters or {}
        case.path_parameters = {name: _known(name, value, mixed) for name, value in given.items()}
        if case.media_type == "application/json":
            case.body = _with_known(case.body, mixed)
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = uuid4().hex
    if "If-Match" in case.headers:
        case.headers["If-Match"] = _version(case) or case.headers["If-Match"]


def _known(name: str, value: Any, mixed: int) -> Any:
    values = KNOWN.get(name)
    return values[mixed // 4 % len(values)] if values else value


def _with_known(body: Any, mixed: int) -> Any:
    if isinstance(body, dict):
        return {
            # A new thing wants a slug of its own.
            name: _known(name, value, mixed) if isinstance(value, str) and name != "slug" else _with_known(value, mixed)
            for name, value in body.items()
        }
    return [_with_known(each, mixed) for each in body] if isinstance(body, list) else body


def _version(case: Case[Any]) -> str | None:
    """The present ETag of what the path is about; None where that is not there."""
    thing, _, _ = case.operation.path.partition("}")
    path = f"{thing}}}".format(**case.path_parameters)
    try:
        with _ask(path, {"Authorization": case.headers.get("Authorization", "")}) as answer:
            etag: str | None = answer.headers["ETag"]
            return etag
    except (urllib.error.HTTPError, ValueError):
        return None


@schemathesis.check
def valid_means_valid(context: CheckContext, response: Response, case: Case[Any]) -> None:
    """What the document allows is not refused as malformed (400): else one of the two is wrong."""
    if response.status_code != 400 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    problem = response.json()
    codes = {problem["code"], *(error["code"] for error in problem["errors"])} - {"VALIDATION_FAILED"}
    if not codes <= set(UNSAID) and not _has_whole_decimal(case.body):
        raise AssertionError(f"allowed by the document, refused by the shop: {problem['code']} {problem['errors']}")


def _has_whole_decimal(value: Any) -> bool:
    """Whether a `2.0` is in it, which JSON Schema calls an integer and the shop, on purpose, does not."""
    if isinstance(value, dict):
        return any(map(_has_whole_decimal, value.values()))
    if isinstance(value, list):
        return any(map(_has_whole_decimal, value))
    return isinstance(value, float)
