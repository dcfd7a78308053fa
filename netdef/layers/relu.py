"""Rectified linear unit."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer


@layer("ReLU", param="relu_param", role="activation")
class ReLU(LayerType):
    """Keep what is positive; multiply the rest by `negative_slope` (0 by default)."""

    examples = (
        Example("", [(2, 3, 4)], [(2, 3, 4)]),
        Example("relu_param { negative_slope: 0.1 }", [(2, 3)], [(2, 3)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """A comparison per element; with a slope a product, too."""
        return Cost(other=(1 + (n.p.negative_slope != 0)) * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """ReLU, or LeakyReLU when there is a slope."""
        slope = n.p.negative_slope
        return t.nn.LeakyReLU(slope) if slope else t.nn.ReLU()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Relu or LeakyRelu."""
        slope = n.p.negative_slope
        return g.op("LeakyRelu", ins[0], alpha=slope) if slope else g.op("Relu", ins[0])
