"""Who calls whom: short-lived tokens that the processes of one installation sign for each other (RFC 7519)."""

from datetime import timedelta

import jwt

from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.errors import Unauthenticated

TYPE = "shop-service+jwt"
ALGORITHM = "HS256"
LIFETIME = timedelta(minutes=1)
LEEWAY = 5
"""Seconds by which our machines' clocks may differ."""
_REMEMBERED = 256


class ServiceTokenInvalid(Unauthenticated):
    code = "SERVICE_TOKEN_INVALID"
    en = "This route is for the shop's own processes. Their token is missing, has run out, or is for somebody else."
    zh = "此接口仅供商城内部服务使用，服务令牌缺失、已过期或不适用。"


class ServiceTokens:
    """`key` is the same in every process of the installation; `me` is what this one is called."""

    def __init__(self, key: bytes, me: str, clock: Clock) -> None:
        self._key = key
        self._me = me
        self._clock = clock
        self._issued: dict[str, tuple[str, float]] = {}
        self._verified: dict[str, float] = {}

    def issue(self, audience: str) -> str:
        """A token for calls of `audience`; used for half of its life."""
        now = self._clock.now().timestamp()
        token, renew_at = self._issued.get(audience, ("", 0.0))
        if renew_at <= now:
            life = LIFETIME.total_seconds()
            claims = {"iss": self._me, "aud": audience, "iat": int(now), "exp": int(now + life)}
            token = jwt.encode(claims, self._key, ALGORITHM, headers={"typ": TYPE})
            self._issued[audience] = (token, now + life / 2)
        return token

    def verify(self, token: str, audience: str) -> None:
        """Raises `ServiceTokenInvalid` unless the token is ours, alive, and for `audience`."""
        now, known = self._clock.now().timestamp(), f"{audience} {token}"
        expires = self._verified.get(known)
        if expires is None:
            expires = self._check(token, audience)
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[known] = expires
        if expires + LEEWAY <= now:
            self._verified.pop(known, None)
            raise ServiceTokenInvalid()

    def _check(self, token: str, audience: str) -> float:
        try:
            if jwt.get_unverified_header(token).get("typ") != TYPE:
                raise ServiceTokenInvalid()
            claims = jwt.decode(
                token,
                self._key,
                [ALGORITHM],
                audience=audience,
                # Moments are compared with the shop's clock, in `verify`.
                options={
                    "verify_exp": False,
                    "verify_iat": False,
                    "strict_aud": True,
                    "require": ["exp", "aud", "iss"],
                },
            )
            return float(claims["exp"])
        except (jwt.PyJWTError, ValueError) as fault:
            raise ServiceTokenInvalid() from fault
