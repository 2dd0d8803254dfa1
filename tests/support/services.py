"""`make services`: the servers that this machine has, for trying things by hand, until Ctrl-C."""

import signal
import sys
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from typing import NoReturn

from tests.support.brokers import BROKERS, Kafka, missing
from tests.support.servers import ENGINES, available


def main(names: Iterable[str]) -> None:
    """Start what there is of these, each database with an empty one called `shop`, and print where that is."""
    signal.signal(signal.SIGTERM, _interrupt)
    with suppress(KeyboardInterrupt), ExitStack() as running:
        for name in names:
            if reason := missing(name) if name in BROKERS else available()[name]:
                print(f"# {reason}", flush=True)
                continue
            if name in BROKERS:
                broker = running.enter_context(BROKERS[name]())
                print(f"# {name}\nSHOP_KAFKA_BROKERS={broker.url}", flush=True)
                continue
            server = running.enter_context(ENGINES[name]())
            print(f"# {name}\nSHOP_DATABASE_URL={server.new_database('shop')}", flush=True)
        print("# Ctrl-C ends them and removes what they stored.", flush=True)
        signal.pause()


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main(sys.argv[1:] or [*ENGINES, Kafka.name])
