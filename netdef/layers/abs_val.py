"""Absolute value."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer


@layer("AbsVal", param=None, role="activation")
class AbsVal(LayerType):
    """Absolute value, element by element: y = |x|.

    One bottom of any shape, one top of the same shape; there are no settings. The gradient is the
    sign of x, so none flows where x is 0.
    """

    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("", [(7,)], [(7,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """A comparison per element."""
        return Cost(other=count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's abs."""
        return t.ops.AbsVal()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Abs."""
        return g.op("Abs", ins[0])
