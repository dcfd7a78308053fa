"""A Pad with zeros before a convolution, which pads by itself."""

from typing import Any

import onnx_ir as ir

from netdef.onnx_backend.importing.values import constant, shape_of


def rewrite(node: ir.Node) -> ir.Node | None:
    """Recognise a Conv of a Pad of rows and columns: a Conv with more padding."""
    if node.op_type != "Conv" or node.inputs[0] is None:
        return None
    pad = node.inputs[0].producer()
    if pad is None or pad.op_type != "Pad" or len(node.inputs[0].uses()) != 1:
        return None
    more = _zeros(pad)
    if more is None or node.attributes.get_string("auto_pad", "NOTSET") != "NOTSET":
        return None
    own = list(node.attributes.get_ints("pads", [0] * len(more)))
    attributes = [a for name, a in node.attributes.items() if name != "pads"]
    attributes.append(ir.AttrInt64s("pads", [a + b for a, b in zip(own, more, strict=True)]))
    return ir.Node("", "Conv", [pad.inputs[0], *node.inputs[1:]], attributes)


def _zeros(pad: ir.Node) -> list[int] | None:
    """Return the padding of the spatial axes, starts then ends, if there is no other."""
    shape, amounts = shape_of(pad.inputs[0]), _input(pad, 1)
    if shape is None or amounts is None or _input(pad, 3) is not None:
        return None
    value = _input(pad, 2)
    rank, pads = len(shape), [int(amount) for amount in amounts]
    others = [*pads[:2], *pads[rank : rank + 2]]
    if pad.attributes.get_string("mode", "constant") != "constant" or any(others):
        return None
    if min(pads) < 0 or (value is not None and value.any()):
        return None
    return [*pads[2:rank], *pads[rank + 2 :]]


def _input(node: ir.Node, index: int) -> Any:
    return constant(node.inputs[index]) if index < len(node.inputs) else None
