"""The OpenAPI and AsyncAPI documents without a running shop."""

import tempfile
from pathlib import Path

import msgspec

from caddy_shopping.main.build import build
from caddy_shopping.main.events_document import events_document
from caddy_shopping.platform.settings import Settings


def openapi_document() -> bytes:
    """The document as indented JSON, ending in a newline. Touches no database and no data folder."""
    with tempfile.TemporaryDirectory() as folder:
        process = build(Settings(data_dir=Path(folder), database_url="", public_url=""))
        document = process.app.openapi()
    # Wherever this installation is reached: in a file, paths are relative to who serves it.
    document["servers"] = [{"url": "/"}]
    return msgspec.json.format(msgspec.json.encode(document)) + b"\n"


def asyncapi_document() -> bytes:
    """As `openapi_document`, of the events."""
    return msgspec.json.format(msgspec.json.encode(events_document())) + b"\n"
