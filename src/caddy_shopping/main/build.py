"""Puts the shop together by hand: the one place where every context meets the others."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import text

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
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.clock import Clock, SystemClock
from caddy_shopping.kernel.errors import ShopError
from caddy_shopping.main.process import Process
from caddy_shopping.platform.db.engine import Database, open_database
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.events.bus import InProcessBus, Subscription
from caddy_shopping.platform.events.dead_letters import DeadLetters
from caddy_shopping.platform.events.relay import Relay
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.app import create_app
from caddy_shopping.platform.http.health import Health
from caddy_shopping.platform.http.rate_limit import WRITES, Rule
from caddy_shopping.platform.http.settings import HttpSettings
from caddy_shopping.platform.jobs.retention import retention
from caddy_shopping.platform.jobs.scheduler import Scheduler
from caddy_shopping.platform.module import Kit, Module, Schema
from caddy_shopping.platform.rpc.local import local_stub
from caddy_shopping.platform.security.keys import FileKeySet, KeySet, SecretKeySet
from caddy_shopping.platform.security.passwords import PasswordHasher
from caddy_shopping.platform.security.secrets import InstallationSecret
from caddy_shopping.platform.security.tokens import AccessTokens
from caddy_shopping.platform.settings import Environment, Settings, load
from caddy_shopping.platform.telemetry.metrics import Metrics

SCHEMAS = (users.schema, products.schema, orders.schema, payments.schema, notifications.schema)
RULES = (
    Rule("sign-in", 30, 60, WRITES, ("/api/v1/auth/",), by_token=False),
    Rule("writes", 600, 60, WRITES),
)
"""Requests per seconds and caller; webhooks of a busy provider come from one address and have their own check."""
WEBHOOK_PATH = "/api/v1/payments/webhooks/sandbox"


@dataclass(frozen=True, slots=True)
class Ground:
    """What all contexts of one process stand on."""

    settings: Settings
    database: Database
    clock: Clock
    metrics: Metrics
    bus: InProcessBus

    def kit(self, schema: Schema, announced: Callable[[str], None]) -> tuple[Kit, Relay]:
        """A context's kit and the relay of its outbox; `announced` hears of each commit with events."""
        context, tables = schema.context, PlatformTables.found(schema.metadata, schema.context)
        relay = Relay(context, self.database, tables, self.bus, self.clock, self.metrics)
        run = Executor(context, self.database, tables, self.clock, self.metrics)

        def committed() -> None:
            relay.wake()
            announced(context)

        return Kit(context, self.database, tables, self.clock, run, committed), relay


def build(settings: Settings, *, clock: Clock | None = None, through_wire: bool = False) -> Process:
    """Build the whole shop as one process. Nothing is opened or started yet.

    `through_wire` makes calls between contexts pass through JSON, as they would between processes.
    """
    database = open_database(
        settings.database, pool_size=settings.pool_size, pool_timeout=settings.pool_timeout_seconds
    )
    metrics = Metrics()
    ground = Ground(settings, database, clock or SystemClock(), metrics, InProcessBus(metrics))
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    secret = InstallationSecret.load_or_create(settings.data_dir)
    keys = key_set(settings, ground.clock)
    tokens = AccessTokens(keys, ground.clock, lifetime=timedelta(minutes=settings.token_minutes))
    passwords = PasswordHasher()

    def announced(context: str) -> None:
        if context == "products":
            # The catalogue changed: public answers made before are not the truth any more.
            app.cache.clear()

    kits = {schema.context: ground.kit(schema, announced) for schema in SCHEMAS}
    modules: dict[str, Module] = {}
    contract = partial(_contract, modules, through_wire)
    users_contract: Users = contract(Users, "users")
    products_contract: Products = contract(Products, "products")
    orders_contract: Orders = contract(Orders, "orders")
    modules["users"] = users.build(
        kits["users"][0], load(UsersSettings), passwords, tokens, secret.derive("refresh-tokens")
    )
    modules["products"] = products.build(kits["products"][0], load(ProductsSettings), orders_contract)
    modules["orders"] = orders.build(kits["orders"][0], load(OrdersSettings), products_contract, users_contract)
    modules["payments"] = payments.build(
        kits["payments"][0],
        load(PaymentsSettings),
        orders_contract,
        lambda: settings.url + WEBHOOK_PATH,
        secret.derive("sandbox-webhooks"),
    )
    modules["notifications"] = notifications.build(
        kits["notifications"][0], load(NotificationsSettings), settings.data_dir
    )
    dead_letters = {name: DeadLetters(database, kit.tables, kit.clock) for name, (kit, _) in kits.items()}
    for name, module in modules.items():
        ground.bus.subscribe(Subscription(each, module.run, dead_letters[name]) for each in module.consumers)
    health = Health({"database": partial(_reachable, database)})
    app = create_app(
        list(modules.values()),
        settings=load(
            HttpSettings, development=settings.environment is Environment.DEVELOPMENT, public_url=settings.url
        ),
        authenticate=partial(authenticate, tokens, users_contract),
        metrics=metrics,
        health=health,
        keys=keys.jwks,
        rules=RULES,
        upload_prefixes=("/api/v1/admin/products/",),
    )
    jobs = [job for module in modules.values() for job in module.jobs]
    return Process(
        settings=settings,
        database=database,
        schemas=SCHEMAS,
        modules=modules,
        relays={name: relay for name, (_, relay) in kits.items()},
        dead_letters=dead_letters,
        scheduler=Scheduler(jobs + [retention(kit) for kit, _ in kits.values()]),
        app=app,
        health=health,
        release=(passwords.close,),
    )


def key_set(settings: Settings, clock: Clock) -> KeySet:
    """RS256 keys in `data_dir/keys`, or the HS256 secret from the environment."""
    if settings.token_algorithm == "HS256":
        return SecretKeySet([settings.token_secret.get_secret_value().encode()])
    return FileKeySet(settings.data_dir / "keys", clock)


async def authenticate(tokens: AccessTokens, sessions: Users, token: str) -> Actor | None:
    """Who the token belongs to, as of now: a session that was ended a moment ago is none."""
    try:
        claims = tokens.verify(token)
    except ShopError:
        return None
    session = await sessions.find_session(session_id=claims.session_id)
    if session is None:
        return None
    return Actor(
        role=Role(session.role),
        id=session.user_id,
        session_id=session.session_id,
        permissions=frozenset(session.permissions),
        language=session.language,
    )


def _contract(modules: dict[str, Module], through_wire: bool, contract: Any, name: str) -> Any:
    return local_stub(contract, lambda: modules[name].service, through_wire=through_wire)


async def _reachable(database: Database) -> None:
    async with database.read() as connection:
        await connection.execute(text("SELECT 1"))
