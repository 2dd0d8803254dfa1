"""The AsyncAPI document of what the contexts tell each other."""

from typing import Any

from caddy_shopping.contracts import notifications, orders, payments, products, users
from caddy_shopping.platform.events.asyncapi import asyncapi

CONTRACTS = (users, products, orders, payments, notifications)


def events_document() -> dict[str, Any]:
    """Made from the contracts' own structs."""
    return asyncapi("Caddy Shopping events", "1", CONTRACTS)
