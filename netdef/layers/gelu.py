"""Gaussian error linear unit."""

import math
from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer


@layer("GELU", param=None, role="activation")
class GELU(LayerType):
    """Weigh every element by the normal distribution: y = x / 2 * (1 + erf(x / sqrt(2))).

    One bottom of any shape, one top of the same shape; there are no settings. The factor of x is
    the probability that a standard normal number is below x. This is the exact form. (Hendrycks
    and Gimpel, Gaussian Error Linear Units, 2016.)

    Forks: They brought this type. The one that is known for it, caffe-pruning, computes the paper's
    approximation, x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))), and multiplies it by a
    setting. Nothing in a file tells the two forms apart; they differ by at most 0.0005.
    """

    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("", [(7,)], [(7,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """Two divisions, an error function, an addition and a product per element."""
        return Cost(other=5 * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's GELU."""
        return t.nn.GELU()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Its definition with Erf: Gelu is an operator only from opset 20 on."""
        x = ins[0]
        error = g.op("Erf", g.op("Div", x, g.constant(math.sqrt(2))))
        twice = g.op("Mul", x, g.op("Add", error, g.constant(1.0)))
        return g.op("Mul", twice, g.constant(0.5))
