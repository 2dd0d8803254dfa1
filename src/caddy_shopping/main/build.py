"""Puts the shop together by hand: the one place where every context meets the others."""

from collections.abc import Awaitable, Callable, Collection, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from caddy_shopping.contexts.notifications import module as notifications
from caddy_shopping.contexts.notifications.settings import NotificationsSettings
from caddy_shopping.contexts.orders import module as orders
from caddy_shopping.contexts.orders.settings import OrdersSettings
from caddy_shopping.contexts.payments import module as payments
from caddy_shopping.contexts.payments.settings import PaymentsSettings
from caddy_shopping.contexts.products import module as products
from caddy_shopping.contexts.products.settings import ProductsSettings
from caddy_shopping.contexts.users import module as users
from caddy_shopping.contexts.users.settings import UsersSettings
from caddy_shopping.contracts.orders import Orders
from caddy_shopping.contracts.products import Products
from caddy_shopping.contracts.users import Users
from caddy_shopping.kernel.clock import Clock, SystemClock
from caddy_shopping.main.ground import Ground, lay
from caddy_shopping.main.process import Process
from caddy_shopping.main.shared import Shared, share
from caddy_shopping.main.topology import Topology, topology_of
from caddy_shopping.main.web import reachable, web_app
from caddy_shopping.platform.events.reactions import Subscription
from caddy_shopping.platform.http.health import Check, Health
from caddy_shopping.platform.jobs.retention import retention
from caddy_shopping.platform.jobs.scheduler import Scheduler
from caddy_shopping.platform.module import Job, Kit, Module
from caddy_shopping.platform.rpc.local import local_stub
from caddy_shopping.platform.rpc.tokens import ServiceTokens
from caddy_shopping.platform.settings import Settings, load
from caddy_shopping.platform.telemetry.spans import Spans

C = TypeVar("C")
Contract = Callable[[type[Any], str], Any]
"""Gives what answers a contract of a context."""
SCHEMAS = (users.schema, products.schema, orders.schema, payments.schema, notifications.schema)
CONTEXTS = tuple(schema.context for schema in SCHEMAS)
CONTRACTS: dict[str, type] = {"users": Users, "products": Products, "orders": Orders}
"""What each context answers to the others."""
SANDBOX_WEBHOOKS = "/api/v1/payments/webhooks/sandbox"


def build(settings: Settings, *, clock: Clock | None = None) -> Process:
    """Build the contexts of this process, by default the whole shop. Nothing is opened or started yet.

    Raises `TopologyWrong`.
    """
    topology = topology_of(settings)
    schemas = [schema for schema in SCHEMAS if topology.has(schema.context)]
    ground = lay(settings, clock or SystemClock(), [schema.context for schema in schemas], CONTEXTS)

    def forgotten(tags: Collection[str]) -> None:
        # Public answers show what orders take when their seconds are over, and everything else at once.
        if not products.only_stock(tags):
            app.cache.clear()

    shared = share(settings, ground.metrics, forgotten)
    kits = {schema.context: ground.kit(schema, shared.cache, shared.limiter) for schema in schemas}
    modules: dict[str, Module] = {}
    service_tokens = ServiceTokens(ground.secret.derive("service-tokens"), ",".join(topology.here), ground.clock)
    elsewhere, endings = _elsewhere(topology, service_tokens, ground.spans)

    def contract(kind: type[C], name: str) -> C:
        if topology.has(name):
            return local_stub(kind, lambda: modules[name].service, through_wire=settings.through_wire)
        remote: C = elsewhere(kind, name)
        return remote

    people = contract(Users, "users")
    modules.update(_contexts(ground, kits, contract))
    for name, module in modules.items():
        letters = ground.bus.graveyard(ground.dead_letters[name])
        ground.bus.subscribe(Subscription(each, module.run, letters) for each in module.consumers)
    health = Health(
        {name: partial(reachable, database) for name, database in ground.databases.named().items()},
        _optional(ground, shared),
    )
    services = {name: (CONTRACTS[name], modules[name].service) for name in topology.here if name in CONTRACTS}
    document = None if topology.whole else whole_document
    app = web_app(ground, list(modules.values()), people, health, services, service_tokens, shared.limiter, document)
    jobs = [job for module in modules.values() for job in module.jobs] + [retention(kit) for kit in kits.values()]
    if shared.check is not None and "products" in modules:
        jobs.append(Job("products.warm-cache", timedelta(minutes=10), modules["products"].use_cases.warm))
    return Process(
        settings=settings,
        databases=ground.databases,
        schemas=schemas,
        modules=modules,
        bus=ground.bus,
        relays=ground.relays,
        dead_letters=ground.dead_letters,
        scheduler=Scheduler(jobs, shared.locks),
        app=app,
        health=health,
        metrics=ground.metrics,
        shared=shared,
        spans=ground.spans,
        endings=endings,
        release=(ground.passwords.close,),
    )


def _elsewhere(
    topology: Topology, tokens: ServiceTokens, spans: Spans | None
) -> tuple[Contract, list[Callable[[], Awaitable[None]]]]:
    """What makes stubs of the contexts in other processes, and how to hang up."""
    if topology.whole:
        return _nowhere, []
    # Imported here: who has no peers need not load the client.
    from caddy_shopping.platform.rpc.client import Peers

    peers = Peers(topology.peers, tokens, spans)
    return peers.stub, [peers.close]


def _nowhere(kind: type[Any], name: str) -> Any:
    raise LookupError(f"{name} is in this process")


def whole_document() -> dict[str, Any]:
    """The OpenAPI document of the whole shop, whatever runs here. Touches no database and no data folder."""
    with TemporaryDirectory() as folder:
        alone = load(
            Settings,
            data_dir=Path(folder),
            database_url="",
            contexts="",
            peers="",
            kafka_brokers="",
            redis_url="",
            otlp_endpoint="",
        )
        document: dict[str, Any] = build(alone).app.openapi()
    return document


def _contexts(ground: Ground, kits: dict[str, Kit], contract: Contract) -> Iterator[tuple[str, Module]]:
    """Build each context that has a kit. What it calls of the others is here, or a stub of what is elsewhere."""
    settings, secret = ground.settings, ground.secret
    if kit := kits.get("users"):
        secret_of_tokens = secret.derive("refresh-tokens")
        yield "users", users.build(kit, load(UsersSettings), ground.passwords, ground.tokens, secret_of_tokens)
    if kit := kits.get("products"):
        yield "products", products.build(kit, load(ProductsSettings), contract(Orders, "orders"))
    if kit := kits.get("orders"):
        yield "orders", orders.build(kit, load(OrdersSettings), contract(Products, "products"))
    if kit := kits.get("payments"):
        paying, sandbox_secret = load(PaymentsSettings), secret.derive("sandbox-webhooks")

        def webhooks() -> str:
            return (paying.sandbox_webhook_origin or settings.local_url) + SANDBOX_WEBHOOKS

        yield "payments", payments.build(kit, paying, contract(Orders, "orders"), webhooks, sandbox_secret)
    if kit := kits.get("notifications"):
        mails = load(NotificationsSettings, **_shop_url(settings))
        yield "notifications", notifications.build(kit, mails, settings.data_dir)


def _optional(ground: Ground, shared: Shared) -> dict[str, Check]:
    """What requests go on without."""
    redis = {} if shared.check is None else {"redis": shared.check}
    return redis | ({"kafka": ground.bus.reachable} if ground.bus.shared else {})


def _shop_url(settings: Settings) -> dict[str, str]:
    """Links in mails lead to the shop's public address, unless notifications were given another."""
    return {"shop_url": settings.public_url} if settings.public_url else {}
