"""Hard swish."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, Uniform, count, layer


@layer("HardSwish", "HSwish", param=None, role="activation")
class HardSwish(LayerType):
    """Swish made of straight lines: y = x * min(max(x + 3, 0), 6) / 6.

    One bottom of any shape, one top of the same shape; there are no settings. The top is 0 up to -3
    and x from 3 on. (Howard et al., Searching for MobileNetV3, 2019.)

    Forks: They brought this type, under either name. Nearly all compute the above, but one of them,
    a collection of layers without a Caffe of its own, computes x * min(max(0.2 * x + 0.5, 0), 1)
    under the name HardSwish. Nothing in a file tells the two apart, so a net trained with that one
    gives other numbers here; the largest difference is 0.21, at x = 2.5 and x = -2.5.
    """

    examples = (
        Example("", [Uniform(2, 3, 4, low=-5.0, high=5.0)], [(2, 3, 4)]),
        Example("", [(7,)], [(7,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """An addition, two comparisons, a product and a division per element."""
        return Cost(other=5 * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's Hardswish."""
        return t.nn.Hardswish()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """HardSwish."""
        return g.op("HardSwish", ins[0])
