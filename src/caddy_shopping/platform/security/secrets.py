"""The one secret that an installation makes for itself, and the many keys that are derived from it."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from caddy_shopping.platform.security.files import locked, write_private

SIZE = 32
NAME = "installation.secret"


class SecretDamaged(RuntimeError):
    """The secret's file is there but is not what was once written. Nothing can be derived from it."""

    def __init__(self, path: Path, size: int) -> None:
        super().__init__(
            f"{path} holds {size} bytes where {SIZE} are expected: restore it from a backup. "
            "(Removing it makes a new secret; everything that was derived from the old one is void then.)"
        )


@dataclass(frozen=True, slots=True)
class InstallationSecret:
    """32 random bytes, kept in `<data_dir>/installation.secret` with mode 0600."""

    root: bytes = field(repr=False)

    @classmethod
    def load_or_create(cls, data_dir: Path) -> "InstallationSecret":
        """Read the secret, or make it at the first start; processes that start at once agree on one.

        Raises `SecretDamaged` rather than make a new one over what cannot be read.
        """
        data_dir.mkdir(parents=True, exist_ok=True)
        path = data_dir / NAME
        if not path.exists():
            with locked(data_dir):
                if not path.exists():
                    write_private(path, secrets.token_bytes(SIZE))
        root = path.read_bytes()
        if len(root) != SIZE:
            raise SecretDamaged(path, len(root))
        return cls(root)

    def derive(self, purpose: str, size: int = SIZE) -> bytes:
        """`size` bytes for `purpose` (`"payments.sandbox.webhook"`) by HKDF-SHA256 (RFC 5869).

        The same purpose gives the same bytes for ever; no purpose tells anything about another.
        """
        return HKDF(SHA256(), length=size, salt=None, info=purpose.encode()).derive(self.root)
