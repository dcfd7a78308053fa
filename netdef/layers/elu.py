"""Exponential linear unit."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer


@layer("ELU", param="elu_param", role="activation")
class ELU(LayerType):
    """Exponential linear unit: y = x where x is above 0, and alpha * (e^x - 1) elsewhere.

    One bottom of any shape, one top of the same shape. Negative elements tend to -`alpha` (1 by
    default); with `alpha: 0` the layer is a ReLU. At 0 the gradient is that of the curved part,
    `alpha`. (Clevert et al., Fast and Accurate Deep Network Learning by Exponential Linear Units,
    2015.)
    """

    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("elu_param { alpha: 0.4 }", [(2, 7)], [(2, 7)]),
        Example("elu_param { alpha: 0 }", [(7,)], [(7,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """A comparison, an exponential and a subtraction per element; a product with an alpha."""
        return Cost(other=(3 + (n.p.alpha != 1)) * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's ELU."""
        return t.nn.ELU(n.p.alpha)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Elu."""
        return g.op("Elu", ins[0], alpha=n.p.alpha)
