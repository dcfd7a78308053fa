"""Concat."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, at_least, layer


@layer("Concat", param="concat_param", role="shape")
class Concat(LayerType):
    """Join the bottoms along `axis` (1, the channels), in their order.

    All other extents must agree. A negative `axis` counts from the end; the old form `concat_dim`
    takes no negative numbers and excludes `axis`.
    """

    bottoms = at_least(1)
    examples = (
        Example("", [(2, 3, 4, 5), (2, 4, 4, 5)], [(2, 7, 4, 5)]),
        Example("concat_param { axis: 0 }", [(2, 3, 4), (5, 3, 4), (1, 3, 4)], [(8, 3, 4)]),
        Example("concat_param { axis: -1 }", [(2, 3, 4), (2, 3, 1)], [(2, 3, 5)]),
        Example("concat_param { concat_dim: 2 }", [(2, 3, 4), (2, 3, 4)], [(2, 3, 8)]),
        Example("", [(2, 3)], [(2, 3)]),
    )

    def signature(self, n: Instance) -> Signature:
        axis = _axis(n)
        first = n.ins[0]
        for i, shape in enumerate(n.ins[1:], 1):
            if len(shape) != len(first):
                text = (
                    f"`{n.bottoms[i]}` has {len(shape)} axes, but `{n.bottoms[0]}` has {len(first)}"
                )
                n.mismatch(f"bottom[{i}]", text)
            for j, (here, there) in enumerate(zip(shape, first, strict=True)):
                if j != axis and here != there:
                    text = (
                        f"axis {j} of `{n.bottoms[i]}` is {here}, but of `{n.bottoms[0]}` {there}"
                    )
                    note = f"only axis {axis} may differ"
                    n.mismatch(f"bottom[{i}]", text, note, because=("axis", "concat_dim"))
        joined = sum(shape[axis] for shape in n.ins)
        return Signature([(*first[:axis], joined, *first[axis + 1 :])])

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        return t.ops.Concat(_axis(n))

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        return g.op("Concat", *ins, axis=_axis(n))


def _axis(n: Instance) -> int:
    rank = len(n.ins[0])
    if not n.p.HasField("concat_dim"):
        return n.axis("axis", rank)
    if n.p.HasField("axis"):
        text = "give `axis` or its old form `concat_dim`, not both"
        n.fault("concat_dim", text, because=("axis",))
    if n.p.concat_dim >= rank:
        n.fault("concat_dim", f"`concat_dim` is {n.p.concat_dim}, but the input has {rank} axes")
    return n.p.concat_dim
