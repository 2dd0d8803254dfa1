"""A contract called inside one process, under the same rules as across processes."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from caddy_shopping.platform.rpc.contract import Method, methods_of
from caddy_shopping.platform.rpc.rules import outside_of_units

P = TypeVar("P")


def local_stub(contract: type[P], resolve: Callable[[], object], *, through_wire: bool = False) -> P:
    """An object that satisfies `contract` by calling what `resolve()` returns at the first call.

    A call inside an open unit of work raises: across processes it would hold a transaction open for
    as long as the network likes. With `through_wire`, arguments and results pass through the wire's format, so
    that tests see the types that a remote caller would see.
    """
    methods = {name: _forward(method, resolve, through_wire) for name, method in methods_of(contract).items()}
    made: Any = type(f"Local{contract.__name__}", (), methods)()
    stub: P = made
    return stub


def _forward(method: Method, resolve: Callable[[], object], through_wire: bool) -> Callable[..., Any]:
    async def call(_self: object, **arguments: Any) -> Any:
        outside_of_units(method.name)
        if through_wire:
            given = _round_trip(method.arguments(**arguments), method.arguments)
            arguments = {name: getattr(given, name) for name in given.__struct_fields__}
        result = await getattr(resolve(), method.name)(**arguments)
        return _round_trip(result, method.result) if through_wire else result

    return call


def _round_trip(value: Any, shape: Any) -> Any:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(value), type=shape)
