"""Hard sigmoid, made of a Clip."""

import onnx_ir as ir

from netdef.onnx_backend.importing.matching import Any, made, match

_STEP = made("Clip", made("Add", Any("x"), 3), 0, 6)
_PATTERNS = [made("Div", _STEP, 6), made("Mul", _STEP, 1 / 6)]


def rewrite(node: ir.Node) -> ir.Node | None:
    """Recognise min(max(x + 3, 0), 6) / 6, unless a hard swish is made of it."""
    for use in node.outputs[0].uses() if len(node.outputs) == 1 else ():
        if use.node.op_type == "Mul" and len(node.outputs[0].uses()) == 1:
            return None
    for pattern in _PATTERNS:
        found = match(pattern, node)
        if found is not None:
            return ir.node("HardSigmoid", [found["x"]], {"alpha": 1 / 6, "beta": 0.5})
    return None
