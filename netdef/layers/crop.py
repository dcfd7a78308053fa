"""Cutting a blob to the size of another."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, layer
from netdef.ir import Shape


@layer("Crop", param="crop_param", role="shape")
class Crop(LayerType):
    """Cut the first bottom to the size of the second, along the axes from `axis` on.

    Bottoms: x; like, of which only the sizes count. Top: x's sizes before `axis` (2, so that rows
    and columns are cut; a negative one counts from the end), like's sizes from there on. The sizes
    of like before `axis` do not matter.

    `offset` says where the cut begins: once for all axes from `axis` on, or once for each of them;
    without it, at 0. The cut may not reach past the end of x.

    Easy to get wrong: one `offset` serves all axes, the channels too with `axis: 1`. Fully
    convolutional nets cut the same number of pixels at each end, (size of x - size of like) / 2,
    which has to be worked out for the net: it is not found by itself.

    The second bottom gets no gradient.
    """

    bottoms = 2
    no_grad_bottoms = (1,)
    examples = (
        Example("", [(2, 3, 6, 7), (2, 1, 4, 5)], [(2, 3, 4, 5)]),
        Example("crop_param { offset: 2 }", [(2, 3, 6, 7), (2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("crop_param { offset: 1 offset: 2 }", [(2, 3, 6, 7), (2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("crop_param { axis: 1 offset: 1 }", [(2, 4, 6), (5, 2, 3)], [(2, 2, 3)]),
        Example("crop_param { axis: -1 offset: 3 }", [(2, 4, 6), (2, 4, 2)], [(2, 4, 2)]),
        Example("crop_param { axis: 0 }", [(4, 3), (2, 3)], [(2, 3)]),
        Example("crop_param { axis: 0 offset: 1 offset: 0 }", [(4, 3), (2, 2)], [(2, 2)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The first bottom's sizes before `axis`, then the second's."""
        x, like = n.ins
        if len(like) < len(x):
            text = f"`{n.bottoms[1]}` has {len(like)} axes, but `{n.bottoms[0]}` has {len(x)}"
            n.mismatch("bottom[1]", text)
        axis, offsets = _cut(n)
        with n.collect():
            for i, offset in enumerate(offsets):
                _check(n, axis + i, offset, i if len(n.p.offset) > 1 else 0)
        return Signature([(*x[:axis], *like[axis : len(x)])])

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        """A narrowing of each axis."""
        return t.ops.Crop(*_cut(n))

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Slice; where what is cut may vary, to the size that the second bottom then has."""
        axis, offsets = _cut(n)
        rank = len(n.ins[0])
        axes = range(axis, rank)
        if axis and not g.open_size:
            ends = g.constant(
                [offset + n.ins[1][a] for a, offset in zip(axes, offsets, strict=True)]
            )
        else:
            sizes = g.op("Shape", ins[1], start=axis, end=rank)
            ends = g.op("Add", sizes, g.constant(offsets))
        return g.op("Slice", ins[0], g.constant(offsets), ends, g.constant(axes))


def _cut(n: Instance) -> tuple[int, Shape]:
    """Return the first axis that is cut, and where the cut begins along each from there on."""
    rank = len(n.ins[0])
    axis = n.axis("axis", rank)
    given, axes = tuple(n.p.offset), rank - axis
    if len(given) > 1 and len(given) != axes:
        text = f"`offset` is given {len(given)} times, but {axes} axes are cut"
        note = "give it once for all axes from `axis` on, or once for each"
        n.fault("offset", text, note=note, because=("axis",))
    return axis, given if len(given) > 1 else (given or (0,)) * axes


def _check(n: Instance, axis: int, offset: int, index: int) -> None:
    x, like = n.ins[0][axis], n.ins[1][axis]
    if like > x:
        text = f"axis {axis} is {like} in `{n.bottoms[1]}`, but only {x} in `{n.bottoms[0]}`"
        n.mismatch("bottom[1]", text, because=("axis",))
    if offset + like > x:
        text = f"a cut of {like} from `offset` {offset} on reaches past the {x} of axis {axis}"
        n.fault(f"offset[{index}]", text, bottom=0, because=("axis",))
