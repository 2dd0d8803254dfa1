"""Which contexts run in this process, and where the others are: `SHOP_CONTEXTS` and `SHOP_PEERS`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from caddy_shopping.platform.settings import Settings, SettingsWrong

NEEDS = {
    "users": (),
    "products": ("users", "orders"),
    "orders": ("users", "products"),
    "payments": ("users", "orders"),
    "notifications": ("users",),
}
"""Whose contracts each context calls; users' by everybody, to know whom a token belongs to."""


class TopologyWrong(SettingsWrong):
    """The settings describe no shop. Says what to change."""


@dataclass(frozen=True, slots=True)
class Topology:
    """`here` are the contexts of this process, `peers` the addresses of the others by context."""

    here: tuple[str, ...]
    peers: dict[str, str] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        return len(self.here) == len(NEEDS)

    def has(self, context: str) -> bool:
        return context in self.here


def topology_of(settings: Settings) -> Topology:
    """Raises `TopologyWrong` where a context is not known, or one that is called is neither here nor a peer."""
    here = _names(settings.contexts) or tuple(NEEDS)
    peers = dict(_peer(part) for part in _parts(settings.peers))
    for name in (*here, *peers):
        if name not in NEEDS:
            raise TopologyWrong(f"There is no context '{name}'. The contexts are {', '.join(NEEDS)}.")
    for context in here:
        for needed in NEEDS[context]:
            if needed not in here and needed not in peers:
                raise TopologyWrong(
                    f"{context} calls {needed}, which is neither in this process nor known elsewhere. "
                    f"Add it: SHOP_PEERS={needed}=http://host:port"
                )
    if len(here) < len(NEEDS) and not settings.kafka_brokers:
        raise TopologyWrong("Events have to reach the other processes: set SHOP_KAFKA_BROKERS.")
    return Topology(tuple(name for name in NEEDS if name in here), peers)


def _names(text: str) -> tuple[str, ...]:
    return tuple(_parts(text))


def _parts(text: str) -> Sequence[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _peer(text: str) -> tuple[str, str]:
    context, _, url = text.partition("=")
    if not url.startswith(("http://", "https://")):
        raise TopologyWrong(f"SHOP_PEERS reads '{text}' where it should read like products=http://host:port")
    return context.strip(), url.strip()
