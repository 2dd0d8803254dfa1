"""Signed webhooks, after Standard Webhooks 1.0.0 (the specification's `v1` scheme, HMAC-SHA256).

The signed content is `id.timestamp.body`; the header `webhook-signature` holds one or more `v1,<base64>`,
parted by spaces, so that a secret can be exchanged without losing a message.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from caddy_shopping.kernel.errors import Unauthenticated

PREFIX = "whsec_"
MIN_BYTES, MAX_BYTES = 24, 64
TOLERANCE = timedelta(minutes=5)


class WebhookSignatureInvalid(Unauthenticated):
    code = "WEBHOOK_SIGNATURE_INVALID"
    en = "The webhook's signature does not match its id, timestamp and body, or one of the headers is missing."
    zh = "Webhook 签名与其编号、时间戳和内容不符，或缺少必要的请求头。"


class WebhookTimestampInvalid(Unauthenticated):
    code = "WEBHOOK_TIMESTAMP_INVALID"
    en = "The webhook's timestamp is more than {seconds} seconds away from now."
    zh = "Webhook 时间戳与当前时间相差超过 {seconds} 秒。"


class WebhookSecrets:
    """The secrets of one sender: every one signs, any one is believed.

    A secret is raw bytes or `whsec_<base64>`, 24 to 64 bytes long; ValueError otherwise.
    """

    def __init__(self, secrets: Sequence[bytes | str], tolerance: timedelta = TOLERANCE) -> None:
        if not secrets:
            raise ValueError("at least one webhook secret is needed")
        self._secrets = [_raw(secret) for secret in secrets]
        self._tolerance = tolerance

    def sign(self, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
        """The three headers of a message. The id stays the same when the message is sent again."""
        timestamp = str(int(now.timestamp()))
        content = _content(message_id, timestamp, body)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(f"v1,{_mac(secret, content)}" for secret in self._secrets),
        }

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        """The message's id, once `body` (raw, as received) is proven to be the sender's.

        `headers` has lower-case names or is case-insensitive. Raises `WebhookSignatureInvalid`,
        `WebhookTimestampInvalid` (checked last, so that a stranger learns nothing from it).
        """
        message_id = headers.get("webhook-id") or ""
        timestamp = headers.get("webhook-timestamp") or ""
        if not message_id or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
            raise WebhookSignatureInvalid()
        content = _content(message_id, timestamp, body)
        expected = [_mac(secret, content) for secret in self._secrets]
        if not _any_match(headers.get("webhook-signature") or "", expected):
            raise WebhookSignatureInvalid()
        if abs(datetime.fromtimestamp(int(timestamp), UTC) - now) > self._tolerance:
            raise WebhookTimestampInvalid(seconds=int(self._tolerance.total_seconds()))
        return message_id


def encode_secret(raw: bytes) -> str:
    """A secret as people exchange it: `whsec_<base64>`."""
    return PREFIX + base64.b64encode(raw).decode()


def _raw(secret: bytes | str) -> bytes:
    try:
        raw = secret if isinstance(secret, bytes) else base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as fault:
        raise ValueError("a webhook secret is written as whsec_<base64>") from fault
    if not MIN_BYTES <= len(raw) <= MAX_BYTES:
        raise ValueError(f"a webhook secret has {MIN_BYTES} to {MAX_BYTES} bytes")
    return raw


def _content(message_id: str, timestamp: str, body: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode("utf-8", "surrogatepass") + body


def _mac(secret: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.digest(secret, content, "sha256")).decode()


def _any_match(header: str, expected: Sequence[str]) -> bool:
    given = [part[3:].encode() for part in header.split() if part.startswith("v1,")]
    return any(hmac.compare_digest(one, mac.encode()) for one in given[:16] for mac in expected)
