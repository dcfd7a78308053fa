"""A product by a constant, and a constant added to it."""

import onnx_ir as ir

from netdef.onnx_backend.importing.matching import Any, made, match
from netdef.onnx_backend.importing.values import constant, shape_of

_PATTERN = made("Add", made("Mul", Any("x"), Any("factor")), Any("bias"))


def rewrite(node: ir.Node) -> ir.Node | None:
    """Recognise x * a + b with a of the shape of b, as ScaleBias(x, a, b)."""
    found = match(_PATTERN, node)
    if found is None:
        return None
    x, factor, bias = (found[name] for name in ("x", "factor", "bias"))
    if constant(x) is not None:  # a product has no order
        x, factor = factor, x
    if constant(factor) is None or constant(bias) is None or constant(x) is not None:
        return None
    if shape_of(factor) != shape_of(bias) or shape_of(x) != shape_of(node.outputs[0]):
        return None
    return ir.node("ScaleBias", [x, factor, bias], domain="netdef")
