"""Comparison with a threshold."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer


@layer("Threshold", param="threshold_param", role="activation")
class Threshold(LayerType):
    """Tell what is above a threshold: y = 1 where x > threshold, and 0 elsewhere.

    One bottom of any shape, one top of the same shape. `threshold` is 0 by default; an element that
    equals it gives 0, and so does NaN. The bottom gets no gradient: layers before it learn nothing
    through it.
    """

    no_grad_bottoms = (0,)
    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("threshold_param { threshold: 0.5 }", [(2, 7)], [(2, 7)]),
        Example("threshold_param { threshold: -1 }", [(7,)], [(7,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """A comparison per element."""
        return Cost(other=count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """A comparison, as numbers."""
        return t.ops.Threshold(n.p.threshold)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Greater, cast to float."""
        above = g.op("Greater", ins[0], g.constant(n.p.threshold))
        return g.op("Cast", above, to=_FLOAT)


_FLOAT = 1
"""ONNX's number for float32."""
