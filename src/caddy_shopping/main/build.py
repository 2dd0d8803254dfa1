"""Puts the shop together by hand: the one place where every context meets the others."""

from collections.abc import Collection
from datetime import timedelta
from functools import partial
from typing import TypeVar

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
from caddy_shopping.main.web import reachable, web_app
from caddy_shopping.platform.events.reactions import Subscription
from caddy_shopping.platform.http.health import Check, Health
from caddy_shopping.platform.jobs.retention import retention
from caddy_shopping.platform.jobs.scheduler import Scheduler
from caddy_shopping.platform.module import Job, Kit, Module
from caddy_shopping.platform.rpc.local import local_stub
from caddy_shopping.platform.settings import Settings, load

C = TypeVar("C")
SCHEMAS = (users.schema, products.schema, orders.schema, payments.schema, notifications.schema)
SANDBOX_WEBHOOKS = "/api/v1/payments/webhooks/sandbox"


def build(settings: Settings, *, clock: Clock | None = None) -> Process:
    """Build the whole shop as one process. Nothing is opened or started yet."""
    ground = lay(settings, clock or SystemClock(), [schema.context for schema in SCHEMAS])

    def forgotten(tags: Collection[str]) -> None:
        # Public answers show what orders take when their seconds are over, and everything else at once.
        if not products.only_stock(tags):
            app.cache.clear()

    shared = share(settings, ground.metrics, forgotten)
    kits = {schema.context: ground.kit(schema, shared.cache, shared.limiter) for schema in SCHEMAS}
    modules: dict[str, Module] = {}

    def contract(kind: type[C], name: str) -> C:
        return local_stub(kind, lambda: modules[name].service, through_wire=settings.through_wire)

    people = contract(Users, "users")
    shelf = contract(Products, "products")
    ledger = contract(Orders, "orders")
    _build_contexts(ground, kits, modules, people, shelf, ledger)
    for name, module in modules.items():
        letters = ground.bus.graveyard(ground.dead_letters[name])
        ground.bus.subscribe(Subscription(each, module.run, letters) for each in module.consumers)
    health = Health(
        {name: partial(reachable, database) for name, database in ground.databases.named().items()},
        _optional(ground, shared),
    )
    app = web_app(ground, list(modules.values()), people, health, shared.limiter)
    jobs = [job for module in modules.values() for job in module.jobs] + [retention(kit) for kit in kits.values()]
    if shared.check is not None:
        jobs.append(Job("products.warm-cache", timedelta(minutes=10), modules["products"].use_cases.warm))
    return Process(
        settings=settings,
        databases=ground.databases,
        schemas=SCHEMAS,
        modules=modules,
        bus=ground.bus,
        relays=ground.relays,
        dead_letters=ground.dead_letters,
        scheduler=Scheduler(jobs, shared.locks),
        app=app,
        health=health,
        metrics=ground.metrics,
        shared=shared,
        release=(ground.passwords.close,),
    )


def _build_contexts(
    ground: Ground,
    kits: dict[str, Kit],
    modules: dict[str, Module],
    people: Users,
    shelf: Products,
    ledger: Orders,
) -> None:
    settings, secret = ground.settings, ground.secret
    modules["users"] = users.build(
        kits["users"], load(UsersSettings), ground.passwords, ground.tokens, secret.derive("refresh-tokens")
    )
    modules["products"] = products.build(kits["products"], load(ProductsSettings), ledger)
    modules["orders"] = orders.build(kits["orders"], load(OrdersSettings), shelf, people)
    modules["payments"] = payments.build(
        kits["payments"],
        load(PaymentsSettings),
        ledger,
        lambda: settings.local_url + SANDBOX_WEBHOOKS,
        secret.derive("sandbox-webhooks"),
    )
    modules["notifications"] = notifications.build(
        kits["notifications"], load(NotificationsSettings, **_shop_url(settings)), settings.data_dir
    )


def _optional(ground: Ground, shared: Shared) -> dict[str, Check]:
    """What requests go on without."""
    redis = {} if shared.check is None else {"redis": shared.check}
    return redis | ({"kafka": ground.bus.reachable} if ground.bus.shared else {})


def _shop_url(settings: Settings) -> dict[str, str]:
    """Links in mails lead to the shop's public address, unless notifications were given another."""
    return {"shop_url": settings.public_url} if settings.public_url else {}
