"""Slice, Split, Gather by constant indices, Concat, Pad, Tile and Expand."""

from typing import Any

import numpy as np

from netdef.onnx_backend.importing.net_builder import Blob
from netdef.onnx_backend.importing.operator import Operator
from netdef.onnx_backend.importing.registry import converts
from netdef.onnx_backend.importing.shaping import cut, padded_with, reshaped, tiled
from netdef.onnx_backend.importing.unsupported import refuse

_MOST_PIECES = 64
"""Into how many parts an axis may be cut to put them into another order."""


@converts("Slice")
def slice_(op: Operator) -> Blob:
    """Slice along one axis after the other; every s-th pixel by a Pooling of single ones."""
    shape = list(op.shape())
    starts, ends = op.integers("starts", 1) or [], op.integers("ends", 2) or []
    axes = op.integers("axes", 3) or list(range(len(starts)))
    steps = op.integers("steps", 4) or [1] * len(starts)
    x, strides = op.bottom(), [1] * len(shape)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        axis %= len(shape)
        order = range(*slice(start, end, step).indices(shape[axis]))
        if not order:
            refuse("nothing is left")
        if step > 1:
            x = cut(op, x, shape[axis], axis, order[0], order[-1] + 1)
            strides[axis] = step
        else:
            x = _items(op, x, shape[axis], axis, list(order))
        shape[axis] = len(order)
    if any(stride > 1 for stride in strides):
        x = _every(op, x, strides)
    return x


def _every(op: Operator, x: Blob, strides: list[int]) -> Blob:
    if len(strides) != 4 or strides[:2] != [1, 1]:
        refuse("a step above 1 is possible along rows and columns only")
    steps: dict[str, Any] = {"stride_h": strides[2], "stride_w": strides[3]}
    return op.layer("Pooling", x, kernel_size=1, round_mode="FLOOR", **steps)


@converts("Split")
def split(op: Operator) -> Blob | list[Blob]:
    """Slice into several tops."""
    shape = op.shape()
    axis = op.attribute("axis", 0) % len(shape)
    sizes = [op.top_shape(i)[axis] for i in range(len(op.node.outputs))]
    if len(sizes) == 1:
        return [op.bottom()]
    points = [int(point) for point in np.cumsum(sizes)[:-1]]
    equal = len(set(sizes)) == 1
    fields: dict[str, Any] = {"axis": axis} if equal else {"axis": axis, "slice_point": points}
    return op.layers("Slice", op.bottom(), tops=len(sizes), **fields)


def pick(op: Operator, axis: int, indices: Any) -> Blob:
    """Return the items at constant indices along an axis."""
    shape = op.shape()
    flat = [int(i) % shape[axis] for i in indices.reshape(-1)]
    x = _items(op, op.bottom(), shape[axis], axis, flat)
    found = (*shape[:axis], len(flat), *shape[axis + 1 :])
    return reshaped(op, x, found, op.top_shape())


def _items(op: Operator, x: Blob, size: int, axis: int, order: list[int]) -> Blob:
    """Return items of an axis in an order: a Slice, or a Slice into single ones and a Concat."""
    if order == list(range(order[0], order[0] + len(order))):
        return cut(op, x, size, axis, order[0], order[-1] + 1)
    if size > _MOST_PIECES:
        refuse(f"it picks single items of an axis of {size}; more than {_MOST_PIECES} are too many")
    points = list(range(1, size))
    parts = op.layers("Slice", x, tops=size, axis=axis, slice_point=points) if points else [x]
    return op.layer("Concat", *(parts[i] for i in order), axis=axis)


@converts("Concat")
def concat(op: Operator) -> Blob:
    """Concat of what is not empty."""
    axis = op.attribute("axis", 0) % max(len(op.top_shape()), 1)
    places = [i for i in range(len(op.node.inputs)) if op.shape(i)[axis]]
    bottoms = [op.bottom(i) for i in places]
    if len(bottoms) == 1:
        return bottoms[0]
    return op.layer("Concat", *bottoms, **({"axis": axis} if axis != 1 else {}))


@converts("Pad")
def pad(op: Operator) -> Blob:
    """Concat with constants; what is negative is cut off."""
    if op.attribute("mode", "constant") != "constant":
        refuse(f"Caffe has no padding of the mode {op.attribute('mode')}")
    value = op.attribute("value", 0.0) if not op.given(2) else float(op.known(2, "value"))
    pads = op.integers("pads", 1) or []
    shape = list(op.shape())
    axes = op.integers("axes", 3) or list(range(len(shape)))
    x = op.bottom()
    for i, axis in enumerate(axes):
        axis %= len(shape)
        start, end = pads[i], pads[len(axes) + i]
        x = cut(op, x, shape[axis], axis, max(-start, 0), shape[axis] - max(-end, 0))
        shape[axis] += min(start, 0) + min(end, 0)
        ends = max(start, 0), max(end, 0)
        x = padded_with(op, x, tuple(shape), axis, ends, value)
        shape[axis] += sum(ends)
    return x


@converts("Tile")
def tile(op: Operator) -> Blob:
    """A Tile per axis."""
    x = op.bottom()
    for axis, tiles in enumerate(op.known(1, "number of repeats")):
        if tiles != 1:
            x = op.layer("Tile", x, axis=axis, tiles=int(tiles))
    return x


@converts("Expand")
def expand(op: Operator) -> Blob:
    """A Tile per axis of size 1."""
    return tiled(op, op.bottom(), op.shape(), op.top_shape())
