"""Indices of the largest values."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer
from netdef.ir import Shape

_FLOAT = 1  # ONNX's number of the type


@layer("ArgMax", param="argmax_param", role="pooling")
class ArgMax(LayerType):
    """Indices of the `top_k` (1) largest values, as floats, the largest first.

    Bottom: x (N, ...). Without `axis`, an item's values are flattened: the top has 3 axes, or as
    many as x if that has more:

        (N, 1, top_k, 1, ...)  the indices in the flattened item
        (N, 2, top_k, 1, ...)  with `out_max_val: true`: the indices [:, 0], the values [:, 1]

    With `axis` (a negative one counts from the end), that axis is searched at every place of the
    others, which stay; it becomes `top_k` long and holds the indices along it. There,
    `out_max_val: true` gives the values in place of the indices, not both.

    Of equal values the one with the larger index comes first; numpy's and most other frameworks'
    argmax takes the smaller. Nothing gets a gradient.
    """

    no_grad_bottoms = (0,)
    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 1, 1, 1)]),
        Example("argmax_param { top_k: 3 }", [(2, 7)], [(2, 1, 3)]),
        Example("argmax_param { out_max_val: true }", [(2, 7)], [(2, 2, 1)]),
        Example(
            "argmax_param { top_k: 4 out_max_val: true }", [(2, 3, 2, 2, 1)], [(2, 2, 4, 1, 1)]
        ),
        Example("argmax_param { axis: 1 }", [(2, 5, 3, 4)], [(2, 1, 3, 4)]),
        Example("argmax_param { axis: 1 out_max_val: true }", [(2, 5, 3)], [(2, 1, 3)]),
        Example("argmax_param { axis: -1 top_k: 2 }", [(2, 3, 5)], [(2, 3, 2)]),
        Example("argmax_param { axis: -2 top_k: 3 out_max_val: true }", [(2, 4, 3)], [(2, 3, 3)]),
        Example("argmax_param { axis: 0 }", [(4, 3)], [(1, 3)]),
        Example("argmax_param { axis: 0 top_k: 2 }", [(4,)], [(2,)]),
        Example("", [(3,)], [(3, 1, 1)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The axis shrinks to `top_k`; or the items to 1 or 2 rows of them."""
        x, axis = n.ins[0], _axis(n)
        if not x:
            n.mismatch("bottom[0]", "ArgMax needs an axis for the batch")
        choices = count(x, 1) if axis is None else x[axis]
        if not 1 <= n.p.top_k <= choices:
            text = f"`top_k` must be from 1 to the number of values, {choices}, not {n.p.top_k}"
            n.fault("top_k", text, bottom=0, because=("axis",))
        if axis is not None:
            return Signature([(*x[:axis], n.p.top_k, *x[axis + 1 :])])
        return Signature([(x[0], *_rows(n), *(1,) * (len(x) - 3))])

    def cost(self, n: Instance) -> Cost:
        """A comparison per element for each of the `top_k`."""
        return Cost(other=count(n.ins[0]) * n.p.top_k)

    def torch(self, n: Instance, t: Any) -> Any:
        """A stable sort of the reversed axis."""
        return t.ops.ArgMax(n.p.top_k, _axis(n), values=n.p.out_max_val)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """ArgMax, which can take the last of equal values; TopK takes the first, so reverse."""
        axis = _axis(n)
        x = g.op("Flatten", ins[0], axis=1) if axis is None else ins[0]
        indices, values = _largest(n, g, x, 1 if axis is None else axis)
        if axis is not None:
            return values if n.p.out_max_val else g.op("Cast", indices, to=_FLOAT)
        top = g.op("Cast", indices, to=_FLOAT)
        if n.p.out_max_val:
            top = g.op("Concat", top, values, axis=1)
        return g.op("Reshape", top, g.constant([0, *_rows(n), *(1,) * (len(n.ins[0]) - 3)]))


def _axis(n: Instance) -> int | None:
    return n.axis("axis", len(n.ins[0])) if n.p.HasField("axis") else None


def _rows(n: Instance) -> Shape:
    return 2 if n.p.out_max_val else 1, n.p.top_k


def _largest(n: Instance, g: Any, x: Any, axis: int) -> tuple[Any, Any]:
    """Return the indices, and the values, along an axis."""
    if n.p.top_k == 1:
        index = g.op("ArgMax", x, axis=axis, select_last_index=1)
        return index, g.op("GatherElements", x, index, axis=axis)
    last = g.constant([-1])
    before = g.constant([-(2**63) + 1])
    reverse = g.op("Slice", x, last, before, g.constant([axis]), last)
    values, places = g.op("TopK", reverse, g.constant([n.p.top_k]), axis=axis, outputs=2)
    size = g.op("Gather", g.op("Shape", x), g.constant([axis]))
    return g.op("Sub", g.op("Sub", size, g.constant([1])), places), values
