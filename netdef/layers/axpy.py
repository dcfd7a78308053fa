"""A factor per channel, and a sum."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer


@layer("Axpy", param=None, role="elementwise")
class Axpy(LayerType):
    """Scale every channel of every item, then add: a * x + y.

    Bottoms: a (N, C, 1, 1), or (N, C); x (N, C, H, W), or another number of axes from two on; y of
    x's shape. Top: x's shape. All three bottoms get a gradient; a's is summed over the places.

    Easy to get wrong: the factors come first. They are the gates of a squeeze-and-excitation
    block, x its residual branch and y its shortcut.

    Forks: From the Caffe port of SENet (Hu et al., Squeeze-and-Excitation Networks, 2017), which
    fuses a Scale and an Eltwise in it. BVLC's Scale with `axis: 0` and two bottoms is its first
    half.
    """

    bottoms = 3
    examples = (
        Example("", [(2, 3, 1, 1), (2, 3, 4, 5), (2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("", [(2, 3), (2, 3, 4, 5), (2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("", [(2, 3, 1, 1), (2, 3, 4), (2, 3, 4)], [(2, 3, 4)]),
        Example("", [(2, 3), (2, 3), (2, 3)], [(2, 3)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The second bottom's shape."""
        a, x, y = n.ins
        if len(x) < 2:
            n.mismatch("bottom[1]", f"Axpy needs channels (N, C, ...), not {x}")
        if a[:2] != x[:2] or count(a, 2) != 1:
            text = f"`{n.bottoms[0]}` is {a}, but `{n.bottoms[1]}` {x} needs the factors {x[:2]}"
            n.mismatch("bottom[0]", text, note="one factor for each channel of each item")
        if x != y:
            text = f"`{n.bottoms[2]}` has the shape {y}, but `{n.bottoms[1]}` has {x}"
            n.mismatch("bottom[2]", text)
        return Signature([x])

    def cost(self, n: Instance) -> Cost:
        """A product and a sum per element."""
        return Cost(other=2 * count(n.ins[1]))

    def torch(self, n: Instance, t: Any) -> Any:
        """A product and a sum."""
        return t.ops.Axpy()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Mul and Add."""
        a, x, y = ins
        rank = len(n.ins[1])
        if len(n.ins[0]) != rank:
            a = g.op("Reshape", a, g.constant([0, n.ins[1][1], *[1] * (rank - 2)]))
        return g.op("Add", g.op("Mul", a, x), y)
