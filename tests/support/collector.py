"""A collector of traces that takes OTLP over HTTP, as Jaeger does, and keeps what it was sent."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent
from opentelemetry.proto.trace.v1.trace_pb2 import Status


@dataclass(frozen=True)
class Seen:
    """One span as it was sent. `parent` is empty for the first of a trace."""

    trace: str
    id: str
    parent: str
    name: str
    kind: str
    failed: bool
    notes: dict[str, Any]
    resource: dict[str, Any]
    seconds: float

    @property
    def service(self) -> str:
        return str(self.resource["service.name"])

    @property
    def traceparent(self) -> str:
        """As whoever is caused by it is told."""
        return f"00-{self.trace}-{self.id}"


class Collector:
    """`status` is what it answers with, after `pause` seconds."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.pause = 0.0
        self.bodies: list[bytes] = []
        self.spans: list[Seen] = []
        self.told: dict[str, str] = {}
        """The headers of the last batch."""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.told = dict(request.headers)
        await asyncio.sleep(self.pause)
        if self.status == 200:
            self.bodies.append(body)
            self.spans += _seen(body)
        return web.Response(status=self.status)

    def of(self, trace: str) -> list[Seen]:
        """The spans of one trace, by the time at which they ended."""
        return [span for span in self.spans if span.trace == trace]

    def named(self, name: str) -> list[Seen]:
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> Seen:
        (found,) = self.named(name)
        return found


def roots(spans: Sequence[Seen]) -> list[Seen]:
    """Those whose parent is not among them: of a whole trace, one."""
    ids = {span.id for span in spans}
    return [span for span in spans if span.parent not in ids]


def path_to(span: Seen, spans: Sequence[Seen]) -> list[str]:
    """The names from the root down to `span`."""
    by_id = {each.id: each for each in spans}
    names = [span.name]
    while span.parent in by_id:
        span = by_id[span.parent]
        names.insert(0, span.name)
    return names


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector that listens."""
    collector = Collector()
    application = web.Application()
    application.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    collector.url = f"http://{host}:{port}"
    try:
        yield collector
    finally:
        await runner.cleanup()


def _seen(body: bytes) -> list[Seen]:
    return [
        Seen(
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            name=span.name,
            kind=Sent.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
            failed=span.status.code == Status.STATUS_CODE_ERROR,
            notes=_read(span.attributes),
            resource=_read(part.resource.attributes),
            seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        )
        for part in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in part.scope_spans
        for span in scope.spans
    ]


def _read(attributes: Sequence[KeyValue]) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in attributes}
