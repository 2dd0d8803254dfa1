import asyncio

import pytest

from caddy_shopping.platform.http.health import Check, Health
from tests.platform.http.toy import make_world


async def fine() -> None:
    return None


async def broken() -> None:
    raise ConnectionError("db.internal:5432 said password=hunter2")


async def endless() -> None:
    await asyncio.sleep(60)


async def test_alive_looks_at_no_dependency() -> None:
    world = make_world(health=Health({"database": broken}))
    answer = await world("GET", "/api/health")
    assert (answer.status, answer.json) == (200, {"status": "ok"})


async def test_ready_when_all_checks_pass() -> None:
    answer = await make_world(health=Health({"database": fine}))("GET", "/api/health/ready")
    assert answer.status == 200
    assert answer.json["status"] == "ready"
    assert answer.json["checks"]["database"]["status"] == "ok"
    assert answer.headers["cache-control"] == "no-store"


async def test_not_ready_when_one_fails_and_the_reason_stays_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    answer = await make_world(health=Health({"a": fine, "b": broken}))("GET", "/api/health/ready")
    assert answer.status == 503
    assert answer.json["status"] == "failing"
    assert {name: check["status"] for name, check in answer.json["checks"].items()} == {"a": "ok", "b": "failed"}
    assert b"hunter2" not in answer.body
    assert "db.internal" in capsys.readouterr().out


async def test_what_can_be_spared_degrades_and_keeps_the_traffic() -> None:
    answer = await make_world(health=Health({"a": fine}, optional={"b": broken}))("GET", "/api/health/ready")
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert {name: check["status"] for name, check in answer.json["checks"].items()} == {"a": "ok", "b": "failed"}
    answer = await make_world(health=Health({"a": broken}, optional={"b": broken}))("GET", "/api/health/ready")
    assert (answer.status, answer.json["status"]) == (503, "failing")


async def test_a_check_that_hangs_is_cut_off() -> None:
    answer = await make_world(health=Health({"slow": endless}, time_limit=0.01))("GET", "/api/health/ready")
    assert (answer.status, answer.json["checks"]["slow"]["status"]) == (503, "timeout")


async def test_a_stopping_process_is_not_ready_but_alive() -> None:
    world = make_world(health=Health({"database": fine}))
    world.health.stopping = True
    answer = await world("GET", "/api/health/ready")
    assert (answer.status, answer.json["status"]) == (503, "stopping")
    assert (await world("GET", "/api/health")).status == 200


async def test_metrics_are_prometheus_text() -> None:
    world = make_world()
    await world("GET", "/api/health")
    answer = await world("GET", "/metrics")
    assert answer.headers["content-type"].count("charset") == 1
    assert b'http_requests_total{method="GET",route="/api/health",status_code="200"} 1.0' in answer.body


async def test_keys_are_served_where_there_are_any() -> None:
    keys = {"keys": [{"kid": "1"}]}
    answer = await make_world(keys=lambda: keys)("GET", "/.well-known/jwks.json")
    assert answer.json == keys
    assert answer.headers["cache-control"] == "max-age=300"
    assert (await make_world()("GET", "/.well-known/jwks.json")).status == 404


@pytest.mark.parametrize(("check", "status"), [(fine, "ready"), (broken, "degraded"), (endless, "degraded")])
async def test_without_a_help_it_is_degraded_and_takes_traffic(check: Check, status: str) -> None:
    health = Health({"database": fine}, {"redis": check}, time_limit=0.05)
    answer = await make_world(health=health)("GET", "/api/health/ready")
    assert (answer.status, answer.json["status"]) == (200, status)
    assert set(answer.json["checks"]) == {"database", "redis"}


async def test_a_help_that_is_there_mends_nothing() -> None:
    health = Health({"database": broken}, {"redis": fine})
    answer = await make_world(health=health)("GET", "/api/health/ready")
    assert (answer.status, answer.json["status"]) == (503, "failing")
