"""A contract's methods as they are called: what goes in, what comes out, by when."""

from collections.abc import Callable
from inspect import getmembers, isfunction, signature
from typing import Any, get_type_hints

import msgspec

from caddy_shopping.kernel.remote import deadline_of


class Method(msgspec.Struct, frozen=True):
    """`arguments` is a struct of the keyword arguments; `seconds` is the deadline of a call."""

    name: str
    arguments: type[msgspec.Struct]
    result: Any
    seconds: float


def methods_of(contract: type) -> dict[str, Method]:
    """Every public method of a Protocol by its name. Raises `TypeError` for one that takes positional arguments."""
    found = [(name, function) for name, function in getmembers(contract, isfunction) if not name.startswith("_")]
    return {name: _method(contract, name, function) for name, function in found}


def _method(contract: type, name: str, function: Callable[..., Any]) -> Method:
    parameters = list(signature(function).parameters.values())[1:]
    positional = [each.name for each in parameters if each.kind is not each.KEYWORD_ONLY]
    if positional:
        raise TypeError(f"{contract.__name__}.{name} must take keyword-only arguments, not {positional}")
    hints = get_type_hints(function)
    fields = [(each.name, hints[each.name]) for each in parameters]
    arguments = msgspec.defstruct(f"{contract.__name__}.{name}", fields, kw_only=True)
    return Method(name, arguments, hints["return"], deadline_of(function))
