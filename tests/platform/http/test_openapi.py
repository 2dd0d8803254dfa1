import re
from typing import Any

import msgspec
import pytest

from caddy_shopping.platform.http.examples import example_of
from caddy_shopping.platform.http.openapi import readable_names
from tests.platform.http.toy import ToyBody, ToyView, make_world


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return make_world(tag_texts={"toys": "Things to play with."}, version="1.2.3").app.openapi()


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for item in document["paths"].values() for operation in item.values()]


def test_it_is_openapi_3_1_with_the_names_that_readers_look_for(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == "1.2.3"
    schemas = document["components"]["schemas"]
    assert {"ApiResponse", "ErrorResponse", "PaginatedResponse"} <= schemas.keys()
    assert {"ApiResponse_ToyView", "PaginatedResponse_ToyView", "ToyView", "Money"} <= schemas.keys()
    assert not [name for name in schemas if "__" in name or "." in name]
    assert {"name": "toys", "description": "Things to play with."} in document["tags"]


def test_every_reference_leads_somewhere_and_nothing_is_left_over(document: dict[str, Any]) -> None:
    text = msgspec.json.encode(document).decode()
    for kind, name in set(re.findall(r'"#/components/(\w+)/([^"]+)"', text)):
        assert name in document["components"][kind], name
    unused = {name for name in document["components"]["schemas"] if f'schemas/{name}"' not in text}
    assert unused <= {"ApiResponse", "PaginatedResponse"}


def test_every_operation_has_an_id_of_its_own_words_and_errors(document: dict[str, Any]) -> None:
    found = operations(document)
    ids = [operation["operationId"] for operation in found]
    assert len(ids) == len(set(ids))
    assert {"getToys", "postToys", "getToysByToyId", "patchToysByToyId", "getHealthReady"} <= set(ids)
    for operation in found:
        assert operation["summary"]
        assert operation["description"]
        assert {"400", "429", "500", "503"} <= operation["responses"].keys()


def test_descriptions_come_from_the_handler_or_the_use_case_it_calls(document: dict[str, Any]) -> None:
    texts = {operation["operationId"]: operation["description"] for operation in operations(document)}
    assert texts["getToysByToyId"] == "One toy, whoever asks."
    assert texts["postToys"] == "Make a toy out of nothing."
    assert texts["getToys"] == "All toys there are."
    assert texts["getToysMine"] == "List my toys."


def test_errors_are_problems_with_their_codes_and_examples(document: dict[str, Any]) -> None:
    make = document["paths"]["/api/v1/toys"]["post"]
    conflict = make["responses"]["409"]
    assert "`TOY_TAKEN`" in conflict["description"]
    assert "`REQUEST_IN_FLIGHT`" in conflict["description"]
    media = conflict["content"]["application/problem+json"]
    assert media["schema"] == {"$ref": "#/components/schemas/ErrorResponse"}
    assert "TOY_TAKEN" in media["examples"]
    assert document["components"]["examples"]["TOY_TAKEN"]["value"]["status"] == 409
    assert {"401", "403", "413", "415", "422"} <= make["responses"].keys()


def test_only_what_can_happen_is_listed(document: dict[str, Any]) -> None:
    listing = document["paths"]["/api/v1/toys"]["get"]["responses"]
    assert listing.keys() == {"200", "400", "414", "429", "500", "503"}
    show = document["paths"]["/api/v1/toys/{toy_id}"]["get"]["responses"]
    assert show.keys() == {"200", "304", "400", "401", "404", "414", "429", "500", "503"}


def test_who_may_call_is_said(document: dict[str, Any]) -> None:
    paths = document["paths"]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert paths["/api/v1/toys/mine"]["get"]["security"] == [{"bearer": []}]
    assert paths["/api/v1/toys/guarded"]["get"]["security"] == [{"bearer": []}]
    assert paths["/api/v1/toys"]["get"]["security"] == []
    assert paths["/api/v1/toys/{toy_id}"]["get"]["security"] == [{}, {"bearer": []}]


def test_headers_that_are_needed_are_listed(document: dict[str, Any]) -> None:
    def names(operation: dict[str, Any]) -> set[str]:
        return {parameter["name"] for parameter in operation.get("parameters", []) if parameter["required"]}

    assert "Idempotency-Key" in names(document["paths"]["/api/v1/toys"]["post"])
    change = document["paths"]["/api/v1/toys/{toy_id}"]["patch"]
    assert names(change) == {"toy_id", "If-Match"}
    assert {"412", "428"} <= change["responses"].keys()


def test_query_parameters_are_plain_and_bounded(document: dict[str, Any]) -> None:
    parameters = {one["name"]: one["schema"] for one in document["paths"]["/api/v1/toys"]["get"]["parameters"]}
    assert parameters.keys() == {"limit", "cursor", "total", "heavier", "since", "atMost"}
    assert (parameters["limit"]["minimum"], parameters["limit"]["maximum"]) == (1, 100)
    assert parameters["heavier"] == {
        "type": "integer", "format": "int64", "minimum": -(2**63), "maximum": 2**63 - 1,
    }  # fmt: skip
    assert parameters["atMost"]["minimum"] == 0
    assert parameters["cursor"]["type"] == "string"


def test_bodies_are_as_strict_as_they_are_read(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["ToyBody"]["additionalProperties"] is False
    assert schemas["ToyBody"]["required"] == ["name"]
    assert schemas["ToyBody"]["properties"]["weight"]["maximum"] == 2**63 - 1
    assert (
        schemas["PartBody"]["properties"]["size"]["maximum"],
        schemas["PartBody"]["properties"]["size"]["minimum"],
    ) == (100, 1)
    assert schemas["ErrorResponse"]["properties"]["timestamp"]["format"] == "date-time"


def test_examples_fit_what_they_are_examples_of(document: dict[str, Any]) -> None:
    make = document["paths"]["/api/v1/toys"]["post"]
    body = make["requestBody"]["content"]["application/json"]["example"]
    assert msgspec.convert(body, ToyBody).name == "duck"
    answer = make["responses"]["201"]["content"]["application/json"]["example"]
    assert msgspec.convert(answer["data"], ToyView).price.currency == "CNY"


def test_answers_without_a_body_have_none(document: dict[str, Any]) -> None:
    assert "content" not in document["paths"]["/api/v1/toys/{toy_id}"]["delete"]["responses"]["204"]
    ready = document["paths"]["/api/health/ready"]["get"]["responses"]
    assert ready["503"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Readiness"}


async def test_it_is_served_and_the_same_each_time() -> None:
    world = make_world()
    first, second = await world("GET", "/api/openapi.json"), await make_world()("GET", "/api/openapi.json")
    assert first.json == world.app.openapi()
    assert first.body == second.body
    assert first.headers["etag"] == second.headers["etag"]
    known = {"if-none-match": first.headers["etag"]}
    assert (await world("GET", "/api/openapi.json", known)).status == 304


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        ({"type": "string", "minLength": 10}, "textxxxxxx"),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": "string", "pattern": "^[A-Z]{3}-\\d+$"}, "ABC-123"),
        ({"type": "string", "pattern": "^unguessable$"}, "text"),
        ({"type": "string", "format": "uuid"}, "0197f2c4-6a3e-7b1d-9c52-3f8a1e5d7b90"),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "exclusiveMinimum": 5}, 6),
        ({"type": "integer", "maximum": 0}, 0),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({}, {}),
        ({"enum": ["b", "a"]}, "b"),
        ({"const": 3}, 3),
        ({"example": 4}, 4),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 1),
        ({"anyOf": [{"type": "null"}]}, None),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"type": "array"}, []),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"key": 1}),
        ({"type": "object"}, {}),
        (
            {"type": "object", "properties": {"email": {"type": "string"}}, "required": ["email"]},
            {"email": "ada@example.com"},
        ),
        ({"$ref": "#/components/schemas/Missing"}, {}),
    ],
)
def test_an_example_is_found_for_every_schema(schema: dict[str, Any], example: Any) -> None:
    assert example_of(schema, {}) == example


def test_a_schema_that_contains_itself_comes_to_an_end() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#/t/Tree"}}, "required": ["left"]}
    assert "left" in example_of(tree, {"Tree": tree})
    ring = {"type": "array", "items": {"$ref": "#/t/Ring"}}
    assert example_of(ring, {"Ring": ring})


def test_namesakes_are_told_apart_by_where_they_live() -> None:
    schemas = {
        "shop.orders.views.Line": {"title": "Line"},
        "shop.payments.views.Line": {"title": "Line"},
        "Order": {"title": "Order"},
        "ApiResponse_list_shop.a_b.Order__": {"title": "ApiResponse[list[shop.a_b.Order]]"},
    }
    assert readable_names(schemas) == {
        "shop.orders.views.Line": "OrdersLine",
        "shop.payments.views.Line": "PaymentsLine",
        "Order": "Order",
        "ApiResponse_list_shop.a_b.Order__": "ApiResponse_list_Order",
    }
