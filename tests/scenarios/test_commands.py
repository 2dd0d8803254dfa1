"""Every command of the command line, beside a running shop."""

import asyncio
import base64
import csv
import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import rich_click as click
from click.testing import CliRunner

from caddy_shopping.main import cli
from caddy_shopping.platform.security.keys import MOMENT
from tests.scenarios.conftest import NewCaller
from tests.support.engine import ENGINE
from tests.support.furnished import furnish
from tests.support.journey import tamper
from tests.support.shop import Caller, ForkedShop, Shop, eventually

HEADER = "Handle,Title,Variant Price,Variant Inventory Tracker,Variant Inventory Qty,Published"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Without the demo's products, which no command needs."""
    shop = ForkedShop(tmp_path_factory.mktemp("commands"))
    furnish(shop, "--no-demo")
    try:
        shop.start("--no-demo")
        yield shop
    finally:
        shop.kill()


async def run(shop: Shop, *arguments: str) -> tuple[int, str]:
    return await asyncio.to_thread(shop.run, *arguments)


def test_a_fresh_folder_is_planned_migrated_and_well(tmp_path: Path) -> None:
    code, printed = Shop(tmp_path).run("migrate", "--plan")
    shop = ForkedShop(tmp_path)
    assert code == 0
    assert all(f"CREATE TABLE {table} " in printed for table in ("users", "products", "orders", "payments"))
    sick, told = shop.run("doctor")
    assert sick == 1
    assert "caddy-shopping migrate" in told  # so nothing was run before, and it says what to do
    code, printed = shop.run("migrate")
    assert (code, printed.count("Migrated")) == (0, 5)
    well, told = shop.run("doctor")
    assert (well, "up to date" in told) == (0, True), told
    archived, told = shop.run("orders", "archive-year", "2025")
    expected = "Nothing to do." if ENGINE.embedded else "Detached orders_p2025. Dump it, then drop it."
    assert (archived, expected in told) == (0, True), told
    refused, told = shop.run("orders", "archive-year", str(datetime.now(UTC).year))
    assert (refused, "is not over: only a year that is can be archived." in told) == (1, True), told


async def test_keys_are_rotated_under_a_running_shop(shop: Shop, new: NewCaller) -> None:
    """A token of before stays good as long as it could live, and no longer."""
    early = await new().sign_in_as_guest()
    (old,) = await _published(new)
    assert _kid(early) == old
    code, printed = await run(shop, "keys", "rotate")
    assert code == 0
    young = printed.split()[0]

    async def published() -> bool:
        return await _published(new) == [old, young]

    await eventually(published)
    assert [line.split() for line in (await run(shop, "keys", "list"))[1].splitlines()] == [
        [old, "RS256"],
        [young, "RS256"],
    ]
    assert _kid(await new().sign_in_as_guest()) == old  # everybody may fetch the new one first
    _begins(shop, young, seconds_ago=0)

    async def signs() -> bool:
        return _kid(await new().sign_in_as_guest()) == young

    await eventually(signs)
    assert (await early.get("/users/me")).status == 200
    assert await run(shop, "keys", "prune") == (0, "Nothing to remove.\n")
    assert (await early.get("/users/me")).status == 200
    _begins(shop, old, seconds_ago=7200)
    _begins(shop, young, seconds_ago=3600)
    assert await run(shop, "keys", "prune") == (0, f"Removed {old}.\n")

    async def pruned() -> bool:
        return (await early.get("/users/me")).status == 401

    await eventually(pruned)
    assert await _published(new) == [young]


async def _published(new: NewCaller) -> list[str]:
    """The ids of the public keys."""
    return [key["kid"] for key in (await new().ask("GET", ".well-known/jwks.json")).json["keys"]]


def _kid(caller: Caller) -> str:
    """Which key signed the caller's token."""
    assert caller.token is not None
    head = caller.token.split(".")[0]
    kid: str = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
    return kid


def _begins(shop: Shop, kid: str, *, seconds_ago: float) -> None:
    """Make a key sign from then on: its file's name says when."""
    (path,) = (shop.data_dir / "keys").glob(f"*-{kid}.pem")
    moment = time.time() - seconds_ago
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(moment)) + f".{int(moment % 1 * 1e6):06d}Z"
    assert time.strptime(stamp.split(".")[0], MOMENT.split(".", maxsplit=1)[0])
    path.rename(path.with_name(f"{stamp}-{kid}.pem"))


async def test_an_admin_is_made_from_the_machine_itself(shop: Shop, new: NewCaller) -> None:
    email = f"{uuid4().hex}@shop.example"
    code, printed = await run(shop, "users", "create-admin", email)
    found = re.search(r"Password \(shown only now\): (\S+)", printed)
    assert (code, bool(found)) == (0, True), printed
    assert found
    boss = await new().sign_in(email, found[1])
    assert (await boss.get("/admin/users?limit=1")).status == 200
    code, printed = await run(shop, "users", "create-admin", email)
    assert (code, "already" in printed, "Traceback" in printed) == (1, True, False), printed


async def test_dead_letters_are_listed_and_shown(shop: Shop) -> None:
    """One that is put there is seen; its secrets are not."""
    event = uuid4()
    now = datetime.now(UTC)
    values = ("orders.payment-succeeded", event, b'{"token": "a very secret token"}', event, now, now)
    insert = (
        "INSERT INTO orders_dead_letters (consumer, event_id, topic, type, schema_version, payload, event_key, error,"
        " attempts, occurred_at, failed_at) VALUES (?, ?, 'payments', 'PaymentSucceeded', 1, ?, ?, 'Broken: why',"
        " 5, ?, ?)"
    )
    assert tamper(shop, insert, *values) == 1
    try:
        code, printed = await run(shop, "events", "dead-letters", "list")
        assert code == 0
        assert all(fact in printed for fact in (values[0], str(event), "5 tries", "Broken: why")), printed
        code, printed = await run(shop, "events", "dead-letters", "show", values[0], str(event))
        assert (code, "PaymentSucceeded" in printed, "very secret" in printed) == (0, True, False), printed
    finally:
        tamper(shop, "DELETE FROM orders_dead_letters WHERE event_id = ?", event)


async def test_the_document_as_a_file_is_the_one_that_is_served(shop: Shop, new: NewCaller, tmp_path: Path) -> None:
    code, printed = await run(shop, "openapi", "-o", str(tmp_path / "openapi.json"))
    assert code == 0, printed
    written = json.loads((tmp_path / "openapi.json").read_text())
    served = (await new().ask("GET", "api/openapi.json")).json
    assert written["openapi"].startswith("3.1")
    assert {name: part for name, part in written.items() if name != "servers"} == {
        name: part for name, part in served.items() if name != "servers"
    }


async def test_what_is_imported_beside_a_running_shop_is_seen_and_comes_out_again(
    shop: Shop, new: NewCaller, admin: Caller, tmp_path: Path
) -> None:
    """Rows and files that cannot be taken are named with the reason; the others are there. A good file ends with 0."""
    caller, file, out = new(), tmp_path / "delivery.csv", tmp_path / "out.csv"
    search = "/products?q=Quokka"
    assert (await caller.get(search)).data == []
    good = "quokka-mug,Quokka Mug 短尾袋鼠,12.50,shopify,7,true"
    file.write_text(f"{HEADER}\n{good}\nquokka-cup,Quokka Cup,twelve,shopify,7,true\n")
    letter = tmp_path / "letter.csv"
    letter.write_text("Dear shop,\nplease send me a teapot.\n")
    code, printed = await run(shop, "import-products", str(letter), str(file))
    assert code == 1
    assert re.search(r"^letter\.csv: \S", printed, re.MULTILINE), printed
    assert re.search(r"^delivery\.csv:3: .*twelve", printed, re.MULTILINE), printed
    assert "1 taken, 1 refused" in printed
    assert "Traceback" not in printed

    async def there() -> Any:
        return [each["slug"] for each in (await caller.get(search)).data] == ["quokka-mug"]

    await eventually(there)
    assert (await caller.get("/products/quokka-mug")).data["variants"][0]["available"] == 7
    file.write_text(f"{HEADER}\n{good.replace('12.50', '13.75')}\n")
    code, printed = await run(shop, "import-products", str(file))
    assert code == 0, printed

    async def dearer() -> bool:
        return bool((await caller.get("/products/quokka-mug")).data["price"]["amount"] == 1375)

    await eventually(dearer)
    assert (await run(shop, "export-products", str(out)))[0] == 0
    with out.open(encoding="utf-8", newline="") as lines:
        (row,) = [row for row in csv.DictReader(lines) if row["Handle"] == "quokka-mug"]
    assert (row["Title"], row["Variant Price"]) == ("Quokka Mug 短尾袋鼠", "13.75")


def test_every_command_explains_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["caddy-shopping", "--help"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    found = dict(_commands(cli.shop, ()))
    wanted = "serve worker migrate seed import-products export-products keys users doctor openapi events".split()
    assert {(name,) for name in wanted} <= set(found)
    for path, command in found.items():
        shown = CliRunner().invoke(cli.shop, [*path, "--help"])
        assert (shown.exit_code, "Usage" in shown.output) == (0, True), (path, shown.output)
        assert (command.help or "").strip(), path
    assert CliRunner().invoke(cli.shop, ["sell"]).exit_code == 2


def _commands(group: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(group, click.Group):
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield (*path, name), command
        yield from _commands(command, (*path, name))
