"""A contract called inside one process, under the same rules as across processes."""

from collections.abc import Callable
from inspect import getmembers, isfunction, signature
from typing import Any, TypeVar, get_type_hints

import msgspec

from caddy_shopping.platform.db.unit_of_work import UnitOfWorkMisuse
from caddy_shopping.platform.execution import execution

P = TypeVar("P")


def local_stub(contract: type[P], resolve: Callable[[], object], *, through_wire: bool = False) -> P:
    """An object that satisfies `contract` by calling what `resolve()` returns at the first call.

    A call inside an open unit of work raises: across processes it would hold a transaction open for
    as long as the network likes. With `through_wire`, arguments and results pass through JSON, so
    that tests see the types that a remote caller would see.
    """
    methods = {name: _forward(name, function, resolve, through_wire) for name, function in _methods(contract)}
    made: Any = type(f"Local{contract.__name__}", (), methods)()
    stub: P = made
    return stub


def _methods(contract: type) -> list[tuple[str, Callable[..., Any]]]:
    methods: list[tuple[str, Callable[..., Any]]] = [
        (name, function) for name, function in getmembers(contract, isfunction) if not name.startswith("_")
    ]
    for name, function in methods:
        positional = [p.name for p in list(signature(function).parameters.values())[1:] if p.kind is not p.KEYWORD_ONLY]
        if positional:
            raise TypeError(f"{contract.__name__}.{name} must take keyword-only arguments, not {positional}")
    return methods


def _forward(
    name: str, function: Callable[..., Any], resolve: Callable[[], object], through_wire: bool
) -> Callable[..., Any]:
    hints = get_type_hints(function)

    async def call(_self: object, **arguments: Any) -> Any:
        run = execution.get()
        if run is not None and run.open_units:
            raise UnitOfWorkMisuse(f"{name}() belongs to another context: call it before the unit of work opens")
        if through_wire:
            arguments = {key: _round_trip(value, hints[key]) for key, value in arguments.items()}
        result = await getattr(resolve(), name)(**arguments)
        return _round_trip(result, hints["return"]) if through_wire else result

    return call


def _round_trip(value: Any, shape: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value), type=shape)
