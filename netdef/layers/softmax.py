"""Softmax."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer


@layer("Softmax", param="softmax_param", role="activation")
class Softmax(LayerType):
    """e^x / sum(e^x), where the sum goes over `axis` (1 by default): scores become probabilities.

    The largest score is subtracted first, so large scores do not overflow. All other axes are
    positions with a softmax of their own: (N, C, H, W) gives a distribution over C at every pixel.
    A negative axis counts from the end. For training, use SoftmaxWithLoss on the scores, not a loss
    on this layer's top: it is exact where a probability rounds to 0.
    """

    examples = (
        Example("", [(2, 5)], [(2, 5)]),
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("softmax_param { axis: 2 }", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("softmax_param { axis: -1 }", [(2, 3, 4)], [(2, 3, 4)]),
        Example("softmax_param { axis: 0 }", [(6,)], [(6,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        n.axis("axis", len(n.ins[0]))
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """A comparison, a subtraction, an exponential, an addition and a division per element."""
        return Cost(other=5 * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's Softmax."""
        return t.nn.Softmax(n.axis("axis", len(n.ins[0])))

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Softmax."""
        return g.op("Softmax", ins[0], axis=n.axis("axis", len(n.ins[0])))
