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
    "binary": "(the bytes of a file)",
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
    "imageUrl": "https://shop.example/picture.jpg",
    "slug": "wool-jumper",
    "productSlug": "wool-jumper",
    "title": "Wool jumper",
    "description": "<p>Soft and warm.</p>",
    "vendor": "North & Co",
    "productType": "Jumpers",
    "sku": "WJ-L",
    "barcode": "4006381333931",
    "carrier": "SF Express",
    "trackingNumber": "SF1234567890",
    "shippingMethod": "standard",
    "taxRate": "0.13",
    "line1": "1 Nanjing Road",
    "city": "Shanghai",
    "postalCode": "200000",
    "country": "CN",
    "phone": "+86 21 5555 0100",
}


def example_of(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str = "", above: tuple[str, ...] = ()
) -> Any:
    """A value that fits `schema`; references lead into `schemas`. What contains itself does so once."""
    if "$ref" in schema:
        target = str(schema["$ref"]).rpartition("/")[2]
        return None if target in above else example_of(schemas.get(target, {}), schemas, name, (*above, target))
    for given in ("examples", "enum"):
        if schema.get(given):
            return schema[given][0]
    for given in ("example", "const"):
        if given in schema:
            return schema[given]
    for union in ("anyOf", "oneOf"):
        if schema.get(union):
            real = [part for part in schema[union] if part.get("type") != "null"]
            return example_of((real or schema[union])[0], schemas, name, above)
    return _by_type(schema, schemas, name, above)


def _by_type(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str, above: tuple[str, ...]) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, schemas, above)
    if kind == "array":
        return _array(schema, schemas, name, above)
    if name in _BY_NAME and kind in ("string", "integer", "boolean"):
        return _BY_NAME[name]
    if kind in ("integer", "number"):
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        return min(max(low, 1), schema.get("maximum", 2**53))
    if kind == "string":
        return _text(schema, name)
    return {"boolean": True, "null": None}.get(str(kind), {})


def _array(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str, above: tuple[str, ...]) -> list[Any]:
    item = schema.get("items")
    if not item or str(item.get("$ref", "")).rpartition("/")[2] in above:
        return []
    return [example_of(item, schemas, name, above)] * max(schema.get("minItems", 1), 1)


def _object(schema: Mapping[str, Any], schemas: Mapping[str, Any], above: tuple[str, ...]) -> dict[str, Any]:
    """All fields that are required or have no default; where that is none, every field that has something to show."""
    parts: Mapping[str, Any] = schema.get("properties", {})
    made = {name: example_of(part, schemas, name, above) for name, part in parts.items()}
    needed = {
        name: value
        for name, value in made.items()
        if name in schema.get("required", ()) or "default" not in parts[name]
    }
    if needed or made:
        return needed or {name: value for name, value in made.items() if value is not None}
    more = schema.get("additionalProperties")
    return {"key": example_of(more, schemas, "", above)} if isinstance(more, Mapping) else {}


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
