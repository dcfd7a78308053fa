"""Axes in another order."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, layer
from netdef.ir import Shape


@layer("Permute", param="permute_param", role="shape")
class Permute(LayerType):
    """Put the axes into another order; the values move with them.

    Bottom: x. Top: its axis i is axis `order[i]` of x. Axes that `order` leaves out follow in their
    old order: with `order: 0 order: 2`, (N, C, H, W) becomes (N, H, C, W). Without `order` nothing
    changes.

    Easy to get wrong: `order` names axes of the bottom, in the order of the top, counted from 0;
    negative numbers do not exist. Reshape, in contrast, leaves the values where they are in memory.

    Forks: From SSD, where `order: 0 order: 2 order: 3 order: 1` brings the channels of each head to
    the end before it is flattened.
    """

    examples = (
        Example(
            "permute_param { order: 0 order: 2 order: 3 order: 1 }", [(2, 3, 4, 5)], [(2, 4, 5, 3)]
        ),
        Example("permute_param { order: 0 order: 2 }", [(2, 3, 4, 5)], [(2, 4, 3, 5)]),
        Example("permute_param { order: 1 }", [(2, 3, 4)], [(3, 2, 4)]),
        Example("permute_param { order: 2 order: 1 order: 0 }", [(2, 3, 4)], [(4, 3, 2)]),
        Example("", [(2, 3)], [(2, 3)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The sizes in the new order."""
        shape, order = n.ins[0], list(n.p.order)
        with n.collect():
            for i, axis in enumerate(order):
                if axis >= len(shape):
                    text = f"`order` names axis {axis}, but the input has {len(shape)} axes"
                    n.fault(f"order[{i}]", text, bottom=0)
                elif axis in order[:i]:
                    first = f"order[{order.index(axis)}]"
                    n.fault(f"order[{i}]", f"`order` names axis {axis} twice", because=(first,))
        return Signature([tuple(shape[axis] for axis in _order(n))])

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's permute."""
        return t.ops.Permute(_order(n))

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Transpose."""
        return g.op("Transpose", ins[0], perm=list(_order(n)))


def _order(n: Instance) -> Shape:
    """Return the order with the axes that were left out."""
    given = tuple(n.p.order)
    return given + tuple(axis for axis in range(len(n.ins[0])) if axis not in given)
