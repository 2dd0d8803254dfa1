"""Which files are pictures, by what is in them and not by what they are called."""

import hashlib
import re

from caddy_shopping.contexts.products.domain.errors import ImageTooLarge, ImageTypeUnknown

MAX_BYTES = 5 * 1024 * 1024
MEDIA_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp", "gif": "image/gif"}
_NAME = re.compile(r"[0-9a-f]{40}\.(?:png|jpg|webp|gif)")


def name_of(content: bytes) -> str:
    """The name under which a picture is kept: a hash of it and its kind.

    Raises `ImageTooLarge` above 5 MiB, `ImageTypeUnknown` for what is no PNG, JPEG, WebP or GIF.
    """
    if len(content) > MAX_BYTES:
        raise ImageTooLarge(limit=MAX_BYTES)
    return f"{hashlib.blake2b(content, digest_size=20).hexdigest()}.{_kind(content)}"


def is_name(name: str) -> bool:
    """Whether `name` can be one of ours; nothing else is ever looked for on the disk."""
    return _NAME.fullmatch(name) is not None


def media_type(name: str) -> str:
    return MEDIA_TYPES[name.rpartition(".")[2]]


def _kind(content: bytes) -> str:
    """By the signatures that https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern lists."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if content.startswith(b"RIFF") and content[8:14] == b"WEBPVP":
        return "webp"
    raise ImageTypeUnknown()
