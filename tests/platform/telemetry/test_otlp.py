"""Spans as a collector gets them, and what becomes of the shop where it does not."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from time import monotonic

import pytest
from prometheus_client import CollectorRegistry

from caddy_shopping.kernel.errors import NotFound, ShopError, Unavailable
from caddy_shopping.platform.telemetry import otlp, trace
from caddy_shopping.platform.telemetry.otlp import OtlpSpans
from caddy_shopping.platform.telemetry.spans import Kind
from tests.support.collector import Collector, collecting, path_to, roots
from tests.support.server import free_port

Make = Callable[..., OtlpSpans]
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"
EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as running:
        yield running


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def make(collector: Collector, registry: CollectorRegistry) -> AsyncIterator[Make]:
    made: list[OtlpSpans] = []

    def start(ratio: float = 1.0, url: str = "") -> OtlpSpans:
        made.append(OtlpSpans(url or collector.url, ratio, "orders", "1.2.3", registry))
        made[-1].start()
        return made[-1]

    yield start
    for spans in made:
        await spans.stop()


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "PATIENCE", 0.4)
    monkeypatch.setattr(otlp, "LAST", 0.2)


def continuing(spans: OtlpSpans, parent: str | None, name: str) -> tuple[str, bool]:
    """Make a span with a child, caused by a message; the traceparent that the child would pass on, and its sampling."""
    token = trace.continue_from(parent)
    try:
        with spans.span(name, Kind.CONSUMER), spans.span(f"{name} child") as child:
            assert trace.traceparent() == child.traceparent
            return child.traceparent, child.sampled
    finally:
        trace.current.reset(token)


async def test_spans_are_sent_with_all_that_is_known_of_them(make: Make, collector: Collector) -> None:
    spans = make()
    with spans.span("POST /orders", Kind.SERVER, {"http.request.method": "POST"}) as outer:
        outer.note("http.response.status_code", 201)
        with spans.span("place_order"):
            assert trace.request_id() == outer.traceparent[3:35]
        with spans.span("send", Kind.PRODUCER) as sending:
            sending.rename("send orders")
    assert trace.current.get() is None
    await spans.stop()
    assert sorted(span.name for span in collector.spans) == ["POST /orders", "place_order", "send orders"]
    (root,) = roots(collector.spans)
    assert (root.name, root.kind, root.parent, root.failed) == ("POST /orders", "server", "", False)
    assert root.notes == {"http.request.method": "POST", "http.response.status_code": 201}
    assert path_to(collector.one("place_order"), collector.spans) == ["POST /orders", "place_order"]
    assert collector.one("send orders").kind == "producer"
    assert outer.traceparent.startswith(root.traceparent)
    known = {key: root.resource[key] for key in ("service.name", "service.namespace", "service.version")}
    assert known == {
        "service.name": "orders",
        "service.namespace": "caddy-shopping",
        "service.version": "1.2.3",
    }


@pytest.mark.parametrize(("ratio", "sent"), [(0.0, 0), (1.0, 200)])
async def test_sampling(make: Make, collector: Collector, ratio: float, sent: int) -> None:
    spans = make(ratio)
    for number in range(100):
        passed_on, sampled = continuing(spans, None, f"{number}")
        assert int(passed_on[-2:], 16) & 1 == sampled == bool(sent)
    await spans.stop()
    assert len(collector.spans) == sent


async def test_a_part_of_the_traces_is_sent_whole(make: Make, collector: Collector) -> None:
    spans = make(0.3)
    for number in range(300):
        continuing(spans, None, f"{number}")
    await spans.stop()
    numbers = [span.name.split()[0] for span in collector.spans]
    assert 30 < len(set(numbers)) < 160
    assert {numbers.count(each) for each in numbers} == {2}


@pytest.mark.parametrize("ratio", [0.0, 1.0])
async def test_who_caused_it_decides(make: Make, collector: Collector, ratio: float) -> None:
    spans = make(ratio)
    assert continuing(spans, PARENT + "00", "unsampled") == (PARENT + "00", False)
    passed_on, sampled = continuing(spans, PARENT + "01", "sampled")
    assert (passed_on[:36], sampled) == (PARENT[:36], True)
    await spans.stop()
    assert [span.name for span in collector.spans] == ["sampled child", "sampled"]
    assert collector.spans[1].parent == "00f067aa0ba902b7"


@pytest.mark.parametrize("parent", ["", "nonsense", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", PARENT + "01-more"])
async def test_what_is_no_parent_begins_a_trace(make: Make, collector: Collector, parent: str) -> None:
    spans = make()
    continuing(spans, parent, "it")
    await spans.stop()
    assert collector.one("it").parent == ""


class Teapot(NotFound):
    code = "TEAPOT_NOT_FOUND"


@pytest.mark.parametrize(
    ("fault", "kind", "failed"),
    [
        (ValueError("li.lei@shop.example"), "ValueError", True),
        (asyncio.CancelledError(), "CancelledError", True),
        (Teapot(), "TEAPOT_NOT_FOUND", False),
        (Unavailable(), Unavailable.code, True),
        (ShopError(), "INTERNAL_ERROR", True),
        (KeyError("it was expected"), None, False),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_fault_is_named_and_not_quoted(
    make: Make, collector: Collector, fault: BaseException, kind: str | None, failed: bool
) -> None:
    spans = make()
    with pytest.raises(type(fault)), spans.span("it", expected=(KeyError,)):
        raise fault
    await spans.stop()
    span = collector.one("it")
    assert (span.notes.get("error.type"), span.failed) == (kind, failed)
    assert b"li.lei" not in b"".join(collector.bodies)


def one_after_another(spans: OtlpSpans, number: int) -> None:
    for _ in range(number):
        with spans.span("it"):
            pass


async def test_spans_are_sent_while_the_process_runs(make: Make, collector: Collector) -> None:
    spans = make()
    one_after_another(spans, otlp.BATCH)
    async with asyncio.timeout(10):
        while len(collector.spans) < otlp.BATCH:
            await asyncio.sleep(0.02)


@pytest.mark.usefixtures("in_a_hurry")
@pytest.mark.parametrize("trouble", ["away", "hanging", "failing", "not now"])
async def test_a_collector_in_trouble_costs_spans_and_nothing_else(
    make: Make,
    collector: Collector,
    registry: CollectorRegistry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
) -> None:
    monkeypatch.setattr(otlp, "QUEUE", 600)
    collector.pause = 30.0 if trouble == "hanging" else 0.0
    collector.status = {"failing": 404, "not now": 503}.get(trouble, 200)
    spans = make(url=f"http://127.0.0.1:{free_port()}" if trouble == "away" else "")
    (processor,) = spans._provider._active_span_processor._span_processors
    started, longest = monotonic(), 0
    for _ in range(20):
        one_after_another(spans, 250)
        longest = max(longest, len(processor._batch_processor._queue))  # type: ignore[attr-defined]
        await asyncio.sleep(0.02)
    assert longest <= 600
    # Were they waited for, each would take its 0.4 s.
    assert monotonic() - started < 20
    stopping = monotonic()
    await spans.stop()
    assert monotonic() - stopping < 5.0
    assert collector.spans == []
    lost = registry.get_sample_value("trace_spans_total", {"status": "lost"}) or 0
    assert 512 <= lost <= 5000
    lines = [record for record in caplog.records if record.name == EXPORTER]
    assert len(lines) == 1, lines
    # The SDK says by itself, and seldom, that its queue is full.
    assert len(caplog.records) <= 3 + (monotonic() - started) / 20


@pytest.mark.usefixtures("in_a_hurry")
async def test_negative_control_without_the_filter_each_try_is_logged(
    make: Make, collector: Collector, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp, "SELDOM", 0.0)
    collector.status = 404
    spans = make()
    for _ in range(4):
        one_after_another(spans, otlp.BATCH)
        await asyncio.sleep(0.1)
    await spans.stop()
    assert len([record for record in caplog.records if record.name == EXPORTER]) > 1


@pytest.mark.parametrize("hurried", [True, False], ids=["as it is", "negative control: as the SDK would"])
async def test_a_stop_waits_for_no_hanging_collector(
    make: Make, collector: Collector, monkeypatch: pytest.MonkeyPatch, hurried: bool
) -> None:
    for name, value in {"QUEUE": 200, "BATCH": 10, "PATIENCE": 0.2, "LAST": 0.2}.items():
        monkeypatch.setattr(otlp, name, value)
    if not hurried:
        monkeypatch.setattr(otlp._Collector, "hurry", lambda _: None)
    collector.pause = 30.0
    spans = make()
    one_after_another(spans, 200)
    started = monotonic()
    await spans.stop()
    # Twenty batches of a fifth of a second each are what there is to wait for.
    assert (monotonic() - started < 2.0) == hurried


async def test_it_leaves_logging_as_it_was(make: Make) -> None:
    before = logging.getLogger(EXPORTER).filters[:]
    await make().stop()
    assert logging.getLogger(EXPORTER).filters == before


async def test_a_stop_without_a_start_and_a_second_stop_do_nothing(make: Make, registry: CollectorRegistry) -> None:
    await OtlpSpans("http://127.0.0.1:1", 1.0, "orders", "1", CollectorRegistry()).stop()
    spans = make()
    await spans.stop()
    await spans.stop()
    with spans.span("too late"):
        pass


async def test_opentelemetry_s_own_variables_name_headers_and_no_address(
    make: Make, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=shop-1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=staging")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    spans = make()
    with spans.span("it"):
        pass
    await spans.stop()
    assert collector.one("it").resource["deployment.environment.name"] == "staging"
    assert collector.told["x-tenant"] == "shop-1"
