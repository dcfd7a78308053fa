"""Logistic sigmoid."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer


@layer("Sigmoid", param="sigmoid_param", role="activation")
class Sigmoid(LayerType):
    """1 / (1 + e^-x), element by element: any number becomes one between 0 and 1.

    `engine` chose an implementation in Caffe; it changes nothing here. In front of a
    SigmoidCrossEntropyLoss there must be no Sigmoid: that loss applies one itself.
    """

    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("sigmoid_param { engine: CAFFE }", [(7,)], [(7,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """An exponential, an addition and a division per element."""
        return Cost(other=3 * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's Sigmoid."""
        return t.nn.Sigmoid()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Sigmoid."""
        return g.op("Sigmoid", ins[0])
