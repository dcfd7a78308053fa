"""Patterns of nodes, and whether a value is made by one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx_ir as ir

from netdef.onnx_backend.importing.values import constant

_COMMUTE = frozenset(("Add", "Mul"))


@dataclass(frozen=True)
class Number:
    """A constant of one element, of about this value."""

    value: float


@dataclass(frozen=True)
class Any:
    """Any value; the same name means the same value."""

    name: str


@dataclass(frozen=True)
class Made:
    """What a node of this operator makes of inputs; those of Add and Mul may change places."""

    type: str
    inputs: tuple["Pattern", ...] = field(default=())


Pattern = Number | Any | Made


def made(type: str, *inputs: Pattern | float) -> Made:
    """Return the pattern of a node; a float stands for that constant."""
    return Made(type, tuple(Number(p) if isinstance(p, int | float) else p for p in inputs))


def match(pattern: Made, node: ir.Node) -> dict[str, ir.Value] | None:
    """Return the named values where `node` is what a pattern says, else None.

    What is made on the way must be read by nobody else.
    """
    return _node(pattern, node, {})


def _node(pattern: Made, node: ir.Node, found: dict[str, ir.Value]) -> dict[str, ir.Value] | None:
    if node.op_type != pattern.type or len(node.inputs) < len(pattern.inputs):
        return None
    orders: list[Sequence[ir.Value | None]] = [node.inputs]
    if pattern.type in _COMMUTE:
        orders.append(list(reversed(node.inputs)))
    for inputs in orders:
        values: dict[str, ir.Value] | None = found
        for part, value in zip(pattern.inputs, inputs, strict=False):
            values = None if value is None or values is None else _value(part, value, values)
        if values is not None:
            return values
    return None


def _value(
    pattern: Pattern, value: ir.Value, found: dict[str, ir.Value]
) -> dict[str, ir.Value] | None:
    match pattern:
        case Any(name):
            return {**found, name: value} if found.get(name, value) is value else None
        case Number(wanted):
            array = constant(value)
            if array is None or array.size != 1:
                return None
            return found if np.isclose(array.reshape(()), wanted, rtol=1e-4) else None
    node = value.producer()
    if node is None or len(value.uses()) != 1 or value.is_graph_output():
        return None
    return _node(pattern, node, found)
