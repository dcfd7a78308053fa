"""Other shapes for a blob: Reshape, Flatten, Tile, Slice and Concat as they are needed."""

from collections.abc import Sequence
from math import prod

import numpy as np

from netdef.ir import Shape
from netdef.onnx_backend.importing.net_builder import Blob
from netdef.onnx_backend.importing.operator import Operator


def reshaped(op: Operator, x: Blob, old: Shape, new: Shape, part: str = "") -> Blob:
    """Return a blob in another shape.

    The first axes that stay are copied and the next takes what is left, so that the batch size
    stays open wherever it can.
    """
    if x.origin is not None:  # two Reshapes are one; the first goes if nobody else reads it
        x, old = x.origin
    if tuple(old) == tuple(new):
        return x
    y = _reshape(op, x, old, new, part)
    y.origin = (x, tuple(old))
    return y


def _reshape(op: Operator, x: Blob, old: Shape, new: Shape, part: str) -> Blob:
    if len(new) == 2 <= len(old) and new[0] == old[0]:
        return op.layer("Flatten", x, part=part)
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    rest = list(new[same:])
    dims = [0] * same + ([-1, *rest[1:]] if rest else [])
    return op.layer("Reshape", x, part=part, shape={"dim": dims})


def permuted(op: Operator, x: Blob, order: Sequence[int], part: str = "") -> Blob:
    """Return a blob with its axes in another order."""
    if list(order) == sorted(order):
        return x
    return op.layer("Permute", x, part=part, order=list(order))


def tiled(op: Operator, x: Blob, old: Shape, new: Shape) -> Blob:
    """Return a blob repeated along its axes of size 1, and with axes in front of it, as in numpy.

    Args:
        op: The node that needs it.
        x: The blob.
        old: Its shape.
        new: The shape that it is broadcast to.
    """
    padded = (1,) * (len(new) - len(old)) + tuple(old)
    x = reshaped(op, x, old, padded, part="axes")
    for axis, (before, after) in enumerate(zip(padded, new, strict=True)):
        if before != after:
            x = op.layer("Tile", x, part="tile", axis=axis, tiles=after)
    return x


def cut(op: Operator, x: Blob, size: int, axis: int, start: int, end: int) -> Blob:
    """Return the part of a blob from `start` to before `end` along an axis of `size`."""
    if (start, end) == (0, size):
        return x
    points = [point for point in (start, end) if 0 < point < size]
    parts = op.layers("Slice", x, tops=len(points) + 1, part="", axis=axis, slice_point=points)
    return parts[1 if start else 0]


def padded_with(
    op: Operator, x: Blob, shape: Shape, axis: int, ends: tuple[int, int], value: float
) -> Blob:
    """Return a blob with `value` before and behind it along an axis."""
    pieces: list[Blob] = [x]
    for place, count in enumerate(ends):
        if count:
            sizes = (*shape[:axis], count, *shape[axis + 1 :])
            edge = op.fixed(f"edge{axis}", np.full(sizes, value))
            pieces.insert(place * len(pieces), edge)
    return op.layer("Concat", *pieces, part="pad", axis=axis) if len(pieces) > 1 else x


def flat_rows(shape: Shape, axis: int) -> Shape:
    """Return (product of the sizes before `axis`, product of the others)."""
    return prod(shape[:axis]), prod(shape[axis:])
