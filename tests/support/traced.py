"""Spans that go to a collector of the test's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from caddy_shopping.platform.telemetry.otlp import OtlpSpans
from tests.support.collector import Collector, Seen, collecting


@dataclass(frozen=True)
class Traced:
    """`spans` are for what is tested; `sent()` ends them and tells what came out."""

    spans: OtlpSpans
    collector: Collector

    async def sent(self) -> list[Seen]:
        await self.spans.stop()
        return self.collector.spans


@asynccontextmanager
async def tracing(ratio: float = 1.0, service: str = "toys") -> AsyncIterator[Traced]:
    async with collecting() as collector:
        spans = OtlpSpans(collector.url, ratio, service, "1", CollectorRegistry())
        spans.start()
        try:
            yield Traced(spans, collector)
        finally:
            await spans.stop()
