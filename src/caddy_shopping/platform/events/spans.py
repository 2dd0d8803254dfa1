"""What spans say of an event, by OpenTelemetry's conventions for messaging."""

from caddy_shopping.platform.events.envelope import Envelope


def notes_of(event: Envelope, operation: str, system: str) -> dict[str, str | int]:
    """`operation` is `send` or `process`, `system` what brings events from here to there."""
    return {
        "messaging.system": system,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": event.topic,
        "messaging.message.id": str(event.event_id),
        "shop.event.type": event.type,
        "shop.event.key": str(event.key),
    }
