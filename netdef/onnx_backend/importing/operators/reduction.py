"""ReduceMean, ReduceSum, ArgMax and their like."""

from math import prod

from netdef.onnx_backend.importing.net_builder import Blob
from netdef.onnx_backend.importing.operator import Operator
from netdef.onnx_backend.importing.registry import converts
from netdef.onnx_backend.importing.shaping import flat_rows, permuted, reshaped
from netdef.onnx_backend.importing.unsupported import refuse

_SUMS = {
    "ReduceMean": "MEAN",
    "ReduceSum": "SUM",
    "ReduceL1": "ASUM",
    "ReduceSumSquare": "SUMSQ",
    "ReduceL2": "SUMSQ",
    "ReduceLogSum": "SUM",
}


@converts(*_SUMS)
def reduce(op: Operator) -> Blob:
    """Pooling over a whole plane, or Reduction; axes that are not the last are moved there."""
    shape, axes = op.shape(), _axes(op)
    if not axes:
        return op.bottom()
    planes = axes == list(range(2, len(shape))) and len(shape) in (4, 5)
    if planes and op.type == "ReduceMean" and op.attribute("keepdims", 1):
        return op.layer("Pooling", op.bottom(), pool="AVE", global_pooling=True)
    x, rows = _moved(op, axes)
    x = op.layer("Reduction", x, operation=_SUMS[op.type], axis=len(rows))
    if op.type == "ReduceL2":
        x = op.layer("Power", x, power=0.5)
    elif op.type == "ReduceLogSum":
        x = op.layer("Log", x)
    return reshaped(op, x, rows, op.top_shape())


@converts("ReduceMax", "ReduceMin")
def reduce_extreme(op: Operator) -> Blob:
    """Pooling MAX over a line that holds all axes to reduce; of negative values for ReduceMin."""
    axes = _axes(op)
    if not axes:
        return op.bottom()
    x, rows = _moved(op, axes)
    line = (1, *flat_rows((*rows, prod(op.shape()[a] for a in axes)), len(rows)))
    moved = (*rows, *(op.shape()[axis] for axis in axes))
    x = reshaped(op, x, moved, line, part="lines")
    if op.type == "ReduceMin":
        x = op.layer("Power", x, part="negative", scale=-1.0)
    x = op.layer("Pooling", x, global_pooling=True)
    if op.type == "ReduceMin":
        x = op.layer("Power", x, scale=-1.0)
    return reshaped(op, x, (*line[:2], 1), op.top_shape())


@converts("ArgMax")
def arg_max(op: Operator) -> Blob:
    """ArgMax along an axis. Of equal values Caffe takes the last, whatever ONNX says."""
    shape = op.shape()
    axis = op.attribute("axis", 0) % len(shape)
    x = op.layer("ArgMax", op.bottom(), axis=axis)
    found = (*shape[:axis], 1, *shape[axis + 1 :])
    return reshaped(op, x, found, op.top_shape())


def _axes(op: Operator) -> list[int]:
    """Return the axes to reduce, in order."""
    rank = len(op.shape())
    axes = op.integers("axes", 1)
    if not axes:
        return [] if op.attribute("noop_with_empty_axes", 0) else list(range(rank))
    if rank == 0:
        refuse("there is no axis to reduce")
    return sorted({axis % rank for axis in axes})


def _moved(op: Operator, axes: list[int]) -> tuple[Blob, tuple[int, ...]]:
    """Return the input with the axes to reduce behind the others, and the sizes of those."""
    shape = op.shape()
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    return permuted(op, op.bottom(), [*kept, *axes], part="order"), tuple(shape[a] for a in kept)
