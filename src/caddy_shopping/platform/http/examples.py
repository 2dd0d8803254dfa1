"""Examples made from schemas: what the author gave, else something that fits."""

import re
from collections.abc import Mapping
from typing import Any

_BY_FORMAT = {
    "uuid": "0197f2c4-6a3e-7b1d-9c52-3f8a1e5d7b90",
    "date-time": "2026-03-14T09:26:53.589793Z",
    "date": "2026-03-14",
    "time": "09:26:53Z",
    "duration": "PT30M",
    "byte": "c2hvcA==",
}
# Fields that mean the same wherever they turn up on the wire.
_BY_NAME = {
    "currency": "CNY",
    "amount": 9999,
    "code": "NOT_FOUND",
    "email": "ada@example.com",
    "language": "en",
    "nextCursor": None,
    "hasMore": False,
    "total": 1,
    "url": "https://shop.example/picture.jpg",
}
_DEPTH = 8


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str = "", depth: int = 0) -> Any:
    """A value that fits `schema`; references lead into `schemas`."""
    if "$ref" in schema:
        target = schemas.get(str(schema["$ref"]).rpartition("/")[2], {})
        return None if depth > _DEPTH else example_of(target, schemas, name, depth + 1)
    for given in ("examples", "enum"):
        if schema.get(given):
            return schema[given][0]
    for given in ("example", "const"):
        if given in schema:
            return schema[given]
    for union in ("anyOf", "oneOf"):
        if schema.get(union):
            real = [part for part in schema[union] if part.get("type") != "null"]
            return example_of((real or schema[union])[0], schemas, name, depth + 1)
    return _by_type(schema, schemas, name, depth)


def _by_type(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str, depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, schemas, depth)
    if kind == "array":
        item = schema.get("items")
        few = max(schema.get("minItems", 1), 1)
        return [example_of(item, schemas, name, depth + 1)] * few if item and depth <= _DEPTH else []
    if name in _BY_NAME and kind in ("string", "integer", "boolean"):
        return _BY_NAME[name]
    if kind in ("integer", "number"):
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        return min(max(low, 1), schema.get("maximum", 2**53))
    if kind == "string":
        return _text(schema, name)
    return {"boolean": True, "null": None}.get(str(kind), {})


def _object(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if depth > _DEPTH:
        return {}
    more = schema.get("additionalProperties")
    made = {
        name: example_of(part, schemas, name, depth + 1)
        for name, part in schema.get("properties", {}).items()
        if name in schema.get("required", ()) or "default" not in part
    }
    return made or ({"key": example_of(more, schemas, "", depth + 1)} if isinstance(more, Mapping) else {})


def _text(schema: Mapping[str, Any], name: str) -> str:
    if schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    text = " ".join(re.findall(r"[A-Za-z][a-z]*", name)).lower() or "text"
    text = text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", 200)]
    pattern = schema.get("pattern")
    if pattern and not re.search(pattern, text):
        return next(
            (guess for guess in ("ABC-123", "abc", "A", "123456", "+4915112345678") if re.search(pattern, guess)), text
        )
    return text
