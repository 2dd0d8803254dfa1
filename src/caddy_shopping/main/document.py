"""The OpenAPI and AsyncAPI documents without a running shop."""

import msgspec

from caddy_shopping.main.build import whole_document
from caddy_shopping.main.events_document import events_document


def openapi_document() -> bytes:
    """The document as indented JSON, ending in a newline. Touches no database and no data folder."""
    document = whole_document()
    # Wherever this installation is reached: in a file, paths are relative to who serves it.
    document["servers"] = [{"url": "/"}]
    return msgspec.json.format(msgspec.json.encode(document)) + b"\n"


def asyncapi_document() -> bytes:
    """As `openapi_document`, of the events."""
    return msgspec.json.format(msgspec.json.encode(events_document())) + b"\n"
