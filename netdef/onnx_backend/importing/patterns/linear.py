"""A product by a constant matrix, and a row added to it."""

import onnx_ir as ir

from netdef.onnx_backend.importing.matching import Any, made, match
from netdef.onnx_backend.importing.values import constant

_PATTERN = made("Add", made("MatMul", Any("x"), Any("matrix")), Any("bias"))


def rewrite(node: ir.Node) -> ir.Node | None:
    """Recognise X W + b, as Linear(X, W, b)."""
    found = match(_PATTERN, node)
    if found is None:
        return None
    matrix, bias = constant(found["matrix"]), constant(found["bias"])
    if matrix is None or bias is None or matrix.ndim != 2 or bias.shape != matrix.shape[1:]:
        return None
    return ir.node("Linear", [found["x"], found["matrix"], found["bias"]], domain="netdef")
