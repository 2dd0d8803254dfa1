import asyncio
from typing import Any

import pytest
from litestar import Controller, Request, Response, post
from sqlalchemy import MetaData

from caddy_shopping.kernel.actor import ANONYMOUS
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.http.idempotency import once
from caddy_shopping.platform.http.wire import ApiResponse
from tests.platform.http.toy import SIGNED_IN, MakeToy, ToyView, UseCases, World, make_world

PATH = "/api/v1/toys"
KEY = {**SIGNED_IN, "idempotency-key": "k-1"}


class DeepController(Controller):
    path = "/deep"

    @post("/{rest:path}", summary="Make deep down", **documented(public=True))
    async def make(
        self, request: Request[Any, Any, Any], use_cases: UseCases, run: Executor, rest: str
    ) -> Response[ApiResponse[ToyView]]:
        return await once(request, run, use_cases.make_toy, MakeToy(ANONYMOUS, rest))


@pytest.fixture
async def executor(make_bench: Any) -> Executor:
    metadata = MetaData()
    bench = await make_bench("toys", metadata, PlatformTables.of(metadata, "toys"))
    run: Executor = bench.kit.run
    return run


@pytest.fixture
async def world(executor: Executor) -> World:
    return make_world(executor)


async def test_the_first_answer_has_location_and_version(world: World) -> None:
    answer = await world("POST", PATH, KEY, json={"name": "duck"})
    assert answer.status == 201
    assert answer.headers["location"] == f"/api/v1/toys/{answer.json['data']['id']}"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "no-store"
    assert "idempotency-replayed" not in answer.headers


async def test_a_retry_is_answered_byte_for_byte_alike_and_done_once(world: World) -> None:
    first = await world("POST", PATH, KEY, json={"name": "duck"})
    again = await world("POST", PATH, KEY, json={"name": "duck"})
    assert (again.status, again.body, again.headers["location"]) == (201, first.body, first.headers["location"])
    assert again.headers["idempotency-replayed"] == "true"
    assert world.use_cases.make_toy.made == ["duck"]
    await world("POST", PATH, {**KEY, "idempotency-key": "k-2"}, json={"name": "duck"})
    assert world.use_cases.make_toy.made == ["duck", "duck"], "another key is another request"


async def test_a_refusal_is_replayed_byte_for_byte(world: World) -> None:
    first = await world("POST", PATH, KEY, json={"name": "ugly"})
    again = await world("POST", PATH, KEY, json={"name": "ugly"})
    assert (first.status, first.code) == (422, "TOY_UGLY")
    assert again.body == first.body
    assert again.headers["content-type"] == "application/problem+json"
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("key", [None, "", "x" * 256, "has space", "käse"])
async def test_a_key_is_asked_for(world: World, key: Any) -> None:
    headers = dict(SIGNED_IN) if key is None else {**SIGNED_IN, "idempotency-key": key}
    answer = await world("POST", PATH, headers, json={"name": "duck"})
    assert (answer.status, answer.code) == (400, "IDEMPOTENCY_KEY_MISSING")
    assert world.use_cases.make_toy.made == []


async def test_a_key_used_for_something_else_is_refused(world: World) -> None:
    await world("POST", PATH, KEY, json={"name": "duck"})
    answer = await world("POST", PATH, KEY, json={"name": "bear"})
    assert (answer.status, answer.code) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert world.use_cases.make_toy.made == ["duck"]


async def test_ten_at_once_make_one(world: World) -> None:
    answers = await asyncio.gather(*(world("POST", PATH, KEY, json={"name": "duck"}) for _ in range(10)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.body for answer in answers if answer.status == 201}) == 1
    assert world.use_cases.make_toy.made == ["duck"]


async def test_an_invalid_body_leaves_the_key_unused(world: World) -> None:
    assert (await world("POST", PATH, KEY, json={"name": ""})).status == 400
    assert (await world("POST", PATH, KEY, json={"name": "duck"})).status == 201


async def test_a_long_path_still_fits_the_scope(executor: Executor) -> None:
    world = make_world(executor, [DeepController])
    path, key = "/deep/" + "x" * 300, {"idempotency-key": "k"}
    first, again = await world("POST", path, key), await world("POST", path, key)
    other = await world("POST", path + "y", key)
    assert (first.status, again.status, other.status) == (201, 201, 201)
    assert again.body == first.body
    assert other.body != first.body
