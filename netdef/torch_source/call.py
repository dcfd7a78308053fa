"""How a module is made: its class, and what it is made with."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args, get_type_hints

import numpy as np
from torch import nn

ROUNDING = "f32"
"""The function in the source that rounds a number to 32 bits."""


@dataclass(frozen=True)
class Call:
    """A call of a constructor.

    Attributes:
        cls: The class; or, for a block of the net, its name.
        arguments: Every argument by name, in order, defaults included.
        defaults: Those that need not be given.
        by_place: How many of the first arguments are given by place; the others are named.
        further: The arguments without a name, before all others.
    """

    cls: type[nn.Module] | str
    arguments: Mapping[str, Any]
    defaults: Mapping[str, Any]
    by_place: int = 0
    further: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        """The class as source has it: `nn.Conv2d`, or an op's own name."""
        if isinstance(self.cls, str):
            return self.cls
        return f"nn.{self.cls.__name__}" if self.native else self.cls.__name__

    @property
    def native(self) -> bool:
        """Whether the class is torch's."""
        return not isinstance(self.cls, str) and self.cls.__module__.startswith("torch.nn.")

    @property
    def bare(self) -> bool:
        """Whether it is made with nothing but defaults."""
        return not self.further and not self._shown({}, exact=True)

    def text(self, names: Mapping[str, str] | None = None, exact: bool = False) -> str:
        """Return the call as source.

        Args:
            names: Variables that stand for arguments.
            exact: Whether torch's own modules, too, shall have numbers rounded to 32 bits. To them
                it makes no difference but in the statistics' `eps`; netdef's ops work with 64.
        """
        names = names or {}
        exact = exact or not (self.native or isinstance(self.cls, str))
        parts = [literal(value, exact) for value in self.further]
        for place, (name, value) in enumerate(self._shown(names, exact).items()):
            shown = names.get(name) or literal(value, exact)
            parts.append(shown if place < self.by_place else f"{name}={shown}")
        return f"{self.name}({', '.join(parts)})"

    def _shown(self, names: Mapping[str, str], exact: bool) -> dict[str, Any]:
        """Return the arguments that are neither default nor, once rounded, written as one."""
        return {
            name: value
            for name, value in self.arguments.items()
            if name in names
            or name not in self.defaults
            or literal(self.defaults[name], exact) != literal(value, exact)
        }


def call_of(cls: type[nn.Module], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call:
    """Return a call with its arguments by name; `(3, 3)` becomes 3 where torch takes both."""
    signature, collapsing, spread = _signature(cls)
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    arguments = dict(bound.arguments)
    for name in [name for name, p in signature.parameters.items() if p.kind is p.VAR_KEYWORD]:
        arguments |= arguments.pop(name)
    further = tuple(arguments.pop(spread, ())) if spread else ()
    defaults = {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if parameter.default is not parameter.empty
    }
    for name in collapsing:
        arguments[name] = _collapsed(arguments[name])
    required = [value for name, value in arguments.items() if name not in defaults]
    numbers = all(isinstance(value, int) for value in required[:2])
    return Call(cls, arguments, defaults, min(len(required), 2 if numbers else 1), further)


@cache
def _signature(cls: type[nn.Module]) -> tuple[inspect.Signature, frozenset[str], str]:
    """Return the signature, the arguments that may be one number for all axes, and `*args`."""
    signature = inspect.signature(cls)
    spread = [p.name for p in signature.parameters.values() if p.kind is p.VAR_POSITIONAL]
    hints = get_type_hints(cls.__init__) if cls.__module__.startswith("torch.nn.") else {}
    both = {name for name, hint in hints.items() if int in get_args(hint)}
    return signature, frozenset(both & set(signature.parameters)), "".join(spread)


def _collapsed(value: Any) -> Any:
    if isinstance(value, tuple) and value and len(set(value)) == 1:
        return value[0]
    return value


def literal(value: Any, exact: bool = False) -> str:
    """Return a plain value as source.

    Args:
        value: A number, text, None, a call, or lists, tuples and dicts of these.
        exact: Whether to round decimal numbers to 32 bits where the net's were.

    Raises:
        TypeError: It is something else.
    """
    match value:
        case Call():
            return value.text(exact=exact)
        case bool() | int() | None:
            return repr(value)
        case str():
            return _quoted(value)
        case float():
            return _number(value, exact)
        case tuple() | list():
            return _sequence(value, exact)
        case dict():
            pairs = (f"{literal(k, exact)}: {literal(v, exact)}" for k, v in value.items())
            return f"{{{', '.join(pairs)}}}"
    raise TypeError(f"{type(value).__name__} cannot be written as source")


def _quoted(text: str) -> str:
    shown = repr(text)
    plain = shown[0] == "'" and '"' not in shown
    return f'"{shown[1:-1]}"' if plain else shown


def _number(value: float, exact: bool) -> str:
    if not np.isfinite(value):
        return f'float("{value}")'
    short = float(str(np.float32(value)))
    if short == value or float(np.float32(value)) != value:
        return _digits(value)
    # Fields of a net are numbers of 32 bits: 1e-05 is 9.999999747378752e-06 in 64.
    return f"{ROUNDING}({_digits(short)})" if exact else _digits(short)


def _digits(value: float) -> str:
    return repr(value).replace("e+", "e")


def _sequence(value: tuple[Any, ...] | list[Any], exact: bool) -> str:
    items = ", ".join(literal(item, exact) for item in value)
    if isinstance(value, list):
        return f"[{items}]"
    return f"({items},)" if len(value) == 1 else f"({items})"
