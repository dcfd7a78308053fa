"""Cross entropy of sigmoids."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    Labels,
    LayerType,
    Signature,
    count,
    layer,
    normalization,
)

_INS = (4, 6), Labels(4, 6, below=2)
_THREE = (4, 6), Labels(4, 6, below=3)


@layer("SigmoidCrossEntropyLoss", param="loss_param", role="loss")
class SigmoidCrossEntropyLoss(LayerType):
    """Sum of -(t log s(x) + (1 - t) log(1 - s(x))), divided by the batch; s is the sigmoid.

    Bottoms: scores x, not probabilities; as many targets t, each from 0 to 1 (independent yes-or-no
    questions; they need not be whole numbers). Top: a scalar. It is computed as
    max(x, 0) - x t + log(1 + e^-|x|), which is exact for large scores.

    `ignore_label` names a target (its whole part is compared) that costs nothing. The sum is
    divided by what `normalization` says, but at least by 1: BATCH_SIZE, the first axis alone, is
    the default (SoftmaxWithLoss has another), so the loss grows with the number of scores per
    item; FULL, all elements; VALID, those not ignored; NONE, 1; PRE_FIXED (R-FCN),
    `pre_fixed_normalizer`. In old files `normalize: true` is VALID and `normalize: false` is
    BATCH_SIZE; `normalization` wins over it. Targets get no gradient.
    """

    bottoms = 2
    loss = True
    no_grad_bottoms = (1,)
    examples = (
        Example("", _INS, [()]),
        Example("", [(2, 3, 4, 4), Labels(2, 48, below=2)], [()]),
        Example("loss_param { ignore_label: 2 normalization: VALID }", _THREE, [()]),
        Example("loss_param { ignore_label: 2 }", _THREE, [()]),
        Example("loss_param { normalization: FULL }", _INS, [()]),
        Example("loss_param { normalization: NONE }", _INS, [()]),
        Example("loss_param { normalize: true }", _INS, [()], phase="TRAIN"),
        Example("loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 16 }", _INS, [()]),
    )

    def signature(self, n: Instance) -> Signature:
        """A scalar."""
        scores, targets = n.ins
        if not scores:
            n.mismatch("bottom[0]", "the scores need an axis for the batch")
        if count(scores) != count(targets):
            n.mismatch("bottom[1]", f"{count(targets)} targets for {count(scores)} scores")
        if targets and targets[0] != scores[0]:
            message = f"the first axis is {scores[0]} in the scores and {targets[0]} in the targets"
            n.mismatch("bottom[1]", message)
        return Signature([()])

    def cost(self, n: Instance) -> Cost:
        """An exponential, a logarithm, a product, two comparisons and four sums per element."""
        return Cost(other=9 * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's binary cross entropy with logits, divided as Caffe does."""
        ignored = n.p.ignore_label if n.p.HasField("ignore_label") else None
        return t.ops.SigmoidCrossEntropyLoss(
            normalization(n, "BATCH_SIZE"), ignore_label=ignored, divisor=n.p.pre_fixed_normalizer
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """None: there are no targets."""
        n.unsupported("a loss exists only in training")
