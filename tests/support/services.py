"""`make services`: every database server that this machine has, for trying things by hand, until Ctrl-C."""

import signal
from contextlib import ExitStack, suppress
from typing import NoReturn

from tests.support.servers import ENGINES, available


def main() -> None:
    """Start what there is, each with an empty database `shop`, and print where it is."""
    signal.signal(signal.SIGTERM, _interrupt)
    with suppress(KeyboardInterrupt), ExitStack() as running:
        for name, missing in available().items():
            if missing:
                print(f"# {missing}", flush=True)
                continue
            server = running.enter_context(ENGINES[name]())
            print(f"# {name}\nSHOP_DATABASE_URL={server.new_database('shop')}", flush=True)
        print("# Ctrl-C ends them and removes what they stored", flush=True)
        signal.pause()


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
