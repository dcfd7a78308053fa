"""Mish."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, Uniform, count, layer


@layer("Mish", param=None, role="activation")
class Mish(LayerType):
    """A smooth activation with a dip below 0: y = x * tanh(ln(1 + e^x)).

    One bottom of any shape, one top of the same shape; there are no settings. It is nearly x for
    large x, has its least value, -0.31, near x = -1.19, and tends to 0 below. Large x do not
    overflow. (Misra, Mish: A Self Regularized Non-Monotonic Activation Function, 2019.)

    Forks: Those for YOLO v4 and Synopsys' brought this type. All compute the above; they differ in
    where large x are cut off, which changes less than a float can hold.
    """

    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("", [Uniform(2, 9, low=-200.0, high=200.0)], [(2, 9)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """A softplus (3), a hyperbolic tangent (5) and a product per element."""
        return Cost(other=9 * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's Mish."""
        return t.nn.Mish()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Mul with the Tanh of a Softplus: Mish is an operator only from opset 18 on."""
        return g.op("Mul", ins[0], g.op("Tanh", g.op("Softplus", ins[0])))
