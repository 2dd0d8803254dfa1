"""Access tokens: short-lived JWTs in the profile of RFC 9068 (`typ: at+jwt`)."""

from collections import OrderedDict
from datetime import timedelta
from uuid import UUID

import jwt
import msgspec

from caddy_shopping.kernel.clock import Clock, SystemClock
from caddy_shopping.kernel.errors import Unauthenticated
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.security.keys import Key, KeySet

TYPE = "at+jwt"
MAX_LENGTH = 4096
LEEWAY = 5
"""Seconds by which the clocks of our own processes may differ."""


class TokenInvalid(Unauthenticated):
    code = "TOKEN_INVALID"
    en = "The access token is not valid, or not any more. Refresh it, or sign in again."
    zh = "访问令牌无效或已失效，请刷新令牌或重新登录。"


class TokenExpired(Unauthenticated):
    code = "TOKEN_EXPIRED"
    en = "The access token has run out. Get a new one with your refresh token."
    zh = "访问令牌已过期，请使用刷新令牌获取新的令牌。"


class AccessClaims(msgspec.Struct, frozen=True):
    """What a verified access token says. Times are seconds since 1970 (UTC)."""

    user_id: UUID = msgspec.field(name="sub")
    session_id: UUID = msgspec.field(name="sid")
    role: str
    language: str = msgspec.field(name="lang")
    token_id: UUID = msgspec.field(name="jti")
    issued_at: int = msgspec.field(name="iat")
    not_before: int = msgspec.field(name="nbf")
    expires_at: int = msgspec.field(name="exp")


class AccessTokens:
    """Issues and verifies. `lifetime` is how long a token lives; what it says cannot be taken back
    before, so sessions are looked up besides (`contracts.users.Users.find_session`).

    The last `remembered` verified tokens are kept until they run out, since an RS256 signature costs
    more to verify than most requests cost to answer.
    """

    def __init__(
        self,
        keys: KeySet,
        clock: Clock | None = None,
        *,
        issuer: str = "caddy-shopping",
        audience: str = "caddy-shopping",
        lifetime: timedelta = timedelta(minutes=15),
        remembered: int = 4096,
    ) -> None:
        self._keys = keys
        self._clock = clock or SystemClock()
        self._issuer = issuer
        self._audience = audience
        self._lifetime = int(lifetime.total_seconds())
        self._remembered = remembered
        self._verified: OrderedDict[str, tuple[Key, AccessClaims]] = OrderedDict()

    def issue(self, *, user_id: UUID, session_id: UUID, role: str, language: str) -> tuple[str, int]:
        """A signed token and the seconds it lives."""
        now = self._now()
        key = self._keys.signing()
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "client_id": self._audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": str(new_id()),
            "role": str(role),
            "lang": language,
            "iat": now,
            "nbf": now,
            "exp": now + self._lifetime,
        }
        token = jwt.encode(claims, key.signing, key.algorithm, headers={"typ": TYPE, "kid": key.kid})
        return token, self._lifetime

    def verify(self, token: str) -> AccessClaims:
        """The claims of a token that is ours and alive. Raises `TokenInvalid`, `TokenExpired`."""
        key, claims = self._verified.get(token) or self._check(token)
        if self._keys.verifying(key.kid) is not key:
            self._verified.pop(token, None)
            raise TokenInvalid()
        now = self._now()
        if claims.expires_at <= now:
            self._verified.pop(token, None)
            raise TokenExpired()
        if max(claims.issued_at, claims.not_before) > now + LEEWAY:
            raise TokenInvalid()
        self._remember(token, key, claims)
        return claims

    def _check(self, token: str) -> tuple[Key, AccessClaims]:
        """Everything about a token that time does not change."""
        if len(token) > MAX_LENGTH:
            raise TokenInvalid()
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.verifying(str(header.get("kid")))
            if key is None or header.get("alg") != key.algorithm or str(header.get("typ")).lower() != TYPE:
                raise TokenInvalid()
            payload = jwt.decode(
                token,
                key.verifying,
                [key.algorithm],
                issuer=self._issuer,
                audience=self._audience,
                # Moments are compared with the shop's clock, in `verify`.
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "strict_aud": True},
            )
            return key, msgspec.convert(payload, AccessClaims)
        except (jwt.PyJWTError, msgspec.ValidationError) as fault:
            raise TokenInvalid() from fault

    def _remember(self, token: str, key: Key, claims: AccessClaims) -> None:
        self._verified[token] = (key, claims)
        self._verified.move_to_end(token)
        if len(self._verified) > self._remembered:
            self._verified.popitem(last=False)

    def _now(self) -> int:
        return int(self._clock.now().timestamp())
