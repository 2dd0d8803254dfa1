"""A context of toys behind the real application, and a caller that speaks ASGI to it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.params import QueryParameter
from litestar.response import Stream

from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.errors import Conflict, Invalid, NotFound
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.paging import PageRequest, Slice
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.app import WebApp, create_app, routes_of
from caddy_shopping.platform.http.asgi import Message, Scope
from caddy_shopping.platform.http.conditional import hashed, if_match, tagged
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.http.health import Health
from caddy_shopping.platform.http.idempotency import once
from caddy_shopping.platform.http.settings import HttpSettings
from caddy_shopping.platform.http.wire import ApiResponse, Body, PaginatedResponse, paginated
from caddy_shopping.platform.module import Module
from caddy_shopping.platform.telemetry.metrics import Metrics

USER = UUID("0197f2c4-6a3e-7b1d-9c52-3f8a1e5d7b90")
TOY = "/api/v1/toys/0197f2c4-6a3e-7b1d-9c52-3f8a1e5d7b91"


class ToyNotFound(NotFound):
    code = "TOY_NOT_FOUND"
    en = "There is no toy {name}."
    zh = "没有玩具 {name}。"


class ToyTaken(Conflict):
    code = "TOY_TAKEN"


class ToyUgly(Invalid):
    code = "TOY_UGLY"


class ToyView(msgspec.Struct, frozen=True, rename="camel"):
    """A toy."""

    id: UUID
    name: str
    version: int
    price: Money
    given_to: str | None = None


class PartBody(Body, frozen=True):
    size: Annotated[int, msgspec.Meta(ge=1, le=100)]


class ToyBody(Body, frozen=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=20, examples=["duck"])]
    parts: list[PartBody] = msgspec.field(default_factory=list)
    weight: int = 0


class MakeToy(msgspec.Struct, frozen=True):
    actor: Actor
    name: str


@dataclass
class MakeToyHandler:
    made: list[str] = field(default_factory=list)

    async def __call__(self, command: MakeToy) -> ToyView:
        """Make a toy out of nothing."""
        if command.name == "ugly":
            raise ToyUgly()
        self.made.append(command.name)
        return ToyView(uuid4(), command.name, 1, Money(9999, "CNY"))


@dataclass
class ToyQueries:
    reads: int = 0

    async def toys(self, page: PageRequest) -> Slice[ToyView]:
        """All toys there are."""
        self.reads += 1
        return Slice.cut([a_toy(n) for n in range(40)][: page.limit + 1], page, lambda toy: toy.version)


@dataclass(frozen=True)
class UseCases:
    make_toy: MakeToyHandler = field(default_factory=MakeToyHandler)
    queries: ToyQueries = field(default_factory=ToyQueries)


def a_toy(number: int = 7) -> ToyView:
    return ToyView(UUID(int=number), "duck", number, Money(number, "CNY"))


AtMost = Annotated[int | None, QueryParameter(name="atMost", ge=0, required=False)]


class ToyController(Controller):
    path = "/api/v1/toys"
    tags = ("toys",)

    @get("", summary="List toys", **documented(public=True))
    async def list(
        self,
        use_cases: UseCases,
        page: PageRequest,
        heavier: int | None = None,
        since: datetime | None = None,
        at_most: AtMost = None,
    ) -> PaginatedResponse[ToyView]:
        return paginated(await use_cases.queries.toys(page), page)

    @get("/popular", summary="List popular toys", **documented(public=True))
    async def popular(
        self, request: Request[Any, Any, Any], use_cases: UseCases, page: PageRequest
    ) -> Response[PaginatedResponse[ToyView]]:
        await asyncio.sleep(0.001)
        return hashed(request, paginated(await use_cases.queries.toys(page), page), max_age=60)

    @get("/{toy_id:uuid}", summary="Show a toy", **documented(ToyNotFound, public=True))
    async def show(self, request: Request[Any, Any, Any], toy_id: UUID, actor: Actor) -> Response[ApiResponse[ToyView]]:
        """One toy, whoever asks."""
        if toy_id.int == 0:
            raise ToyNotFound(name="zero")
        return tagged(request, a_toy(), version=7)

    @get("/mine", summary="List my toys", **documented())
    async def mine(self, actor: Actor) -> ApiResponse[str]:
        return ApiResponse(f"{actor.user_id} {actor.language}")

    @get("/guarded", summary="Needs a token though it never asks whose", **documented())
    async def guarded(self) -> ApiResponse[str]:
        return ApiResponse("secret")

    @get("/stream", summary="Stream toys", **documented(public=True))
    async def stream(self) -> Stream:
        async def lines() -> AsyncIterator[bytes]:
            for number in range(200):
                yield f"toy {number} and some more\n".encode()

        return Stream(lines(), media_type="text/csv")

    @get("/number/{number:int}", summary="Show a number", **documented(public=True))
    async def number(self, number: int) -> ApiResponse[int]:
        return ApiResponse(number)

    @post("", summary="Make a toy", **documented(ToyTaken, ToyUgly, idempotent=True))
    async def make(
        self, request: Request[Any, Any, Any], data: ToyBody, use_cases: UseCases, run: Executor, actor: Actor
    ) -> Response[ApiResponse[ToyView]]:
        return await once(
            request,
            run,
            use_cases.make_toy,
            MakeToy(actor, data.name),
            location=lambda toy: f"/api/v1/toys/{toy.id}",
            version=lambda toy: toy.version,
        )

    @post("/plain", summary="Say a toy back", status_code=200, **documented(public=True))
    async def plain(self, data: ToyBody) -> ApiResponse[ToyBody]:
        return ApiResponse(data)

    @post("/small", summary="Take little", status_code=200, request_max_body_size=10, **documented(public=True))
    async def small(self, request: Request[Any, Any, Any]) -> ApiResponse[int]:
        return ApiResponse(len(await request.body()))

    @post("/raw", summary="Count bytes", status_code=200, **documented(public=True))
    async def raw(self, request: Request[Any, Any, Any]) -> ApiResponse[int]:
        return ApiResponse(len(await request.body()))

    @patch("/{toy_id:uuid}", summary="Change a toy", **documented(ToyNotFound, if_match=True))
    async def change(
        self, request: Request[Any, Any, Any], toy_id: UUID, data: ToyBody, actor: Actor
    ) -> Response[ApiResponse[ToyView]]:
        return tagged(request, a_toy(), version=if_match(request) + 1)

    @delete("/{toy_id:uuid}", summary="Break", **documented(public=True))
    async def break_it(self, toy_id: UUID) -> None:
        raise RuntimeError("the toy broke, password=hunter2")


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> str:
        return str(self.json["code"])


def a_scope(method: str, path: str, headers: Mapping[str, str] | None = None) -> Scope:
    plain, _, query = path.partition("?")
    sent = {"host": "shop.example", **(headers or {})}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": plain,
        "raw_path": plain.encode("utf-8", "replace"),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in sent.items()],
        "client": ("192.0.2.1", 4711),
        "server": ("shop.example", 80),
        "extensions": {},
        "state": {},
    }


async def ask(
    app: Any,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    *,
    body: bytes | Sequence[bytes] = b"",
    json: Any = None,
    hang_up: bool = False,
    length: str | None = "",
    left: list[int] | None = None,
) -> Answer:
    """One request. A sequence of `body` goes in pieces; `length` lies about Content-Length (None: leaves it out).

    `left` gets the number of pieces that nobody asked for.
    """
    sent = dict(headers or {})
    if json is not None:
        body = msgspec.json.encode(json)
        sent.setdefault("content-type", "application/json")
    chunks = [body] if isinstance(body, bytes) else list(body)
    if length:
        sent["content-length"] = length
    elif length == "" and any(chunks):
        sent["content-length"] = str(sum(map(len, chunks)))
    incoming: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": hang_up or number + 1 < len(chunks)}
        for number, chunk in enumerate(chunks)
    ]
    outgoing: list[Message] = []

    async def receive() -> Message:
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        outgoing.append(message)

    await app(a_scope(method, path, sent), receive, send)
    if left is not None:
        left.append(len(incoming))
    start = outgoing[0]
    assert start["type"] == "http.response.start"
    assert [message["more_body"] for message in outgoing[1:]] == [True] * (len(outgoing) - 2) + [False]
    joined: dict[str, str] = {}
    for name, value in start["headers"]:
        key = name.decode().lower()
        joined[key] = f"{joined[key]}, {value.decode('latin-1')}" if key in joined else value.decode("latin-1")
    return Answer(start["status"], joined, b"".join(message.get("body", b"") for message in outgoing[1:]))


@dataclass
class World:
    """The application and what its parts saw."""

    app: WebApp
    use_cases: UseCases
    metrics: Metrics
    health: Health
    tokens: list[str]

    async def __call__(self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
        return await ask(self.app, method, path, headers, **more)

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


def make_world(run: Any = None, controllers: Sequence[type[Controller]] = (ToyController,), **more: Any) -> World:
    """`more` goes to `create_app`; `settings` may be a dict. The token `good` is a customer's."""
    use_cases, metrics, health = UseCases(), Metrics(), more.pop("health", Health())
    tokens: list[str] = []

    async def authenticate(token: str) -> Actor | None:
        tokens.append(token)
        return Actor(Role.CUSTOMER, id=USER, language="zh") if token == "good" else None

    settings = HttpSettings(**{"access_log": "off", **more.pop("settings", {})})
    module = Module("toys", use_cases, run, routes=lambda: routes_of(use_cases, run or NO_EXECUTOR, controllers))
    app = create_app(
        [module],
        settings=settings,
        authenticate=more.pop("authenticate", authenticate),
        metrics=metrics,
        health=health,
        **more,
    )
    return World(app, use_cases, metrics, health, tokens)


NO_EXECUTOR = Executor.__new__(Executor)
"""For applications whose handlers never run a use case."""
SIGNED_IN = {"authorization": "Bearer good"}
