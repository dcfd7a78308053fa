"""Margins of a one-against-all classifier."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    Labels,
    LayerType,
    Signature,
    check_labels,
    count,
    layer,
)

_L2 = 2


@layer("HingeLoss", param="hinge_loss_param", role="loss")
class HingeLoss(LayerType):
    """Sum over all classes of max(0, 1 - s x), divided by the batch; a linear support vector loss.

    s is 1 for the true class and -1 for every other: the true class's score should be above 1, the
    others' below -1. Each class is a question of its own (one against all); scores are not compared
    with each other.

    Bottoms: scores (N, C, ...), not probabilities; N labels, whole numbers. Top: a scalar.

    `norm` is L1 (the default), or L2, which sums the squares. The sum over the classes is not
    divided by their number. All axes after the first count as one: a label is an index into the
    C * H * W scores of its item, and there is one label per item, not one per position.

    Labels get no gradient. A label that is no class is an error on a CPU; on a GPU, where finding
    it would stop the program, the loss becomes NaN.
    """

    bottoms = 2
    loss = True
    no_grad_bottoms = (1,)
    examples = (
        Example("", [(5, 7), Labels(5, below=7)], [()]),
        Example("hinge_loss_param { norm: L2 }", [(5, 7), Labels(5, 1, below=7)], [()]),
        Example("", [(4, 3, 1, 2), Labels(4, 1, 1, 1, below=6)], [()], phase="TRAIN"),
    )

    def signature(self, n: Instance) -> Signature:
        """A scalar."""
        scores = n.ins[0]
        if len(scores) < 2:
            n.mismatch("bottom[0]", "the scores need an axis for the batch and one for the classes")
        check_labels(n, 1, (scores[0], count(scores, 1)))
        return Signature([()])

    def cost(self, n: Instance) -> Cost:
        """A sign, a sum, a comparison and an addition per score; L2 squares, too."""
        return Cost(other=(5 if n.p.norm == _L2 else 4) * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """What the scores lack of their margins."""
        return t.ops.HingeLoss(squared=n.p.norm == _L2)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """None: there are no labels."""
        n.unsupported("a loss exists only in training")
