"""The OpenAPI 3.1 document.

Litestar finds paths and parameters, msgspec describes bodies and answers, handlers' notes say which errors.
"""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from litestar import Litestar, Response
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Server
from litestar.params import BodyKwarg
from litestar.routes import HTTPRoute
from litestar.types.internal_types import PathParameterDefinition

from caddy_shopping.kernel import errors as kernel
from caddy_shopping.kernel.actor import PermissionMissing
from caddy_shopping.kernel.errors import ShopError
from caddy_shopping.platform.db.faults import DatabaseBusy, DatabaseDown
from caddy_shopping.platform.db.idempotency import IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight
from caddy_shopping.platform.http import errors as http
from caddy_shopping.platform.http.docs import Notes, notes_of
from caddy_shopping.platform.http.examples import example_of
from caddy_shopping.platform.http.openapi_headers import (
    COMPONENTS,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    response_headers,
)
from caddy_shopping.platform.http.problems import PROBLEM, ErrorResponse, catalogue_entry, phrase, status_of
from caddy_shopping.platform.http.wire import ApiResponse, PaginatedResponse
from caddy_shopping.platform.security.tokens import TokenExpired, TokenInvalid

_REF = "#/components/schemas/{name}"
_INT64 = 2**63
_ABOUT = """A shop over HTTP. Money is in minor units; ids are UUIDs; times are UTC.

Errors are `application/problem+json` and carry a stable `code`: see [all codes](/api/docs/errors).
Send `Accept-Language: zh` for Chinese messages. Lists are paged by cursor. POSTs that move money or stock take an
`Idempotency-Key`; changes by staff take `If-Match` with the `ETag` that was read."""
Operations = list[tuple[dict[str, Any], HTTPRouteHandler]]


def openapi_config(public_url: str, version: str) -> OpenAPIConfig:
    """What Litestar is told. The document is finished and served by us, hence the path that nobody is shown."""
    return OpenAPIConfig(
        title="Caddy Shopping",
        version=version,
        description=_ABOUT,
        servers=[Server(url=public_url)],
        components=Components(
            security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
        ),
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
        path="/api/docs/raw",
        render_plugins=[JsonRenderPlugin()],
    )


def document_of(app: Litestar, tag_texts: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The whole document as it is served, made anew at each call."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(app.openapi_schema.to_schema()))
    operations = list(_operations(app, document))
    schemas = _describe_bodies(operations)
    document["components"]["schemas"] = {**document["components"].get("schemas", {}), **schemas}
    used: dict[str, type[ShopError]] = {}
    for operation, handler in operations:
        for form in operation.get("requestBody", {}).get("content", {}).values():
            form.setdefault("example", example_of(form["schema"], document["components"]["schemas"]))
        _describe_text(operation, handler)
        _describe_access(operation, handler)
        _describe_errors(operation, handler, used)
        _describe_parameters(operation, handler)
        operation.update(notes_of(handler.opt).document)
        _describe_headers(operation, handler)
    for schema in document["components"]["schemas"].values():
        _bound_integers(schema)
    document["components"]["examples"] = {code: {"value": _problem_example(used[code])} for code in sorted(used)}
    document["components"]["schemas"] = _reachable(document)
    document["components"]["headers"] = COMPONENTS
    tags = sorted({tag for operation, _ in operations for tag in operation.get("tags", [])})
    document["tags"] = [{"name": tag, "description": (tag_texts or {}).get(tag, tag.capitalize())} for tag in tags]
    return document


def _operations(app: Litestar, document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], HTTPRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                operation = document["paths"].get(route.path_format, {}).get(method.lower())
                if operation is not None:
                    yield operation, handler


def _describe_bodies(operations: Operations) -> dict[str, Any]:
    """Bodies and answers as msgspec reads and writes them. Returns the component schemas."""
    places: list[tuple[dict[str, Any], Any]] = []
    for operation, handler in operations:
        data = handler.parsed_fn_signature.parameters.get("data")
        if data is not None and _is_json(data.kwarg_definition):
            operation["requestBody"] = {"required": not data.is_optional, "content": {"application/json": {}}}
            places.append((operation["requestBody"]["content"]["application/json"], data.raw))
        answer = operation["responses"].get(str(handler.status_code), {})
        answer["description"] = phrase(handler.status_code)
        shape = _answer_shape(handler.parsed_fn_signature.return_type.raw)
        if shape is not None and "content" in answer:
            answer["content"] = {"application/json": {}}
            places.append((answer["content"]["application/json"], shape))
    always = [ErrorResponse, ApiResponse, PaginatedResponse]
    shapes = [shape for _, shape in places] + always
    found, schemas = msgspec.json.schema_components(shapes, ref_template=_REF)
    names = readable_names(schemas)
    schemas = {names[name]: _renamed(schema, names) for name, schema in schemas.items()}
    for schema in schemas.values():
        _name_moments(schema)
    for (place, _), schema in zip(places, found, strict=False):
        place["schema"] = _renamed(schema, names)
        place["example"] = example_of(place["schema"], schemas)
    return schemas


def _is_json(kwarg: object) -> bool:
    return not isinstance(kwarg, BodyKwarg) or kwarg.media_type == RequestEncodingType.JSON


def _answer_shape(annotation: Any) -> Any:
    """The type inside `Response[...]`; None where there is none worth describing."""
    if get_origin(annotation) is Response or annotation is Response:
        annotation = next(iter(get_args(annotation)), None)
    if annotation in (None, type(None), Any, bytes, str) or isinstance(annotation, TypeVar):
        return None
    # What msgspec does not know is no data but a way to answer: a stream, a file.
    return None if isinstance(msgspec.inspect.type_info(annotation), msgspec.inspect.CustomType) else annotation


def readable_names(schemas: Mapping[str, Any]) -> dict[str, str]:
    """`ApiResponse[list[shop.orders.OrderView]]` is `ApiResponse_list_OrderView`.

    Where two would be called the same, the first part of their modules' paths that differs goes in front.
    """
    short = {name: _without_modules(str(schema.get("title", name))) for name, schema in schemas.items()}
    names = {}
    for name, wanted in short.items():
        rivals = [other for other in short if short[other] == wanted]
        paths = [rival.split(".") for rival in rivals]
        differing = next((i for i, parts in enumerate(zip(*paths, strict=False)) if len(set(parts)) > 1), 0)
        part = name.split(".")[differing]
        names[name] = wanted if len(rivals) == 1 else part.capitalize() + wanted
    return names


def _without_modules(title: str) -> str:
    return re.sub(r"\W+", "_", re.sub(r"(?:\w+\.)+(?=\w)", "", title)).strip("_")


def _renamed(schema: Any, names: Mapping[str, str]) -> Any:
    if isinstance(schema, dict):
        made = {key: _renamed(value, names) for key, value in schema.items()}
        if isinstance(made.get("$ref"), str):
            made["$ref"] = _REF.format(name=names.get(made["$ref"].rpartition("/")[2], ""))
        if isinstance(made.get("description"), str):
            made["description"] = re.sub(r"\n[ \t]+", "\n", made["description"])
        return made
    return [_renamed(item, names) for item in schema] if isinstance(schema, list) else schema


def _describe_text(operation: dict[str, Any], handler: HTTPRouteHandler) -> None:
    if not operation.get("description"):
        operation["description"] = _use_case_text(handler) or f"{operation['summary'].rstrip('.?')}."


def _use_case_text(handler: HTTPRouteHandler) -> str:
    """The docstring of the use case that a handler calls: what it does is written there, once."""
    provided = handler.resolve_dependencies().get("use_cases")
    code = getattr(handler.fn, "__code__", None)
    if provided is None or code is None:
        return ""
    found: Any = provided.dependency()
    for name in code.co_names:
        found = getattr(found, name, found)
        if callable(found):
            text = found.__doc__ if inspect.ismethod(found) else type(found).__call__.__doc__
            return inspect.cleandoc(text or "")
    return ""


def _describe_access(operation: dict[str, Any], handler: HTTPRouteHandler) -> None:
    notes = notes_of(handler.opt)
    if not notes.public:
        operation["security"] = [{"bearer": []}]
    elif "actor" in handler.parsed_fn_signature.parameters:
        operation["security"] = [{}, {"bearer": []}]
    else:
        operation["security"] = []
    wanted = [IDEMPOTENCY_KEY] * notes.idempotent + [IF_MATCH] * notes.if_match
    if "GET" in handler.http_methods and _is_tagged(handler):
        wanted.append(IF_NONE_MATCH)
        operation["responses"]["304"] = {"description": "Not Modified: the ETag sent as `If-None-Match` is still good"}
    if wanted:
        operation["parameters"] = [*operation.get("parameters", []), *wanted]


def _is_tagged(handler: HTTPRouteHandler) -> bool:
    """Whether its answers carry an `ETag`: it says so, or calls one of the two functions that see to it."""
    called = getattr(getattr(handler.fn, "__code__", None), "co_names", ())
    return notes_of(handler.opt).tagged or not {"tagged", "hashed"}.isdisjoint(called)


def _describe_headers(operation: dict[str, Any], handler: HTTPRouteHandler) -> None:
    for status, response in operation["responses"].items():
        response["headers"] = response_headers(
            int(status),
            problem=PROBLEM in response.get("content", {}),
            tagged=_is_tagged(handler),
            idempotent=notes_of(handler.opt).idempotent,
        )


def _describe_errors(operation: dict[str, Any], handler: HTTPRouteHandler, used: dict[str, type[ShopError]]) -> None:
    by_status: dict[int, list[type[ShopError]]] = {}
    for error in dict.fromkeys(_errors_of(operation, handler, notes_of(handler.opt))):
        by_status.setdefault(status_of(error), []).append(error)
        used[error.code] = error
    operation["responses"].pop("400", None)
    for status in sorted(by_status):
        codes = sorted({error.code for error in by_status[status]})
        operation["responses"].setdefault(
            str(status),
            {
                "description": f"{phrase(status)}: {', '.join(f'`{code}`' for code in codes)}",
                "content": {
                    PROBLEM: {
                        "schema": {"$ref": _REF.format(name="ErrorResponse")},
                        "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
                    }
                },
            },
        )


def _errors_of(operation: dict[str, Any], handler: HTTPRouteHandler, notes: Notes) -> Iterator[type[ShopError]]:
    """Everything that an operation may refuse with: what any may, what its shape implies, what its notes say."""
    yield from (http.RequestInvalid, kernel.RateLimited, kernel.ShopError, DatabaseBusy, DatabaseDown)
    parameters: Sequence[Mapping[str, Any]] = operation.get("parameters", [])
    in_url = any(parameter["in"] in ("path", "query") for parameter in parameters)
    if in_url:
        yield http.UriTooLong
    if in_url or "requestBody" in operation:
        yield http.ValidationFailed
    if any(parameter["in"] == "path" for parameter in parameters):
        yield http.RouteNotFound
    if "requestBody" in operation:
        yield from (http.MalformedJson, http.BodyMissing, http.UnsupportedMediaType)
    if "actor" in handler.parsed_fn_signature.parameters or not notes.public:
        yield from (TokenInvalid, TokenExpired)
    if not notes.public:
        yield from (kernel.Unauthenticated, PermissionMissing)
    if notes.idempotent:
        yield from (IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight)
    if notes.if_match:
        yield from (kernel.PreconditionFailed, kernel.PreconditionRequired)
    if handler.http_methods - {"GET", "HEAD"}:
        yield from (kernel.ConcurrentChange, kernel.TooLarge)
    yield from notes.errors


def _problem_example(error: type[ShopError]) -> dict[str, Any]:
    entry = catalogue_entry(error)
    return {
        "type": f"/api/docs/errors#{entry.code}",
        "title": phrase(entry.status),
        "status": entry.status,
        "detail": entry.en,
        "instance": "/api/v1/…",
        "code": entry.code,
        "message": entry.en,
        "timestamp": "2026-03-14T09:26:53.589793Z",
        "path": "/api/v1/…",
        "method": "GET",
        "requestId": "9d3c0c1f5a8e4b7f8a1d2e3f4a5b6c7d",
        "errors": [],
        "retryable": entry.retryable,
    }


def _describe_parameters(operation: dict[str, Any], handler: HTTPRouteHandler) -> None:
    """Parameters without what means nothing in a URL, `null` and decimal points, but with the bounds that are 0."""
    at_least_0 = {
        getattr(field.kwarg_definition, "name", None) or name
        for name, field in handler.parsed_fn_signature.parameters.items()
        if getattr(field.kwarg_definition, "ge", None) == 0
    }
    for parameter in operation.get("parameters", []):
        schema = parameter["schema"]
        real = [part for part in schema.pop("oneOf", []) if part.get("type") != "null"]
        schema.update(real[0] if len(real) == 1 else {"oneOf": real} if real else {})
        if parameter["name"] in at_least_0:
            schema["minimum"] = 0
        for limit in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            if schema.get("type") == "integer" and limit in schema:
                schema[limit] = int(schema[limit])
        _bound_integers(schema)


def _bound_integers(part: Any) -> None:
    """Say that integers fit 64 bits: larger ones are refused."""
    if isinstance(part, list):
        for item in part:
            _bound_integers(item)
    elif isinstance(part, dict):
        if part.get("type") == "integer" and "enum" not in part:
            part.setdefault("format", "int64")
            if "exclusiveMaximum" not in part:
                part.setdefault("maximum", _INT64 - 1)
            if "exclusiveMinimum" not in part:
                part.setdefault("minimum", -_INT64)
        for key, value in part.items():
            if key not in ("examples", "example", "default"):
                _bound_integers(value)


def _name_moments(schema: dict[str, Any]) -> None:
    """Say which texts are moments. msgspec does where a type insists on a zone; the fields that end in `At` all are."""
    for name, part in schema.get("properties", {}).items():
        for one in (part, *part.get("anyOf", ())):
            if one.get("type") == "string" and (name == "at" or name.endswith("At")):
                one.setdefault("format", "date-time")


def _reachable(document: dict[str, Any]) -> dict[str, Any]:
    """The component schemas that something refers to, and the three that every reader looks for."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    wanted = {"ApiResponse", "ErrorResponse", "PaginatedResponse"}
    waiting = [
        msgspec.json.encode(document["paths"]).decode(),
        *(msgspec.json.encode(schemas[n]).decode() for n in wanted),
    ]
    while waiting:
        for name in re.findall(r'"#/components/schemas/([^"]+)"', waiting.pop()):
            if name not in wanted and name in schemas:
                wanted.add(name)
                waiting.append(msgspec.json.encode(schemas[name]).decode())
    return {name: schemas[name] for name in sorted(wanted)}


def _operation_id(handler: HTTPRouteHandler, method: Any, path: Sequence[str | PathParameterDefinition]) -> str:
    """`POST /api/v1/orders/{order_id}/cancel` is `postOrdersByOrderIdCancel`: stable as long as the path is."""
    words = [str(getattr(method, "value", method)).lower()]
    for part in path:
        if isinstance(part, PathParameterDefinition):
            words += ["by", *part.name.split("_")]
        elif part not in ("api", "v1"):
            words += re.findall(r"[A-Za-z0-9]+", part)
    return words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])
