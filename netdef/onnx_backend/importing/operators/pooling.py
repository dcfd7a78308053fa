"""MaxPool, AveragePool and the global ones."""

from typing import Any

import numpy as np

from netdef.onnx_backend.importing.net_builder import Blob, Weight
from netdef.onnx_backend.importing.operator import Operator
from netdef.onnx_backend.importing.registry import converts
from netdef.onnx_backend.importing.unsupported import refuse
from netdef.onnx_backend.importing.windows import Axis, Plan, axes_of, pooled, wanted

_RANKS = (3, 4, 5)


@converts("GlobalAveragePool", "GlobalMaxPool")
def global_pooling(op: Operator) -> Blob:
    """Pooling over the whole plane."""
    _check_rank(op)
    method = "AVE" if op.type == "GlobalAveragePool" else "MAX"
    return op.layer("Pooling", op.bottom(), pool=method, global_pooling=True)


@converts("MaxPool")
def max_pooling(op: Operator) -> Blob:
    """Pooling MAX, rounded so that it makes the same windows."""
    if op.used(1):
        refuse("its second output, the indices, counts otherwise than Caffe's")
    axes, plans, x = _pool(op, "MAX")
    return wanted(op, x, plans, axes)


@converts("AveragePool")
def average_pooling(op: Operator) -> Blob:
    """Pooling AVE; where what is divided by differs, factors per place follow."""
    axes, plans, x = _pool(op, "AVE")
    x = wanted(op, x, plans, axes)
    factors = np.ones(())
    for axis, plan in zip(axes, plans, strict=True):
        factors = np.multiply.outer(factors, _caffe(axis, plan) / _onnx(op, axis))
    if not np.all(np.isfinite(factors)):
        refuse("a window lies in the padding alone")
    if np.all(factors == 1):
        return x
    weights = [Weight(factors, fixed=True)]
    return op.layer("Scale", x, weights=weights, axis=2, num_axes=len(axes))


def _pool(op: Operator, method: str) -> tuple[list[Axis], list[Plan], Blob]:
    _check_rank(op)
    axes = axes_of(op, tuple(op.attribute("kernel_shape")))
    if any(axis.dilation > 1 for axis in axes):
        refuse("Caffe's Pooling has no dilation")
    floor, plans = pooled(axes)
    fields: dict[str, Any] = {}
    fields |= _sizes("kernel_size", [axis.kernel for axis in axes])
    fields |= _sizes("stride", [axis.stride for axis in axes], 1)
    fields |= _sizes("pad", [plan.pad for plan in plans], 0)
    if floor:
        fields["round_mode"] = "FLOOR"
    return axes, plans, op.layer("Pooling", op.bottom(), pool=method, **fields)


def _check_rank(op: Operator) -> None:
    if len(op.shape()) not in _RANKS:
        refuse(f"Caffe's Pooling takes 3 to 5 axes, not {len(op.shape())}")


def _sizes(field: str, sizes: list[int], default: int | None = None) -> dict[str, int]:
    """Return the fields that say sizes per axis."""
    if len(set(sizes)) == 1:
        return {} if sizes[0] == default else {field: sizes[0]}
    stem = field.removesuffix("_size")
    rows = {f"{stem}_h": sizes[-2], f"{stem}_w": sizes[-1]}
    if len(sizes) == 3:
        rows["kernel_depth" if stem == "kernel" else f"temporal_{stem}"] = sizes[0]
    return rows


def _caffe(axis: Axis, plan: Plan) -> np.ndarray:
    """Return what Caffe divides by, along one axis: the window up to the end of the padding."""
    starts = (np.arange(axis.count) + plan.first) * axis.stride - plan.pad
    return np.minimum(starts + axis.kernel, axis.size + plan.pad) - starts


def _onnx(op: Operator, axis: Axis) -> np.ndarray:
    """Return what ONNX divides by, along one axis: as Caffe, or the window inside the input."""
    starts = np.arange(axis.count) * axis.stride - axis.start
    if op.attribute("count_include_pad", 0):
        return np.minimum(starts + axis.kernel, axis.size + axis.end) - starts
    return np.minimum(starts + axis.kernel, axis.size) - np.maximum(starts, 0)
