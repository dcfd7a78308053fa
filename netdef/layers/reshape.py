"""Reshape."""

from math import prod
from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer
from netdef.ir import Shape


@layer("Reshape", param="reshape_param", role="shape")
class Reshape(LayerType):
    """Give the values a new shape; their order stays.

    The `num_axes` axes from `axis` on (0 and -1: all of them) are replaced by those of `shape`.
    There, a 0 keeps the extent that the input has at the same place, and one -1 takes what is left.
    So `shape { dim: 0 dim: -1 }` makes (N, C, H, W) to (N, C * H * W).

    Easy to get wrong: a negative `axis` counts from one past the end, so that with
    `axis: -1 num_axes: 0` the new axes are appended; and an extent that is written out stays as it
    is with any other batch size, so write 0 for the batch.
    """

    examples = (
        Example("reshape_param { shape { dim: 0 dim: -1 dim: 3 } }", [(2, 3, 7, 9)], [(2, 63, 3)]),
        Example("reshape_param { shape { dim: 0 dim: 0 dim: 20 } }", [(2, 3, 4, 5)], [(2, 3, 20)]),
        Example("reshape_param { shape { dim: -1 } }", [(2, 3, 4)], [(24,)]),
        Example("reshape_param { shape { dim: -1 dim: 4 } }", [(2, 3, 4)], [(6, 4)]),
        Example(
            "reshape_param { shape { dim: 9 dim: 7 } axis: 2 }", [(2, 3, 7, 9)], [(2, 3, 9, 7)]
        ),
        Example(
            "reshape_param { shape { dim: 2 dim: -1 } axis: 1 num_axes: 1 }",
            [(3, 8, 5)],
            [(3, 2, 4, 5)],
        ),
        Example(
            "reshape_param { shape { dim: 1 } axis: -1 num_axes: 0 }", [(2, 3, 4)], [(2, 3, 4, 1)]
        ),
        Example("reshape_param { shape { dim: 1 dim: -1 } num_axes: 0 }", [(2, 3)], [(1, 1, 2, 3)]),
        Example("reshape_param { shape { dim: -1 } axis: -3 }", [(2, 3, 4)], [(2, 12)]),
        Example("reshape_param { shape {} axis: 1 num_axes: 1 }", [(2, 1, 4)], [(2, 4)]),
    )

    def signature(self, n: Instance) -> Signature:
        shape = n.ins[0]
        dims = _dims(n)
        start, end = _range(n)
        _check_copies(n, dims, start)
        new = [shape[start + i] if d == 0 else d for i, d in enumerate(dims)]
        if -1 in dims:
            new[dims.index(-1)] = _left(n, dims, start, end)
        top = (*shape[:start], *new, *shape[end:])
        if count(top) != count(shape):
            text = f"the new shape {top} has {count(top)} values, but `{n.bottoms[0]}` has"
            text += f" {count(shape)}"
            n.fault("shape", text, _RULE, bottom=0, because=(*_extents(dims), *_AXES))
        return Signature([top])

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        return t.ops.Reshape(_dims(n), *_range(n))

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Reshape; the batch axis is kept by a 0, or inferred where it moves."""
        shape = n.ins[0]
        dims = _dims(n)
        start, end = _range(n)
        if shape and start == 0 and end == 0:  # new axes before the batch
            new = [1 if d == -1 else shape[i] if d == 0 else d for i, d in enumerate(dims)]
            return g.op("Reshape", ins[0], g.constant([*new, -1, *shape[1:]]))
        new = [shape[start + i] if d == 0 and start + i else d for i, d in enumerate(dims)]
        lead = [0, *shape[1:start]] if start else []
        return g.op("Reshape", ins[0], g.constant([*lead, *new, *shape[end:]]))


_RULE = "shape-mismatch"
_AXES = ("axis", "num_axes")


def _dims(n: Instance) -> Shape:
    dims = tuple(n.p.shape.dim)
    if not n.p.HasField("shape"):
        n.fault("shape", "Reshape needs `shape`", rule="missing-field")
    with n.collect():
        for i, dim in enumerate(dims):
            if dim < -1:
                text = f"an extent cannot be {dim}; 0 keeps the input's, -1 takes what is left"
                n.fault(f"shape.dim[{i}]", text)
            if dim == -1 and -1 in dims[:i]:
                first = f"shape.dim[{dims.index(-1)}]"
                n.fault(f"shape.dim[{i}]", "only one extent can be -1", because=(first,))
    return dims


def _range(n: Instance) -> tuple[int, int]:
    """Return the first axis that is replaced and the one past the last."""
    rank, axis, axes = len(n.ins[0]), n.p.axis, n.p.num_axes
    if not -rank - 1 <= axis <= rank:
        n.fault("axis", f"`axis` is {axis}, but the input has {rank} axes")
    start = axis if axis >= 0 else axis + rank + 1
    if axes < -1:
        n.fault("num_axes", f"`num_axes` must be at least -1, not {axes}")
    if start + axes > rank:
        text = f"`num_axes` is {axes} from axis {start} on, but the input has {rank} axes"
        n.fault("num_axes", text, because=("axis",))
    return start, rank if axes == -1 else start + axes


def _check_copies(n: Instance, dims: Shape, start: int) -> None:
    rank = len(n.ins[0])
    with n.collect():
        for i, dim in enumerate(dims):
            if dim == 0 and start + i >= rank:
                text = (
                    f"`dim: 0` keeps the extent of axis {start + i}, but the input has {rank} axes"
                )
                n.fault(f"shape.dim[{i}]", text, because=("axis",))


def _left(n: Instance, dims: Shape, start: int, end: int) -> int:
    """Return the extent that -1 stands for."""
    shape = n.ins[0]
    # Axes that are kept cancel out, so that an empty batch is no fault.
    kept = {start + i for i, d in enumerate(dims) if d == 0}
    left = prod(shape[a] for a in range(start, end) if a not in kept)
    taken = prod(shape[a] for a in kept if a >= end) * prod(d for d in dims if d > 0)
    if taken == 0 or left % taken:
        text = f"no extent fits where -1 is: {left} values are not a multiple of {taken}"
        place = f"shape.dim[{dims.index(-1)}]"
        n.fault(place, text, _RULE, bottom=0, because=(*_extents(dims), *_AXES))
    return left // taken


def _extents(dims: Shape) -> list[str]:
    """Return the places of the extents that are given or kept."""
    return [f"shape.dim[{i}]" for i, dim in enumerate(dims) if dim != -1]
