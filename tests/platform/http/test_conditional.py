from typing import Any

import pytest

from caddy_shopping.platform.http.conditional import matching
from tests.platform.http.toy import SIGNED_IN, TOY, World, make_world

BODY = {"name": "duck"}


@pytest.fixture
def world() -> World:
    return make_world()


async def test_an_answer_carries_its_version(world: World) -> None:
    answer = await world("GET", TOY)
    assert answer.headers["etag"] == '"7"'
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.json["data"]["version"] == 7


@pytest.mark.parametrize("tags", ['"7"', 'W/"7"', '"6", "7"', "*", '"7-br"', '"7-zstd"'])
async def test_who_has_it_gets_304(world: World, tags: Any) -> None:
    answer = await world("GET", TOY, {"if-none-match": tags})
    assert (answer.status, answer.body) == (304, b"")
    assert "7" in answer.headers["etag"]
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "content-length" not in answer.headers


@pytest.mark.parametrize("tags", ['"8"', "7", '"7-deflate"', "", "nonsense"])
async def test_who_has_another_gets_it_whole(world: World, tags: Any) -> None:
    assert (await world("GET", TOY, {"if-none-match": tags})).status == 200


async def test_head_is_get_without_a_body(world: World) -> None:
    got, asked = await world("GET", TOY), await world("HEAD", TOY)
    assert asked.body == b""
    assert asked.headers["content-length"] == got.headers["content-length"] == str(len(got.body))
    assert (await world("HEAD", TOY, {"if-none-match": '"7"'})).status == 304


@pytest.mark.parametrize("tag", ['"7"', '"7-gzip"', ' "7" ', '"7-lz4"'])
async def test_if_match_gives_the_version(world: World, tag: Any) -> None:
    answer = await world("PATCH", TOY, {**SIGNED_IN, "if-match": tag}, json=BODY)
    assert (answer.status, answer.headers["etag"]) == (200, '"8"')


@pytest.mark.parametrize(
    ("tag", "status", "code"),
    [
        (None, 428, "IF_MATCH_REQUIRED"),
        ("", 428, "IF_MATCH_REQUIRED"),
        ("*", 428, "IF_MATCH_REQUIRED"),
        ("7", 412, "VERSION_MISMATCH"),
        ('W/"7"', 412, "VERSION_MISMATCH"),
        ('"seven"', 412, "VERSION_MISMATCH"),
        ('"7", "8"', 412, "VERSION_MISMATCH"),
        ('"99999999999999999999"', 412, "VERSION_MISMATCH"),
    ],
)
async def test_if_match_that_names_no_version_is_refused(world: World, tag: Any, status: Any, code: Any) -> None:
    headers = dict(SIGNED_IN) if tag is None else {**SIGNED_IN, "if-match": tag}
    answer = await world("PATCH", TOY, headers, json=BODY)
    assert (answer.status, answer.code) == (status, code)


async def test_a_list_is_tagged_by_its_bytes(world: World) -> None:
    first = await world("GET", "/api/v1/toys/popular?limit=2")
    other = await world("GET", "/api/v1/toys/popular?limit=3")
    assert first.headers["cache-control"] == "public, max-age=60"
    assert first.headers["etag"] != other.headers["etag"]


def test_the_match_is_in_the_callers_spelling() -> None:
    assert matching('W/"7-br"', '"7"') == 'W/"7-br"'
    assert matching('"7"', '"7-br"') is None, "a plain copy is not the compressed one"
    assert matching("*", '"7"') == '"7"'
    assert matching(None, '"7"') is None
