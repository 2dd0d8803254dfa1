"""The OpenAPI document is one that people and their tools can work with: complete, true to itself, with examples."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from caddy_shopping.main.document import openapi_document
from caddy_shopping.main.web import TAGS

Operation = dict[str, Any]
PROBLEM = "application/problem+json"
WRITES = ("post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(openapi_document())
    return decoded


def operations(document: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    """Each as `POST /api/v1/orders` and what the document says of it."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def expected_errors(label: str, operation: Operation) -> set[str]:
    """The statuses that follow from what an operation takes, whatever else it may refuse with."""
    method, path = label.split(" ", 1)
    places = {(one["in"], one["name"]) for one in operation.get("parameters", [])}
    expected = {"400", "429", "500", "503"}
    if operation["security"] == [{"bearer": []}]:
        expected |= {"401", "403"}
    if method.lower() in WRITES:
        expected |= {"409", "413"}
    if "{" in path:
        expected |= {"404", "414"}
    if ("header", "If-Match") in places:
        expected |= {"412", "428"}
    if ("header", "Idempotency-Key") in places:
        expected |= {"422"}
    if "requestBody" in operation and ("header", "webhook-signature") not in places:
        expected |= {"415"}
    return expected


def contents(operation: Operation) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What goes in and what comes out of a success: place, media type, and what is said of it."""
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield "body", media_type, content
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            for media_type, content in response.get("content", {}).items():
                yield status, media_type, content


def faults(document: dict[str, Any]) -> list[str]:
    """What an operation lacks."""
    found = []
    for label, operation in operations(document):
        found += [
            f"{label}: no {name}" for name in ("summary", "description", "operationId") if not operation.get(name)
        ]
        missing = expected_errors(label, operation) - operation["responses"].keys()
        found += [f"{label}: no {status}" for status in sorted(missing)]
        if not any(status.startswith("2") for status in operation["responses"]):
            found.append(f"{label}: no success")
        for place, media_type, content in contents(operation):
            if not content.get("schema"):
                found.append(f"{label}: {place} {media_type} without a schema")
            if "example" not in content and media_type != "image/*":
                found.append(f"{label}: {place} {media_type} without an example")
    return found


def wrong_examples(document: dict[str, Any]) -> list[str]:
    """Examples that do not fit their own schema, or say nothing."""
    found = []
    for label, operation in operations(document):
        for place, media_type, content in contents(operation):
            if "json" in media_type:
                schema = {**content["schema"], "components": document["components"]}
                errors = [
                    str(error) for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(content["example"])
                ]
                found += [f"{label}: {place}: {error.splitlines()[0]}" for error in errors]
                if content["example"] in ({}, {"data": {}}):
                    found.append(f"{label}: {place}: an empty example")
    return found


def test_every_operation_says_what_it_does_takes_gives_and_refuses(document: dict[str, Any]) -> None:
    assert faults(document) == []
    assert len(list(operations(document))) > 70


@pytest.mark.parametrize(
    ("path", "lost", "fault"),
    [
        ("/api/v1/orders", "summary", "POST /api/v1/orders: no summary"),
        ("/api/v1/orders", "description", "POST /api/v1/orders: no description"),
        ("/api/v1/orders", "operationId", "POST /api/v1/orders: no operationId"),
    ],
)
def test_what_is_lost_is_named(document: dict[str, Any], path: str, lost: str, fault: str) -> None:
    broken = copy.deepcopy(document)
    del broken["paths"][path]["post"][lost]
    assert faults(broken) == [fault]


def test_a_lost_error_or_example_is_named(document: dict[str, Any]) -> None:
    broken = copy.deepcopy(document)
    place = broken["paths"]["/api/v1/orders"]["post"]
    del place["responses"]["422"]
    del place["requestBody"]["content"]["application/json"]["example"]
    del place["responses"]["201"]["content"]["application/json"]["example"]
    assert faults(broken) == [
        "POST /api/v1/orders: no 422",
        "POST /api/v1/orders: body application/json without an example",
        "POST /api/v1/orders: 201 application/json without an example",
    ]


def test_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    assert wrong_examples(document) == []


def test_an_example_that_does_not_fit_is_named(document: dict[str, Any]) -> None:
    broken = copy.deepcopy(document)
    body = broken["paths"]["/api/v1/cart/items"]["post"]["requestBody"]["content"]["application/json"]
    body["example"] = {"variantId": 7}
    assert [fault.partition(": ")[0] for fault in wrong_examples(broken)] == ["POST /api/v1/cart/items"]


def test_the_schemas_that_every_reader_looks_for_are_there(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert {"ApiResponse", "ErrorResponse", "PaginatedResponse"} <= document["components"]["schemas"].keys()
    fields = document["components"]["schemas"]["ErrorResponse"]["properties"].keys()
    assert fields == set(
        "type title status detail instance code message timestamp path method requestId errors retryable stack".split()
    )


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(re.findall(r'"#/components/(\w+)/([^"]+)"', msgspec.json.encode(document).decode()))
    assert len(found) > 100
    assert [name for kind, name in found if name not in document["components"][kind]] == []


def test_every_refusal_is_a_problem_with_an_example_for_each_code(document: dict[str, Any]) -> None:
    for label, operation in operations(document):
        for status, response in operation["responses"].items():
            if status >= "400" and (label, status) != ("GET /api/health/ready", "503"):
                assert list(response["content"]) == [PROBLEM], (label, status)
                codes = re.findall(r"`([A-Z_]+)`", response["description"])
                assert codes, (label, status)
                assert list(response["content"][PROBLEM]["examples"]) == codes, (label, status)


def test_every_answer_names_its_headers(document: dict[str, Any]) -> None:
    for label, operation in operations(document):
        for status, response in operation["responses"].items():
            assert "X-Request-Id" in response["headers"], (label, status)
    order = document["paths"]["/api/v1/orders/{reference}"]["get"]["responses"]
    assert "ETag" in order["200"]["headers"]
    assert "ETag" in order["304"]["headers"]
    assert "WWW-Authenticate" in order["401"]["headers"]
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= order["429"]["headers"].keys()
    placed = document["paths"]["/api/v1/orders"]["post"]["responses"]["201"]["headers"]
    assert {"Location", "Idempotency-Replayed"} <= placed.keys()


def patterns(part: Any) -> Iterator[str]:
    """Every `pattern` of a schema, at any depth."""
    if isinstance(part, list):
        for item in part:
            yield from patterns(item)
    elif isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            yield part["pattern"]
        for name, item in part.items():
            if name not in ("example", "examples"):
                yield from patterns(item)


def test_patterns_mean_the_same_to_us_as_to_their_readers(document: dict[str, Any]) -> None:
    """To Python alone, `$` is also before a line end: "CN\\n" would be a country."""
    places = [document["components"]["schemas"]]
    places += [one for _, operation in operations(document) for one in operation.get("parameters", [])]
    found = [pattern for place in places if place.get("in") != "header" for pattern in patterns(place)]
    assert len(found) > 5
    assert [pattern for pattern in found if pattern.endswith("$")] == []


def test_operation_ids_are_all_different(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids))


def test_each_group_of_operations_is_described_in_a_sentence(document: dict[str, Any]) -> None:
    used = {tag for _, operation in operations(document) for tag in operation["tags"]}
    assert {tag["name"]: tag["description"] for tag in document["tags"]} == TAGS
    assert used == TAGS.keys()
    assert [tag for tag, text in TAGS.items() if not re.fullmatch(r"[A-Z].*\.", text)] == []
