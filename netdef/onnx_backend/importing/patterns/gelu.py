"""GELU, which older versions of ONNX spell with an error function."""

import math

import onnx_ir as ir

from netdef.onnx_backend.importing.matching import Any, made, match

_X = Any("x")
_ERRORS = [made("Erf", made("Div", _X, math.sqrt(2))), made("Erf", made("Mul", _X, math.sqrt(0.5)))]
_PATTERNS = [
    pattern
    for error in _ERRORS
    for pattern in (
        made("Mul", made("Mul", _X, made("Add", error, 1)), 0.5),
        made("Mul", made("Mul", _X, 0.5), made("Add", error, 1)),
        made("Mul", _X, made("Mul", made("Add", error, 1), 0.5)),
    )
]


def rewrite(node: ir.Node) -> ir.Node | None:
    """Recognise x / 2 * (1 + erf(x / sqrt(2))), in the orders in which it is written."""
    for pattern in _PATTERNS:
        found = match(pattern, node)
        if found is not None:
            return ir.node("Gelu", [found["x"]])
    return None
