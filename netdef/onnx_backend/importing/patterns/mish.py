"""Mish."""

import onnx_ir as ir

from netdef.onnx_backend.importing.matching import Any, made, match

_X = Any("x")
_PATTERN = made("Mul", _X, made("Tanh", made("Softplus", _X)))


def rewrite(node: ir.Node) -> ir.Node | None:
    """Recognise x * tanh(softplus(x))."""
    found = match(_PATTERN, node)
    return None if found is None else ir.node("Mish", [found["x"]])
