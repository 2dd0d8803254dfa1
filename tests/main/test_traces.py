"""Traces are exported where `SHOP_OTLP_ENDPOINT` says so, and nothing else does."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from caddy_shopping.main.build import build, whole_document
from caddy_shopping.platform.settings import Settings
from caddy_shopping.platform.telemetry.otlp import OtlpSpans
from tests.support.collector import collecting
from tests.support.server import free_port

NOWHERE = "http://127.0.0.1:1"


async def test_off_nothing_is_there_to_send_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
        process = build(Settings(data_dir=tmp_path))
        assert process.spans is None
        await process.migrate()
        await process.start()
        await process.stop()
        assert collector.spans == []


async def test_opentelemetry_s_own_switch_turns_it_off_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path, otlp_endpoint=NOWHERE)
    assert build(settings).spans is not None
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert build(settings).spans is None


@pytest.mark.parametrize(
    ("contexts", "name"), [("", "caddy-shopping"), ("orders", "orders"), ("payments,orders", "orders,payments")]
)
async def test_a_process_is_called_by_what_it_runs(tmp_path: Path, contexts: str, name: str) -> None:
    peers = ",".join(f"{context}={NOWHERE}" for context in ("users", "products", "orders", "payments"))
    async with collecting() as collector:
        process = build(
            Settings(
                data_dir=tmp_path,
                contexts=contexts,
                peers=peers if contexts else "",
                kafka_brokers=f"127.0.0.1:{free_port()}" if contexts else "",
                otlp_endpoint=collector.url + "/",
            )
        )
        assert process.spans is not None
        process.spans.start()
        with process.spans.span("it"):
            pass
        await process.stop()
    assert collector.one("it").service == name


def test_the_document_of_the_whole_shop_exports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of one context builds the whole shop for it, and never stops it."""

    def never(*arguments: object) -> None:
        raise AssertionError("somebody would have to end that")

    monkeypatch.setattr(OtlpSpans, "__init__", never)
    monkeypatch.setenv("SHOP_OTLP_ENDPOINT", NOWHERE)
    with pytest.raises(AssertionError, match="end that"):
        build(Settings())
    assert whole_document()["paths"]


@pytest.mark.parametrize(
    "endpoint", ["jaeger:4318", "ftp://jaeger", "http://", "http://jaeger:4318/v1/traces", "//jaeger", "http://a:b"]
)
def test_an_endpoint_is_an_address(endpoint: str) -> None:
    with pytest.raises(ValidationError, match="otlp_endpoint"):
        Settings(otlp_endpoint=endpoint)


@pytest.mark.parametrize("endpoint", ["", "http://jaeger:4318", "https://otlp.example", "http://[::1]:4318/"])
def test_these_are(endpoint: str) -> None:
    assert Settings(otlp_endpoint=endpoint).otlp_endpoint == endpoint
