"""Spans by OTLP over HTTP, to Jaeger or whoever else takes it: made and sent by OpenTelemetry's SDK.

Sending is the work of a thread of its own, from a queue that is bounded: where the collector is slow or away, spans
are lost, oldest first, and requests do not notice.
"""

import asyncio
import logging
from collections.abc import Sequence
from random import random
from time import monotonic
from types import TracebackType
from typing import Self

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan
from prometheus_client import CollectorRegistry, Counter

from caddy_shopping.kernel.errors import Kind as Refused
from caddy_shopping.kernel.errors import ShopError
from caddy_shopping.platform.telemetry.spans import Expected, Kind, Notes, Span, Spans
from caddy_shopping.platform.telemetry.trace import Trace, current, new_traceparent, sane

PATH = "/v1/traces"
QUEUE = 4096
"""Spans that wait to be sent: some MiB."""
BATCH = 512
EVERY = 2.0
"""Seconds until a batch that is not full is sent."""
PATIENCE = 5.0
"""Seconds for a batch, with all its tries."""
LAST = 2.0
"""Seconds for all that is left at the end; a batch that is under way then has its own."""
SELDOM = 60.0
_KINDS = {kind: SpanKind[kind.name] for kind in Kind}
_NEW = Context()
"""Holds no span. Without one, the SDK would look for its own current span; the shop has its own (`trace.current`)."""


class OtlpSpans(Spans):
    """`endpoint` is the collector's address without a path; `ratio` is the part of new traces that is sampled.

    Traces that came in are sampled where their caller sampled them.
    """

    def __init__(self, endpoint: str, ratio: float, service: str, version: str, registry: CollectorRegistry) -> None:
        self._endpoint = endpoint.rstrip("/") + PATH
        self._ratio = ratio
        self._sent = Counter(
            "trace_spans_total",
            "Spans taken by the collector (sent), or given up after its tries (lost).",
            ["status"],
            registry=registry,
        )
        resource = Resource.create(
            {"service.name": service, "service.namespace": "caddy-shopping", "service.version": version}
        )
        # Ended by us, in time, and not by the interpreter at its own end.
        self._provider = TracerProvider(ALWAYS_ON, resource, shutdown_on_exit=False)
        self._tracer = self._provider.get_tracer("caddy_shopping", version)
        self._collector: _Collector | None = None
        self._seldom = _Seldom()

    def start(self) -> None:
        self._collector = _Collector(OTLPSpanExporter(self._endpoint, timeout=PATIENCE), self._sent)
        self._provider.add_span_processor(
            BatchSpanProcessor(
                self._collector,
                max_queue_size=QUEUE,
                max_export_batch_size=BATCH,
                schedule_delay_millis=EVERY * 1000,
            )
        )
        _log_of(OTLPSpanExporter).addFilter(self._seldom)

    async def stop(self) -> None:
        if self._collector is None:
            return
        self._collector.hurry()
        await asyncio.to_thread(self._provider.shutdown)
        _log_of(OTLPSpanExporter).removeFilter(self._seldom)
        self._collector = None

    def span(self, name: str, kind: Kind = Kind.INTERNAL, notes: Notes | None = None, expected: Expected = ()) -> Span:
        around = current.get()
        return self._made(None if around is None else around.traceparent, name, kind, notes, expected)

    def caused_by(
        self, parent: str | None, name: str, kind: Kind, notes: Notes | None = None, expected: Expected = ()
    ) -> Span:
        return self._made(sane(parent), name, kind, notes, expected)

    def _made(self, parent: str | None, name: str, kind: Kind, notes: Notes | None, expected: Expected) -> Span:
        # Decided here and not by a sampler, because most steps are not sampled, and the SDK takes its time.
        if parent is None and random() >= self._ratio:
            return _Step(new_traceparent(sampled=False))
        if parent is not None and not _sampled(parent):
            return _Step(parent)
        context = _NEW if parent is None else _context_of(parent)
        return _Sampled(self._tracer.start_span(name, context, _KINDS[kind], notes), expected)


class _Step(Span):
    """A step that is not exported. Its children are children of what it continues."""

    sampled = False

    def __init__(self, traceparent: str) -> None:
        self.traceparent = traceparent

    def __enter__(self) -> Self:
        around = current.get()
        request_id = self.traceparent[3:35] if around is None else around.request_id
        self._token = current.set(Trace(request_id, self.traceparent))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        current.reset(self._token)

    def rename(self, name: str) -> None: ...

    def note(self, name: str, value: str | int) -> None: ...

    def fail(self, kind: str) -> None: ...


class _Sampled(_Step):
    """A span of the SDK's."""

    sampled = True

    def __init__(self, made: OtelSpan, expected: Expected) -> None:
        context = made.get_span_context()
        super().__init__(f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}")
        self._made = made
        self._expected = expected

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        super().__exit__(kind, fault, traceback)
        if fault is not None and not isinstance(fault, self._expected):
            _tell(self, fault)
        self._made.end()

    def rename(self, name: str) -> None:
        self._made.update_name(name)

    def note(self, name: str, value: str | int) -> None:
        self._made.set_attribute(name, value)

    def fail(self, kind: str) -> None:
        self._made.set_attribute("error.type", kind)
        self._made.set_status(StatusCode.ERROR)


class _Collector(SpanExporter):
    """Counts what is sent, and ends in time: the SDK would take half a minute for what is left."""

    def __init__(self, exporter: OTLPSpanExporter, sent: Counter) -> None:
        self._exporter = exporter
        self._sent = sent
        self._until = float("inf")

    def hurry(self) -> None:
        self._until = monotonic() + LAST

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE
        if monotonic() < self._until:
            result = self._exporter.export(spans)
        self._sent.labels("sent" if result is SpanExportResult.SUCCESS else "lost").inc(len(spans))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped


class _Seldom(logging.Filter):
    """Lets one line a minute pass: the exporter has one to say for each try of each batch."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        now = monotonic()
        if now < self._next:
            return False
        self._next = now + SELDOM
        return True


def _tell(span: Span, fault: BaseException) -> None:
    """A refusal is an answer, and no failure of ours, unless it says "not now"."""
    if not isinstance(fault, ShopError):
        span.fail(type(fault).__name__)
    elif fault.kind in (Refused.UNAVAILABLE, Refused.BROKEN):
        span.fail(fault.code)
    else:
        span.note("error.type", fault.code)


def _sampled(traceparent: str) -> bool:
    return bool(int(traceparent[53:], 16) & TraceFlags.SAMPLED)


def _context_of(traceparent: str) -> Context:
    """What makes a span the child of another one, for the SDK."""
    trace_id, span_id, flags = traceparent[3:35], traceparent[36:52], traceparent[53:]
    parent = SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags, 16)))
    return set_span_in_context(NonRecordingSpan(parent), _NEW)


def _log_of(exporter: type) -> logging.Logger:
    return logging.getLogger(exporter.__module__)
