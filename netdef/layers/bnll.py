"""Binomial normal log likelihood."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, Uniform, count, layer


@layer("BNLL", param=None, role="activation")
class BNLL(LayerType):
    """A smooth rectifier, element by element: y = ln(1 + e^x), also known as softplus.

    One bottom of any shape, one top of the same shape; there are no settings. It tends to 0 for
    negative x and to x for positive ones, and is ln 2 at 0. Large x do not overflow: there the top
    is x itself. The name is Caffe's, for "binomial normal log likelihood"; it is no loss. The
    gradient is the sigmoid of x.
    """

    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("", [Uniform(2, 9, low=-200.0, high=200.0)], [(2, 9)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """An exponential, an addition and a logarithm per element."""
        return Cost(other=3 * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's Softplus."""
        return t.nn.Softplus()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Softplus."""
        return g.op("Softplus", ins[0])
