"""The keys that access tokens are signed with: an RSA key set in a folder, or shared secrets.

The folder says everything: each key is one file named `<moment it begins to sign>-<kid>.pem`. The key
that began last signs; its predecessors retire at that moment and verify until no token of theirs can
be alive. So rotation needs no other state, and every process that sees the folder agrees.
"""

import base64
import hashlib
import hmac
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from caddy_shopping.kernel.clock import Clock, SystemClock
from caddy_shopping.platform.security.files import locked, private_folder, sync_folder, write_private

MOMENT = "%Y%m%dT%H%M%S.%fZ"
KEY_BITS = 2048
MARGIN = timedelta(minutes=1)
"""For processes that sign with a key a moment longer than others: clocks differ, folders are looked at each second."""
ALWAYS = datetime.min.replace(tzinfo=UTC)
MIN_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `algorithm` is pinned to it, whatever a token says. Signs from `signs_from` on."""

    kid: str
    algorithm: str
    signing: Any = field(repr=False)
    verifying: Any = field(repr=False)
    signs_from: datetime


class KeySet(Protocol):
    """What tokens need of keys."""

    def signing(self) -> Key:
        """The key that signs now."""
        ...

    def verifying(self, kid: str) -> Key | None:
        """The key of this id, or None where there is none (any more)."""
        ...

    def jwks(self) -> dict[str, Any]:
        """The public keys as a JWK Set (RFC 7517): those that sign, are about to, or still verify."""
        ...


class KeyFileDamaged(RuntimeError):
    """A key's file does not hold the key that its name promises."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not the RSA key that its name says: restore it, or remove it to do without.")


class FileKeySet:
    """RS256 keys in `folder`, made at first use; other processes' changes are seen within a second.

    `max_token_age`: the life of an access token; a retired key verifies that long, and `MARGIN` more.
    `activation_delay`: how long a new key is published before it signs, so that everybody who keeps a
    copy of the key set has fetched it by then.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock | None = None,
        *,
        max_token_age: timedelta = timedelta(minutes=15),
        activation_delay: timedelta = timedelta(minutes=10),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = private_folder(folder)
        self._clock = clock or SystemClock()
        self._max_token_age = max_token_age + MARGIN
        self._activation_delay = activation_delay
        self._monotonic = monotonic
        self._looked = float("-inf")
        self._names: tuple[str, ...] = ()
        self._keys: list[Key] = []
        self._by_kid: dict[str, int] = {}
        self._look()
        if not self._keys:
            self._create_first()

    def signing(self) -> Key:
        self._look_again()
        return self._keys[self._signing_index()]

    def verifying(self, kid: str) -> Key | None:
        self._look_again()
        if kid not in self._by_kid:
            self._look()  # perhaps another process has just made it
        index = self._by_kid.get(kid)
        return None if index is None or self._dead(index) else self._keys[index]

    def jwks(self) -> dict[str, Any]:
        self._look_again()
        return {"keys": [_public_jwk(key) for index, key in enumerate(self._keys) if not self._dead(index)]}

    def rotate(self, delay: timedelta | None = None) -> Key:
        """Add a key: published at once, signing after `delay` (`activation_delay` when not given)."""
        with locked(self._folder):
            key = self._write(self._clock.now() + (self._activation_delay if delay is None else delay))
        self._look()
        return key

    def prune(self) -> list[str]:
        """Remove the files of keys that verify nothing any more; returns their ids."""
        with locked(self._folder):
            self._look()
            dead = [key for index, key in enumerate(self._keys) if self._dead(index)]
            for key in dead:
                (self._folder / _name(key)).unlink()
            sync_folder(self._folder)
        self._look()
        return [key.kid for key in dead]

    def _create_first(self) -> None:
        with locked(self._folder):
            self._look()
            if not self._keys:
                self._write(self._clock.now())
        self._look()

    def _write(self, signs_from: datetime) -> Key:
        self._look()
        while any(key.signs_from == signs_from for key in self._keys):
            signs_from += timedelta(microseconds=1)  # the order of two keys is never open
        key = _rsa_key(rsa.generate_private_key(65537, KEY_BITS), signs_from)
        pem = key.signing.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_private(self._folder / _name(key), pem)
        return key

    def _look_again(self) -> None:
        if self._monotonic() - self._looked >= 1:
            self._look()

    def _look(self) -> None:
        """Read the folder's names (they are few), and the files only where the names have changed."""
        self._looked = self._monotonic()
        names = tuple(sorted(name for name in os.listdir(self._folder) if name.endswith(".pem") and name[0] != "."))
        emptied = not names and self._keys  # under our feet: go on with what we have
        if names != self._names and not emptied:
            self._read_all(names)

    def _read_all(self, names: tuple[str, ...]) -> None:
        known = {_name(key): key for key in self._keys}
        try:
            self._keys = [known.get(name) or _read(self._folder / name) for name in names]
        except FileNotFoundError:  # another process is pruning: look once more
            self._look()
            return
        self._by_kid = {key.kid: index for index, key in enumerate(self._keys)}
        self._names = names

    def _signing_index(self) -> int:
        now = self._clock.now()
        begun = [index for index, key in enumerate(self._keys) if key.signs_from <= now]
        return begun[-1] if begun else 0

    def _dead(self, index: int) -> bool:
        """Whether the successor has signed for so long that no token of this key can be alive."""
        if index >= self._signing_index():
            return False
        return self._keys[index + 1].signs_from + self._max_token_age <= self._clock.now()


class SecretKeySet:
    """HS256 with secrets that the installation's processes share: the first signs, all verify.

    Put a new secret in front to rotate. Raises ValueError for one under 32 bytes (RFC 7518 §3.2).
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets or any(len(secret) < MIN_SECRET_BYTES for secret in secrets):
            raise ValueError(f"HS256 takes at least one secret, each of at least {MIN_SECRET_BYTES} bytes")
        keys = [Key(_secret_kid(secret), "HS256", secret, secret, ALWAYS) for secret in secrets]
        self._signing = keys[0]
        self._by_kid = {key.kid: key for key in keys}

    def signing(self) -> Key:
        return self._signing

    def verifying(self, kid: str) -> Key | None:
        return self._by_kid.get(kid)

    def jwks(self) -> dict[str, Any]:
        """Nothing: a shared secret has no public half."""
        return {"keys": []}


def thumbprint(public: rsa.RSAPublicKey) -> str:
    """The key's JWK thumbprint (RFC 7638): SHA-256 over its required members in order, base64url."""
    return _base64url(hashlib.sha256(msgspec.json.encode(_members(public), order="sorted")).digest())


def _members(public: rsa.RSAPublicKey) -> dict[str, str]:
    numbers = public.public_numbers()
    return {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}


def _public_jwk(key: Key) -> dict[str, Any]:
    return {**_members(key.verifying), "kid": key.kid, "alg": key.algorithm, "use": "sig"}


def _rsa_key(private: rsa.RSAPrivateKey, signs_from: datetime) -> Key:
    public = private.public_key()
    return Key(thumbprint(public), "RS256", private, public, signs_from)


def _name(key: Key) -> str:
    return f"{key.signs_from.strftime(MOMENT)}-{key.kid}.pem"


def _read(path: Path) -> Key:
    moment, _, kid = path.stem.partition("-")
    try:
        signs_from = datetime.strptime(moment, MOMENT).replace(tzinfo=UTC)
        # Whether p and q are primes takes a tenth of a start to check. We made them; a file that changed since is
        # noticed by its name and by what it signs.
        private = serialization.load_pem_private_key(path.read_bytes(), None, unsafe_skip_rsa_key_validation=True)
    except ValueError as fault:
        raise KeyFileDamaged(path) from fault
    if not isinstance(private, rsa.RSAPrivateKey):
        raise KeyFileDamaged(path)
    key = _rsa_key(private, signs_from)
    if key.kid != kid or not _signs(private):
        raise KeyFileDamaged(path)
    return key


def _signs(private: rsa.RSAPrivateKey) -> bool:
    """Whether the public half agrees with what the private one signs."""
    try:
        signed = private.sign(b"as before", padding.PKCS1v15(), hashes.SHA256())
        private.public_key().verify(signed, b"as before", padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _secret_kid(secret: bytes) -> str:
    # A plain hash (RFC 7638 §7) would invite guessing; this tells no more than any token's own MAC.
    return "hs256-" + hmac.digest(secret, b"kid", "sha256")[:8].hex()


def _number(value: int) -> str:
    return _base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
