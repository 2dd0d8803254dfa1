"""The layers of `.importlinter` hold, and each of its rules would notice being broken."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter import api
from importlinter.domain.contract import registry

ROOT = Path(__file__).parents[2]
SHOP = "caddy_shopping"


@cache
def the_graph() -> grimp.ImportGraph:
    return grimp.build_graph(SHOP, include_external_packages=True, cache_dir=None)


def rules() -> dict[str, Any]:
    """The contracts of the configuration file, by the number their name begins with."""
    configuration = api.read_configuration(str(ROOT / ".importlinter"))
    made = {}
    for options in configuration["contracts_options"]:
        kind = registry.get_contract_class(options["type"])
        made[options["name"][0]] = kind(options["name"], configuration["session_options"], options)
    return made


@pytest.fixture(scope="module", autouse=True)
def _types_are_known() -> None:
    from importlinter.application import use_cases

    use_cases._register_contract_types(use_cases.read_user_options(str(ROOT / ".importlinter")))


@pytest.mark.parametrize("number", "12345")
def test_the_rule_holds(number: str) -> None:
    rule = rules()[number]
    check = rule.check(deepcopy(the_graph()), verbose=False)
    if not check.kept:
        rule.render_broken_contract(check)  # into the captured output
    assert check.kept, rule.name


BREACHES = [
    ("1", "platform.db.engine", "contracts.orders"),
    ("1", "contracts.orders", "platform.db.engine"),
    ("1", "platform.executor", "contexts.orders.domain.order"),
    ("1", "kernel.errors", "platform.settings"),
    ("1", "contexts.users.module", "main.build"),
    ("2", "contexts.orders.domain.order", "contexts.orders.application.ports"),
    ("2", "contexts.orders.application.ports", "contexts.orders.interface.http"),
    ("2", "contexts.orders.interface.http", "contexts.orders.infrastructure.tables"),
    ("2", "contexts.orders.interface.http", "contexts.orders.module"),
    ("3", "contexts.orders.application.ports", "contexts.products.domain.product"),
    ("3", "contexts.notifications.module", "contexts.users.module"),
    ("4", "contexts.orders.domain.order", "sqlalchemy"),
    ("4", "contexts.payments.application.ports", "litestar"),
    ("4", "kernel.money", "aiohttp"),
    ("4", "contracts.users", "granian"),
    ("4", "contexts.orders.application.ports", "platform.db.engine"),
    ("5", "contexts.orders.interface.http", "contexts.orders.infrastructure.tables"),
    ("5", "main.build", "contexts.users.infrastructure.tables"),
]


@pytest.mark.parametrize(("number", "importer", "imported"), BREACHES)
def test_a_breach_is_seen(number: str, importer: str, imported: str) -> None:
    graph = deepcopy(the_graph())
    names = [f"{SHOP}.{name}" if f"{SHOP}.{name}" in graph.modules else name for name in (importer, imported)]
    assert set(names) <= graph.modules, "the example has moved: name another"
    graph.add_import(importer=names[0], imported=names[1])
    assert not rules()[number].check(graph, verbose=False).kept


@pytest.mark.parametrize(("number", "place"), [("1", SHOP), ("2", f"{SHOP}.contexts.orders")])
def test_a_new_room_must_be_given_its_layer(number: str, place: str) -> None:
    graph = deepcopy(the_graph())
    graph.add_module(f"{place}.helpers")
    assert not rules()[number].check(graph, verbose=False).kept
