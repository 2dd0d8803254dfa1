"""`make services`: the servers that this machine has, for trying things by hand, until Ctrl-C."""

import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from typing import NoReturn

from tests.support import brokers, redis_server
from tests.support.brokers import BROKERS, Kafka
from tests.support.redis_server import RedisServer
from tests.support.server import Server
from tests.support.servers import ENGINES, available


def main(names: Iterable[str]) -> None:
    """Start what there is of these, each database with an empty one called `shop`, and print where that is."""
    for each in (signal.SIGTERM, signal.SIGINT):  # whoever starts this in the background has SIGINT ignored
        signal.signal(each, _interrupt)
    with suppress(KeyboardInterrupt), ExitStack() as running:
        for name in names:
            reason, kind, setting = _service(name)
            if reason:
                print(f"# {reason}", flush=True)
                continue
            print(f"# {name}\n{setting(running.enter_context(kind()))}", flush=True)
        print("# Ctrl-C ends them and removes what they stored.", flush=True)
        signal.pause()


def _service(name: str) -> tuple[str | None, Callable[[], Server], Callable[[Server], str]]:
    """Why it cannot be started here, its class, and the setting that leads a shop to it."""
    if name in BROKERS:
        return brokers.missing(name), BROKERS[name], lambda broker: f"SHOP_KAFKA_BROKERS={broker.url}"
    if name == RedisServer.name:
        return redis_server.missing(), RedisServer, lambda redis: f"SHOP_REDIS_URL={redis.url}"
    return available()[name], ENGINES[name], lambda server: f"SHOP_DATABASE_URL={server.new_database('shop')}"


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main(sys.argv[1:] or [*ENGINES, Kafka.name, RedisServer.name])
