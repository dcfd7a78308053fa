"""Swish."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer


@layer("Swish", param="swish_param", role="activation")
class Swish(LayerType):
    """Weigh every element by a sigmoid of itself: y = x * sigmoid(beta * x).

    One bottom of any shape, one top of the same shape. `beta` (1 by default) says how sharp the
    bend is: with 0 the top is x / 2, with a large one it is nearly a ReLU. It is a setting, not
    learned. With `beta: 1` other frameworks call it SiLU. (Ramachandran et al., Searching for
    Activation Functions, 2017.)
    """

    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("swish_param { beta: 1.7 }", [(2, 7)], [(2, 7)]),
        Example("swish_param { beta: 0 }", [(7,)], [(7,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """A sigmoid (3) and a product per element; one more with a beta."""
        return Cost(other=(4 + (n.p.beta != 1)) * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's SiLU, or the same with a beta."""
        return t.nn.SiLU() if n.p.beta == 1 else t.ops.Swish(n.p.beta)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Mul with a Sigmoid."""
        x = ins[0]
        scaled = x if n.p.beta == 1 else g.op("Mul", x, g.constant(n.p.beta))
        return g.op("Mul", x, g.op("Sigmoid", scaled))
