"""Shuffled channels: two axes made of one, exchanged, and joined again."""

import onnx_ir as ir

from netdef.onnx_backend.importing.matching import Any, made, match
from netdef.onnx_backend.importing.values import shape_of

_PATTERN = made("Reshape", made("Transpose", made("Reshape", Any("x"), Any("apart"))), Any("back"))


def rewrite(node: ir.Node) -> ir.Node | None:
    """Recognise a Reshape to (N, g, C / g, ...), exchange axes 1 and 2, Reshape to (N, C, ...)."""
    found = match(_PATTERN, node)
    turned = node.inputs[0].producer() if found and node.inputs[0] else None
    if found is None or turned is None:
        return None
    whole, apart = shape_of(found["x"]), shape_of(turned.inputs[0])
    if whole is None or apart is None or shape_of(node.outputs[0]) != whole or len(whole) < 2:
        return None
    groups = apart[1] if len(apart) == len(whole) + 1 else 0
    if not groups or apart != (whole[0], groups, whole[1] // groups, *whole[2:]):
        return None
    if list(turned.attributes.get_ints("perm", ())) != [0, 2, 1, *range(3, len(apart))]:
        return None
    return ir.node("ShuffleChannel", [found["x"]], {"group": groups}, domain="netdef")
