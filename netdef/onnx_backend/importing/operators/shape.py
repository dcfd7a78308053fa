"""Reshape, Transpose and what moves values without computing."""

from netdef.onnx_backend.importing.net_builder import Blob
from netdef.onnx_backend.importing.operator import Operator
from netdef.onnx_backend.importing.registry import converts
from netdef.onnx_backend.importing.shaping import permuted, reshaped
from netdef.onnx_backend.importing.unsupported import refuse


@converts("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def reshape(op: Operator) -> Blob:
    """Flatten or Reshape to the shape that comes out."""
    return reshaped(op, op.bottom(), op.shape(), op.top_shape())


@converts("Transpose")
def transpose(op: Operator) -> Blob:
    """Permute."""
    order = op.attribute("perm") or list(reversed(range(len(op.shape()))))
    return permuted(op, op.bottom(), order)


@converts("Identity", "Dropout")
def identity(op: Operator) -> Blob:
    """No layer: a Dropout computes nothing in inference."""
    if op.used(1):
        refuse("its mask is read")
    return op.bottom()


@converts("Cast")
def cast(op: Operator) -> Blob:
    """No layer where no value changes, or where indices are made: here they are real numbers."""
    value = op.node.outputs[0]
    indices = all(use.node.op_type == "Gather" and use.idx == 1 for use in value.uses())
    same = value.dtype is not None and (value.dtype.is_floating_point() or op.whole_numbers())
    if not same and (not indices or value.is_graph_output()):
        refuse(f"it rounds to {value.dtype}; Caffe has real numbers only")
    return op.bottom()


@converts("ShuffleChannel")
def shuffle_channel(op: Operator) -> Blob:
    """ShuffleChannel."""
    return op.layer("ShuffleChannel", op.bottom(), group=op.attribute("group"))


@converts("DepthToSpace")
def depth_to_space(op: Operator) -> Blob:
    """Reorg backwards; in the order of columns and rows first, Reshape and Permute."""
    size = op.attribute("blocksize")
    if op.attribute("mode", "DCR") == "DCR":
        return op.layer("Reorg", op.bottom(), stride=size, reverse=True)
    n, c, h, w = op.shape()
    apart = (n, c // size**2, size, size, h, w)
    x = reshaped(op, op.bottom(), op.shape(), apart, part="blocks")
    x = permuted(op, x, [0, 1, 4, 2, 5, 3], part="order")
    return reshaped(op, x, tuple(apart[i] for i in (0, 1, 4, 2, 5, 3)), op.top_shape())


@converts("SpaceToDepth")
def space_to_depth(op: Operator) -> Blob:
    """Reshape and Permute; Reorg has an order of its own."""
    size = op.attribute("blocksize")
    n, c, h, w = op.shape()
    apart = (n, c, h // size, size, w // size, size)
    x = reshaped(op, op.bottom(), op.shape(), apart, part="blocks")
    x = permuted(op, x, [0, 3, 5, 1, 2, 4], part="order")
    return reshaped(op, x, tuple(apart[i] for i in (0, 3, 5, 1, 2, 4)), op.top_shape())
