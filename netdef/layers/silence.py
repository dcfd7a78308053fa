"""Silence."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, at_least, layer


@layer("Silence", param=None, role="sink")
class Silence(LayerType):
    """Read blobs that nobody needs, so that they are not outputs of the net.

    It makes nothing, and its bottoms get no gradient from it.
    """

    bottoms = at_least(1)
    tops = 0
    examples = (Example("", [(2, 3)]), Example("", [(2, 3, 4, 5), (2,)]))

    def signature(self, n: Instance) -> Signature:
        del n
        return Signature([])

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        return t.ops.Silence()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """No nodes and no tops."""
        del n, g, ins
        return ()
