"""Webhook signatures, against the specification's own example and against whoever alters one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caddy_shopping.platform.security.signatures import (
    WebhookSecrets,
    WebhookSignatureInvalid,
    WebhookTimestampInvalid,
    encode_secret,
)

SECRET = b"0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
BODY = b'{"type":"payment.succeeded"}'
moments = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
signer = WebhookSecrets([SECRET])


def test_the_specifications_example() -> None:
    secrets = WebhookSecrets(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    sent = datetime.fromtimestamp(1614265330, UTC)
    headers = secrets.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', sent)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert secrets.verify(headers, b'{"test": 2432232314}', sent) == "msg_p5jXN8AQM9LWM0D4loKWxJek"


@given(st.text(min_size=1), st.binary(), moments)
def test_what_is_signed_is_believed(message_id: str, body: bytes, now: datetime) -> None:
    assert signer.verify(signer.sign(message_id, body, now), body, now) == message_id


@given(st.binary())
def test_another_body_is_not(body: bytes) -> None:
    if body == BODY:
        return
    with pytest.raises(WebhookSignatureInvalid):
        signer.verify(signer.sign("m", BODY, NOW), body, NOW)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize(
    "value", ["", "other", "1773480412", "v1,", "v1,AAAA", "v2,x", "１７７３４８０４１３", "9" * 40]
)
def test_a_header_altered_or_missing_is_refused(name: str, value: str) -> None:
    headers = signer.sign("m", BODY, NOW)
    with pytest.raises(WebhookSignatureInvalid):
        signer.verify(headers | {name: value}, BODY, NOW)
    del headers[name]
    with pytest.raises(WebhookSignatureInvalid):
        signer.verify(headers, BODY, NOW)


@pytest.mark.parametrize("sign", [1, -1])
def test_five_minutes_either_way(sign: int) -> None:
    headers = signer.sign("m", BODY, NOW)
    assert signer.verify(headers, BODY, NOW + sign * timedelta(minutes=5)) == "m"
    with pytest.raises(WebhookTimestampInvalid):
        signer.verify(headers, BODY, NOW + sign * timedelta(minutes=5, seconds=1))


def test_a_secret_can_be_exchanged_without_losing_a_message() -> None:
    old, new = WebhookSecrets([SECRET]), WebhookSecrets([b"n" * 32])
    both = WebhookSecrets([b"n" * 32, encode_secret(SECRET)])
    for sender, receiver in [(old, both), (both, old), (both, new), (new, both)]:
        assert receiver.verify(sender.sign("m", BODY, NOW), BODY, NOW) == "m"
    with pytest.raises(WebhookSignatureInvalid):
        new.verify(old.sign("m", BODY, NOW), BODY, NOW)


@pytest.mark.parametrize("secrets", [[], [b"short"], ["whsec_not base64"], [b"x" * 65]])
def test_a_secret_that_is_none_is_refused(secrets: list[bytes | str]) -> None:
    with pytest.raises(ValueError, match="secret"):
        WebhookSecrets(secrets)
