"""Swish."""

import onnx_ir as ir

from netdef.onnx_backend.importing.matching import Any, made, match

_X = Any("x")
_PLAIN = made("Mul", _X, made("Sigmoid", _X))


def rewrite(node: ir.Node) -> ir.Node | None:
    """Recognise x * sigmoid(x)."""
    found = match(_PLAIN, node)
    return None if found is None else ir.node("Swish", [found["x"]])
