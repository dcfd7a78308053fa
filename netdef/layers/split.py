"""Split."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, at_least, layer


@layer("Split", param=None, role="shape")
class Split(LayerType):
    """Give every top the values of the bottom.

    Seldom written: several layers may read one blob without it.
    """

    tops = at_least(1)
    examples = (
        Example("", [(2, 3, 4)], [(2, 3, 4)] * 3),
        Example("", [(2, 3)], [(2, 3)]),
    )

    def signature(self, n: Instance) -> Signature:
        return Signature([n.ins[0]] * len(n.tops))

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed; the gradients of the tops are added."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        return t.ops.Split(len(n.tops))

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """An Identity per top."""
        tops = tuple(g.op("Identity", ins[0]) for _ in n.tops)
        return tops[0] if len(tops) == 1 else tops
