"""Scaled exponential linear unit."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer


@layer("SELU", "SeLU", "SeLu", param=None, role="activation")
class SELU(LayerType):
    """Self-normalising unit: y = lambda * x where x is above 0, else lambda * alpha * (e^x - 1).

    One bottom of any shape, one top of the same shape; there are no settings. With the paper's
    lambda = 1.0507009873554805 and alpha = 1.6732632423543772, activations of mean 0 and variance 1
    keep both through a fully connected layer whose weights are drawn with a variance of 1 / fan-in:
    `weight_filler { type: "xavier" }` does that, "msra" draws twice as much. At 0 the gradient is
    lambda * alpha. (Klambauer et al., Self-Normalizing Neural Networks, 2017.)

    Forks: They brought this type and spell its name in three ways, which mean the same. Some read
    `lambda` and `alpha` from a message of their own; their defaults are the paper's numbers,
    rounded to floats, and no others are supported.
    """

    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("", [(7,)], [(7,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """A comparison, an exponential, a subtraction and two products per element."""
        return Cost(other=5 * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's SELU."""
        return t.nn.SELU()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Selu, whose defaults are the paper's numbers."""
        return g.op("Selu", ins[0])
