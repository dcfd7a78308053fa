"""Cross entropy of probabilities."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    Labels,
    LayerType,
    Signature,
    Uniform,
    check_labels,
    count,
    layer,
)


@layer("MultinomialLogisticLoss", param=None, role="loss")
class MultinomialLogisticLoss(LayerType):
    """Mean over the batch of -log(p[label]), where p are probabilities already.

    Bottoms: probabilities (N, C, ...), as a Softmax makes them; N labels, whole numbers. Top: a
    scalar. All axes after the first count as one: a label is an index into the C * H * W
    probabilities of its item, and there is one label per item, not one per position.

    A probability below 1e-20 counts as that: no item costs more than 46.1, and its gradient is
    -1e20 / N. SoftmaxWithLoss takes the scores instead and has neither of these troubles.

    Labels get no gradient; nothing is ignored, and `loss_param` means nothing here. A label that is
    no class is an error on a CPU; on a GPU, where finding it would stop the program, the loss
    becomes NaN.
    """

    bottoms = 2
    loss = True
    no_grad_bottoms = (1,)
    examples = (
        Example("", [Uniform(5, 7), Labels(5, below=7)], [()]),
        Example("", [Uniform(4, 3, 1, 2), Labels(4, 1, 1, 1, below=6)], [()], phase="TRAIN"),
    )

    def signature(self, n: Instance) -> Signature:
        """A scalar."""
        p = n.ins[0]
        if len(p) < 2:
            text = "the probabilities need an axis for the batch and one for the classes"
            n.mismatch("bottom[0]", text)
        check_labels(n, 1, (p[0], count(p, 1)))
        return Signature([()])

    def cost(self, n: Instance) -> Cost:
        """A comparison, a logarithm and an addition per item."""
        return Cost(other=3 * n.ins[0][0])

    def torch(self, n: Instance, t: Any) -> Any:
        """A logarithm with a bound."""
        return t.ops.MultinomialLogisticLoss()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """None: there are no labels."""
        n.unsupported("a loss exists only in training")
