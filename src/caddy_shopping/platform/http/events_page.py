"""The AsyncAPI document as a page that is read: a server-side rendering, without script."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

_TEMPLATE = Path(__file__).parent / "static" / "events.html"


def events_page(document: Mapping[str, Any]) -> str:
    """Each topic with its events, each event with its fields and at an anchor of its own."""
    parts = [f"<p>{_prose(paragraph)}</p>" for paragraph in document["info"]["description"].split("\n\n")]
    parts += [f"<h2>Headers</h2>{_fields(document['components']['schemas']['Headers'], document, 0)}"]
    for topic, channel in document["channels"].items():
        parts.append(f'<h2 id="{escape(topic)}">{escape(topic)}</h2><p>{_prose(channel["description"])}</p>')
        parts += [_message(document["components"]["messages"][name], document) for name in channel["messages"]]
    return _TEMPLATE.read_text(encoding="utf-8").replace("<!-- events -->", "\n".join(parts))


def _message(message: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    name = escape(message["name"])
    head = f'<h3><a href="#{name}">{name}</a></h3><p>{_prose(message["summary"])}</p>'
    version = message.get("x-schema-version")
    about = "" if version is None else f"<p><small>schema version {version}</small></p>"
    return f'<article id="{name}">{head}{about}{_fields(message["payload"], document, 0)}</article>'


def _fields(schema: Any, document: Mapping[str, Any], depth: int) -> str:
    """A table of an object's fields, with those of its parts inside, as deep as people read."""
    schema = _resolved(schema, document)
    if depth > 3 or not isinstance(schema, Mapping) or "properties" not in schema:
        return ""
    rows = []
    for name, part in schema["properties"].items():
        optional = "" if name in schema.get("required", ()) else "<small> optional</small>"
        inner = _fields(part.get("items", part), document, depth + 1)
        about = _prose(part.get("description", ""))
        rows.append(
            f"<tr><td><code>{escape(name)}</code>{optional}</td><td>{_kind(part)}</td><td>{about}{inner}</td></tr>"
        )
    return f"<table><tbody>{''.join(rows)}</tbody></table>"


def _resolved(schema: Any, document: Mapping[str, Any]) -> Any:
    while isinstance(schema, Mapping) and "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return escape(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_kind(part) for part in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    return escape(str(schema.get("format") or schema.get("type") or "anything"))


def _prose(text: str) -> str:
    """`code` is all the markdown that descriptions use."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))
