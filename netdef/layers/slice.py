"""Slice."""

from itertools import pairwise
from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, at_least, layer


@layer("Slice", param="slice_param", role="shape")
class Slice(LayerType):
    """Cut the bottom along `axis` (1, the channels) into as many parts as there are tops.

    Without `slice_point` the parts are equal. With it, one fewer than tops and ascending, a part
    ends where the next begins: 10 channels with `slice_point: 3 slice_point: 7` give 3, 4 and 3.

    A negative `axis` counts from the end; the old form `slice_dim` takes no negative numbers and
    excludes `axis`.
    """

    tops = at_least(1)
    examples = (
        Example("", [(2, 6, 4, 3)], [(2, 2, 4, 3)] * 3),
        Example(
            "slice_param { slice_point: 1 slice_point: 4 }",
            [(2, 6, 4, 3)],
            [(2, 1, 4, 3), (2, 3, 4, 3), (2, 2, 4, 3)],
        ),
        Example("slice_param { axis: -1 slice_point: 5 }", [(2, 3, 8)], [(2, 3, 5), (2, 3, 3)]),
        Example("slice_param { slice_dim: 2 }", [(2, 3, 4)], [(2, 3, 2)] * 2),
        Example("slice_param { axis: 0 }", [(4, 3)], [(2, 3)] * 2),
        Example("slice_param { axis: 0 slice_point: 1 }", [(4, 3)], [(1, 3), (3, 3)]),
        Example("", [(2, 3)], [(2, 3)]),
    )

    def signature(self, n: Instance) -> Signature:
        axis = _axis(n)
        shape = n.ins[0]
        parts = _parts(n, shape[axis])
        return Signature([(*shape[:axis], part, *shape[axis + 1 :]) for part in parts])

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        return t.ops.Slice(len(n.tops), _axis(n), tuple(n.p.slice_point))

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Split; along the batch, whose size is open, equal parts or Slice."""
        axis, tops = _axis(n), len(n.tops)
        if tops == 1:
            return g.op("Identity", ins[0])
        if axis:
            sizes = g.constant(_parts(n, n.ins[0][axis]))
            return g.op("Split", ins[0], sizes, outputs=tops, axis=axis)
        if not n.p.slice_point:
            return g.op("Split", ins[0], outputs=tops, axis=0)
        points = [0, *n.p.slice_point, _END]
        return tuple(
            g.op("Slice", ins[0], g.constant([start]), g.constant([end]), g.constant([0]))
            for start, end in pairwise(points)
        )


_END = 2**31 - 1
"""Past any end, for Slice of ONNX."""

_AXIS = ("axis", "slice_dim")
"""The fields that choose the extent which is cut."""


def _axis(n: Instance) -> int:
    rank = len(n.ins[0])
    if not n.p.HasField("slice_dim"):
        return n.axis("axis", rank)
    if n.p.HasField("axis"):
        text = "give `axis` or its old form `slice_dim`, not both"
        n.fault("slice_dim", text, because=("axis",))
    if n.p.slice_dim >= rank:
        n.fault("slice_dim", f"`slice_dim` is {n.p.slice_dim}, but the input has {rank} axes")
    return n.p.slice_dim


def _parts(n: Instance, size: int) -> list[int]:
    """Return the extents of the tops along the axis."""
    points, tops = list(n.p.slice_point), len(n.tops)
    if not points:
        if size % tops:
            text = f"an extent of {size} cannot be cut into {tops} equal parts"
            n.mismatch("bottom[0]", text, because=_AXIS)
        return [size // tops] * tops
    if len(points) != tops - 1:
        text = f"{tops} tops need {tops - 1} `slice_point`, not {len(points)}"
        n.fault("slice_point", text)
    ends = [0, *points, size]
    with n.collect():
        for i, point in enumerate(points):
            if point <= ends[i]:
                text = f"`slice_point` {point} must be above {ends[i]}, where its part begins"
                n.fault(f"slice_point[{i}]", text)
            elif point >= size:
                text = f"`slice_point` {point} must be below {size}, the extent of `{n.bottoms[0]}`"
                n.fault(f"slice_point[{i}]", text, bottom=0, because=_AXIS)
    return [end - start for start, end in pairwise(ends)]
