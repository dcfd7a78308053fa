"""Half the mean squared distance."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer


@layer("EuclideanLoss", param=None, role="loss")
class EuclideanLoss(LayerType):
    """sum((a - b)^2) / (2 N), where N is the first axis: the squared distance of the items, halved.

    Bottoms: two blobs of N items with as many elements per item; their shapes may differ, as
    (N, 5) and (N, 5, 1, 1). Top: a scalar. Both bottoms get a gradient. The sum over an item is
    not divided by its number of elements, so this is not the mean squared error.
    """

    bottoms = 2
    loss = True
    examples = (
        Example("", [(4, 5), (4, 5)], [()]),
        Example("", [(2, 3, 4, 5), (2, 3, 4, 5)], [()]),
        Example("", [(4, 5), (4, 5, 1, 1)], [()], phase="TRAIN"),
    )

    def signature(self, n: Instance) -> Signature:
        """A scalar."""
        a, b = n.ins
        for index, shape in enumerate(n.ins):
            if not shape:
                n.mismatch(f"bottom[{index}]", "an axis for the batch is needed")
        if a[0] != b[0]:
            text = f"`{n.bottoms[1]}` has {b[0]} items, but `{n.bottoms[0]}` has {a[0]}"
            n.mismatch("bottom[1]", text)
        if count(a, 1) != count(b, 1):
            text = f"an item of `{n.bottoms[1]}` has {count(b, 1)} elements"
            n.mismatch("bottom[1]", f"{text}, but of `{n.bottoms[0]}` {count(a, 1)}")
        return Signature([()])

    def cost(self, n: Instance) -> Cost:
        """A difference, a square and a sum per element."""
        return Cost(other=3 * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's mean squared error, divided as Caffe does."""
        return t.ops.EuclideanLoss()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """None: there is nothing to compare with."""
        n.unsupported("a loss exists only in training")
