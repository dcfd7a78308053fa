"""Hard swish and hard sigmoid, made of a Clip."""

import onnx_ir as ir

from netdef.onnx_backend.importing.matching import Any, made, match

_X = Any("x")
_STEP = made("Clip", made("Add", _X, 3), 0, 6)
_SIGMOIDS = [made("Div", _STEP, 6), made("Mul", _STEP, 1 / 6)]
_SWISHES = [
    made("Div", made("Mul", _X, _STEP), 6),
    made("Mul", made("Mul", _X, _STEP), 1 / 6),
    *(made("Mul", _X, sigmoid) for sigmoid in _SIGMOIDS),
]


def rewrite(node: ir.Node) -> ir.Node | None:
    """Recognise x * min(max(x + 3, 0), 6) / 6, and x * HardSigmoid(x)."""
    for pattern in _SWISHES:
        found = match(pattern, node)
        if found is not None:
            return ir.node("HardSwish", [found["x"]])
    found = match(made("Mul", _X, made("HardSigmoid", _X)), node)
    if found is not None and _is_sixth(node):
        return ir.node("HardSwish", [found["x"]])
    return None


def _is_sixth(node: ir.Node) -> bool:
    for value in node.inputs:
        maker = value.producer() if value is not None else None
        if maker is not None and maker.op_type == "HardSigmoid":
            slope = maker.attributes.get_float("alpha", 0.2)
            return abs(slope - 1 / 6) < 1e-7 and maker.attributes.get_float("beta", 0.5) == 0.5
    return False
