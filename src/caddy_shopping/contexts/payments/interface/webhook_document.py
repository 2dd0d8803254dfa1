"""What the OpenAPI document says of a webhook, whose handler reads the raw request: the signature covers its bytes."""

from typing import Any


def _header(name: str, text: str, schema: dict[str, Any], example: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": text,
        "schema": {"type": "string", **schema},
        "example": example,
    }


def webhook_document(limit: int) -> dict[str, Any]:
    """Body and headers of a Standard Webhooks message of at most `limit` bytes."""
    provider = {
        "name": "provider",
        "in": "path",
        "required": True,
        "description": "Whose webhook it is.",
        "schema": {"type": "string", "minLength": 1},
        "example": "sandbox",
    }
    signature = {"pattern": r"^v1,\S+( v1,\S+)*$"}
    headers = [
        _header("webhook-id", "The event's id, the same at each delivery.", {"minLength": 1}, "evt_0197f2c4"),
        _header("webhook-timestamp", "Seconds since 1970, now.", {"pattern": "^[0-9]{1,11}$"}, "1773480413"),
        _header("webhook-signature", "HMAC-SHA256 of `id.timestamp.body`.", signature, "v1,K5oZfzN95Z9UVu1EsfQmfVNQ="),
    ]
    event = {
        "type": "payment.succeeded",
        "timestamp": "2026-03-14T09:26:53.589793Z",
        "data": {
            "paymentId": "0197f2c4-6a3e-7b1d-9c52-3f8a1e5d7b90",
            "reference": "sbx_0197f2c4",
            "amount": {"amount": 9999, "currency": "CNY"},
        },
    }
    schema = {"type": "object", "description": f"An event as its provider writes it, {limit} bytes at most."}
    body = {"required": True, "content": {"application/json": {"schema": schema, "example": event}}}
    return {"parameters": [provider, *headers], "requestBody": body}
