"""Hyperbolic tangent."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer


@layer("TanH", param="tanh_param", role="activation")
class TanH(LayerType):
    """(e^x - e^-x) / (e^x + e^-x), element by element: any number becomes one between -1 and 1.

    `engine` chose an implementation in Caffe; it changes nothing here.
    """

    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("tanh_param { engine: CUDNN }", [(7,)], [(7,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """Two exponentials, an addition, a subtraction and a division per element."""
        return Cost(other=5 * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's Tanh."""
        return t.nn.Tanh()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Tanh."""
        return g.op("Tanh", ins[0])
