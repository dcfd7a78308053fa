"""Rectified linear unit with an upper limit."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, Uniform, count, layer

_WIDE = Uniform(2, 3, 4, low=-9.0, high=9.0)


@layer("ReLU6", param="relu6_param", role="activation")
class ReLU6(LayerType):
    """Keep what is between 0 and 6: y = min(max(x, 0), 6).

    One bottom of any shape, one top of the same shape. With a `negative_slope` (0 by default) what
    is below 0 is multiplied by it instead. The gradient is 1 between 0 and 6, `negative_slope` up
    to 0, and 0 from 6 on. (Krizhevsky, Convolutional Deep Belief Networks on CIFAR-10, 2010.)

    Forks: Those for MobileNet and SSD and NVIDIA's brought this type. Some have no settings, others
    read `relu6_param`, and NVIDIA's reads `relu_param`; either is heeded here, but not both.
    """

    examples = (
        Example("", [_WIDE], [(2, 3, 4)]),
        Example("relu6_param { negative_slope: 0.1 }", [_WIDE], [(2, 3, 4)]),
        Example("relu_param { negative_slope: -0.5 }", [_WIDE], [(2, 3, 4)]),
        Example("", [(7,)], [(7,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        if n.message.HasField("relu6_param") and n.message.HasField("relu_param"):
            fields = ("relu6_param.negative_slope", "relu_param.negative_slope")
            n.fault("relu_param", "give `relu6_param` or `relu_param`, not both", because=fields)
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """Two comparisons per element; with a slope a product, too."""
        return Cost(other=(2 + (_slope(n) != 0)) * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's ReLU6, or the same with a slope."""
        slope = _slope(n)
        return t.ops.ReLU6(slope) if slope else t.nn.ReLU6()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Clip, and LeakyRelu when there is a slope."""
        slope, limit = _slope(n), g.constant(6.0)
        if not slope:
            return g.op("Clip", ins[0], g.constant(0.0), limit)
        return g.op("LeakyRelu", g.op("Clip", ins[0], None, limit), alpha=slope)


def _slope(n: Instance) -> float:
    own = n.message.relu_param if n.message.HasField("relu_param") else n.p
    return own.negative_slope
