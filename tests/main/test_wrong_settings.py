"""A setting that cannot be is one line that names it, not a stack trace, and shows no secret."""

import os
from pathlib import Path

import pytest

from tests.support.forked import Fork

SECRET = "s3cret-of-mine"
WRONG = {
    "SHOP_PORT": ("70000", "SHOP_PORT: Input should be less than or equal to 65535"),
    "SHOP_ORDERS_TAX_RATE": (SECRET, "SHOP_ORDERS_TAX_RATE: Input should be a valid"),
    "SHOP_DATA_DIR": ("/proc/nothing", "SHOP_DATA_DIR: "),
    "SHOP_DATABASE_URL": (f"oracle://shop:{SECRET}@host/shop", "A database's URL (sqlite:///path"),
    "SHOP_REDIS_URL": (f"http://:{SECRET}@host", "SHOP_REDIS_URL: "),
    "SHOP_OTLP_ENDPOINT": (f"jaeger:{SECRET}", "SHOP_OTLP_ENDPOINT: Value error, it should read like http://host:4318"),
    "SHOP_OTLP_SAMPLING": ("1.5", "SHOP_OTLP_SAMPLING: Input should be less than or equal to 1"),
    "SHOP_TOKEN_SECRET": (SECRET, "SHOP_TOKEN_SECRET: HS256 takes at least one secret, each of at least 32 bytes"),
    "SHOP_PAYMENTS_WEBHOOK_PREVIOUS_SECRETS": (
        f'["whsec_{SECRET}"]',
        "SHOP_PAYMENTS_WEBHOOK_PREVIOUS_SECRETS: a webhook secret is written as whsec_<base64>",
    ),
    "SHOP_CONTEXTS": ("sales", "There is no context 'sales'. The contexts are users, products, orders, payments"),
    "SHOP_PEERS": ("products", "SHOP_PEERS reads 'products' where it should read like products=http://host:port"),
}


def said(tmp_path: Path, *arguments: str, **settings: str) -> tuple[int, str]:
    """Exit code and output of a command."""
    log = tmp_path / "log"
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SHOP_")}
    code = Fork(arguments, {**ours, "SHOP_DATA_DIR": str(tmp_path), **settings}, log).wait(60)
    return code, log.read_text()


@pytest.mark.parametrize("variable", WRONG)
@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_it_is_named(tmp_path: Path, command: str, variable: str) -> None:
    value, words = WRONG[variable]
    algorithm = "HS256" if variable == "SHOP_TOKEN_SECRET" else "RS256"
    code, output = said(tmp_path, command, SHOP_TOKEN_ALGORITHM=algorithm, **{variable: value})
    assert (code, words in output) == (1, True), output
    assert "Traceback" not in output
    assert SECRET not in output


def test_a_context_needs_to_know_where_those_are_that_it_calls(tmp_path: Path) -> None:
    code, output = said(tmp_path, "serve", "--contexts", "orders")
    assert (code, "Add it: SHOP_PEERS=users=http://host:port" in output) == (1, True), output
    peers = "users=http://127.0.0.1:9,products=http://127.0.0.1:9"
    code, output = said(tmp_path, "worker", "--contexts", "orders", SHOP_PEERS=peers)
    assert (code, "set SHOP_KAFKA_BROKERS" in output) == (1, True), output
