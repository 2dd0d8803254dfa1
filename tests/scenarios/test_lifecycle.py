"""An installation from its first start to its last stop."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import aiohttp
import pytest

from caddy_shopping.main.prepare import prepare
from caddy_shopping.main.process import Process
from tests.scenarios.conftest import NewCaller
from tests.support.journey import (
    mail_to,
    order_becomes,
    order_of,
    pay,
    payment_becomes,
    quiet,
    select,
    stock_up,
)
from tests.support.server import free_port
from tests.support.shop import Shop, callers, eventually
from tests.support.topologies import one_process

pytestmark = one_process
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """It says for two seconds that it is not ready before it stops listening."""
    shop = Shop(tmp_path_factory.mktemp("lifecycle"), {"SHOP_NOTICE_SECONDS": "2"})
    try:
        shop.start()
        yield shop
    finally:
        shop.kill()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Another installation: without the demo's products, without work, and impatient."""
    bare = Shop(tmp_path_factory.mktemp("bare"), {"SHOP_DRAIN_SECONDS": "0.5"})
    try:
        bare.start("--no-demo", "--no-work")
        yield bare
    finally:
        bare.kill()


# ---- starting


async def test_the_first_start_prints_a_sign_in_and_addresses(shop: Shop, new: NewCaller) -> None:
    assert shop.admin is not None
    await addresses_are_printed(shop, 0)
    assert (await new().ask("GET", "api/docs")).status == 200
    staff = await new().sign_in(*shop.admin)
    assert (await staff.get("/users/me")).data["role"] == "admin"
    assert (await new().get("/products?limit=1&total=true")).json["page"]["total"] >= 60


async def addresses_are_printed(shop: Shop, at: int) -> None:
    """Since the log was `at` characters long."""

    async def printed() -> bool:
        lines = [line.split() for line in shop.output[at:].splitlines()]
        return ["Shop", shop.url] in lines and ["Docs", f"{shop.url}/api/docs"] in lines

    await eventually(printed)


def test_every_installation_has_a_password_of_its_own(shop: Shop, bare: Shop) -> None:
    assert shop.admin is not None
    assert bare.admin is not None
    assert bare.admin[1] != shop.admin[1]
    assert select(bare, "SELECT count(*) FROM products") == [(0,)]


def test_a_stop_signal_during_the_start_ends_it_and_the_next_start_is_fine(tmp_path: Path) -> None:
    """At several moments of one installation's first start; each goes on where the one before was stopped."""
    shop = Shop(tmp_path)
    # Until Python has loaded the shop, the signal is the system's own: there is nothing to put away yet.
    assert _stopped_at(shop, "", tmp_path / "installation.secret") in (0, -signal.SIGTERM)
    for moment in ("Migrated users.", "only once", "Docs"):
        assert _stopped_at(shop, moment) == 0, shop.output
    try:
        shop.start()
        assert "Traceback" not in shop.output
        assert shop.output.count("only once") == 1
        assert shop.admin is not None
        assert select(shop, "SELECT count(*) FROM products") == [(60,)]
        assert shop.stop() == 0
    finally:
        shop.kill()


def _stopped_at(shop: Shop, words: str, file: Path | None = None) -> int:
    """Exit code of a start that gets its SIGTERM when it has printed these words (or come to the end of the start)."""
    log = shop.data_dir / "serve.log"
    log.touch()
    at = len(shop.output)

    def reached() -> bool:
        return file.exists() if file else any(each in shop.output[at:] for each in (words, "Docs"))

    with log.open("ab") as out:
        command = [sys.executable, "-m", "caddy_shopping", "serve"]
        process = subprocess.Popen(command, env=shop.environment, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 60
        while not reached():
            assert process.poll() is None, shop.output
            assert time.monotonic() < deadline, shop.output
            time.sleep(0.001)
        process.terminate()
        return process.wait(30)
    finally:
        process.kill()


async def test_a_password_that_was_kept_is_shown_even_when_the_start_is_stopped() -> None:
    """The stop comes between keeping and showing. Loading the demo (the control) is not done any more."""
    kept, go_on, said, loaded = asyncio.Event(), asyncio.Event(), list[str](), list[str]()

    async def create(_handler: Any, _command: Any) -> tuple[str, str]:
        kept.set()
        await go_on.wait()
        return "admin@shop.example", "the password"

    async def migrate() -> list[str]:
        return []

    async def seed() -> str:
        loaded.append("all of it")
        return ""

    users = SimpleNamespace(run=create, use_cases=SimpleNamespace(ensure_first_admin=None))
    products = SimpleNamespace(use_cases=SimpleNamespace(seed=seed))
    process = SimpleNamespace(migrate=migrate, modules={"users": users, "products": products})
    starting = asyncio.create_task(prepare(cast(Process, process), said.append, demo=True))
    await kept.wait()
    starting.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert (len(said), loaded) == (1, [])
    assert "the password" in said[0]


async def test_a_taken_port_is_said_plainly(shop: Shop, new: NewCaller) -> None:
    code, printed = await asyncio.to_thread(shop.run, "serve")
    assert code == 1
    assert f"Port {shop.port} on 127.0.0.1 is taken" in " ".join(printed.split())
    assert "Traceback" not in printed
    assert (await new().ask("GET", "api/health")).status == 200  # whoever has it is not disturbed


# ---- stopping


async def test_a_graceful_stop_answers_what_is_in_flight_and_the_second_start_sets_up_nothing(
    shop: Shop, new: NewCaller
) -> None:
    """Not ready at once, alive still; the request under way is answered; what it caused goes on afterwards."""
    email, at = f"{uuid4().hex}@shop.example", len(shop.output)
    staff = await new().sign_in(*cast(tuple[str, str], shop.admin))
    products = (await new().get("/products?limit=1&total=true")).json["page"]["total"]
    assert (await new().ask("GET", "api/health/ready")).status == 200
    async with half_a_registration(shop, email) as (reader, finish):
        shop.send(signal.SIGTERM)

        async def not_ready() -> bool:
            answer = await new().ask("GET", "api/health/ready")
            return (answer.status, answer.json["status"]) == (503, "stopping")

        await eventually(not_ready)
        assert (await new().ask("GET", "api/health")).status == 200
        await finish()
        assert (await asyncio.wait_for(reader.readline(), 30)).startswith(b"HTTP/1.1 201 ")
        assert await asyncio.to_thread(shop.stop) == 0
    await asyncio.to_thread(shop.start)
    printed = shop.output[at:]
    assert not [word for word in ("Migrated", "Staff sign-in", "Loaded", "Traceback") if word in printed]
    await addresses_are_printed(shop, at)
    assert (await staff.get("/users/me")).status == 200
    assert (await new().get("/products?limit=1&total=true")).json["page"]["total"] == products
    await new().sign_in(email, PASSWORD)
    await mail_to(shop, email, "Welcome to Caddy Shopping")


async def test_a_worker_does_what_serving_without_work_leaves(bare: Shop) -> None:
    """The control: nothing that takes an event happens before the worker is there."""
    async with callers(bare) as new:
        goods = await stock_up(await new().sign_in(*cast(tuple[str, str], bare.admin)))
        buyer = await new().sign_in_as_guest()
        order = await order_of(buyer, goods)
        payment = await pay(buyer, order)
        await payment_becomes(buyer, payment, "SUCCEEDED")
        assert select(bare, "SELECT count(*) FROM payments_outbox WHERE published_at IS NULL") == [(1,)]
        assert (await buyer.get(f"/orders/{order['id']}")).data["status"] == "PENDING_PAYMENT"
        port = free_port()
        command = [sys.executable, "-m", "caddy_shopping", "worker", "--port", str(port)]
        worker = subprocess.Popen(command, env=bare.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            await order_becomes(buyer, order, "PAID")
            await mail_to(bare, order["email"], f"Payment received for order {order['number']}")
            await quiet(bare)
            assert (await told(port, "api/health/ready"))[0] == 200
            status, numbers = await told(port, "metrics")
            assert (status, '{consumer="orders.payment-succeeded",status="handled"} 1.0' in numbers) == (200, True)
            assert (await told(port, "api/v1/products"))[0] == 404
            worker.terminate()
            printed, _ = await asyncio.to_thread(worker.communicate, timeout=30)
        finally:
            worker.kill()
            if worker.returncode is None:
                worker.communicate()
    assert (worker.returncode, b"Traceback" in printed) == (0, False), printed


async def told(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/{path}") as answer:
        return answer.status, await answer.text()


async def test_a_request_that_never_ends_does_not_hold_up_the_stop(bare: Shop) -> None:
    async with half_a_registration(bare, f"{uuid4().hex}@shop.example"):
        assert await asyncio.to_thread(bare.stop) == 0
    assert "Traceback" not in bare.output


@asynccontextmanager
async def half_a_registration(shop: Shop, email: str) -> AsyncIterator[Any]:
    """A request whose body stops in the middle, and how to finish it."""
    body = json.dumps({"email": email, "password": PASSWORD, "name": "Slow"}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
    head = "POST /api/v1/auth/register HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:20])
    await writer.drain()
    async with callers(shop) as new:  # asked after it, and answered: so the half request is in there by now
        assert (await new().ask("GET", "api/health")).status == 200

    async def finish() -> None:
        writer.write(body[20:])
        await writer.drain()

    try:
        yield reader, finish
    finally:
        writer.close()
