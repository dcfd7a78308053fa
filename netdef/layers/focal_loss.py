"""Cross entropy that plays down what is found easily."""

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
    ignored,
    layer,
    normalization,
)

_LINEAR = 1
_SCORES, _LABELS = (2, 5, 3, 4), Labels(2, 1, 3, 4, below=5)


@layer("FocalLoss", param="focal_loss_param", role="loss")
class FocalLoss(LayerType):
    """Cross entropy of a softmax in which positions that are found easily count for less.

    A position whose true class has the probability p costs

        -alpha * (1 - p)^gamma * log(p)

    where p is the softmax of the scores over `softmax_param.axis` (1), `gamma` is 2 and `alpha`
    0.25 if not given. `gamma: 0 alpha: 1` is SoftmaxWithLoss.

    Bottoms: scores (N, C, ...), not probabilities; labels, whole numbers from 0 to C - 1, one per
    position: as many as the scores have elements without the class axis, in that order. Tops: the
    loss, a scalar; if asked for, the softmax.

    `loss_param.ignore_label` names a label whose positions cost nothing. The sum is divided by what
    `loss_param.normalization` says, but at least by 1: VALID (the default), the positions that are
    not ignored; FULL, all positions; BATCH_SIZE, the product of the axes before the class axis;
    NONE, 1; PRE_FIXED (R-FCN), `pre_fixed_normalizer`. In old files `normalize: true` is VALID and
    `normalize: false` is BATCH_SIZE; `normalization` wins over it.

    Easy to get wrong: `alpha` is one factor for all classes, not the paper's balance of objects and
    background. The paper divides by the number of objects; that is none of the divisors here.

    Labels get no gradient. A label that is neither a class nor ignored is an error on a CPU; on a
    GPU, where finding it would stop the program, the loss becomes NaN.

    Source: Lin, Goyal, Girshick, He and Dollar, Focal loss for dense object detection, 2017.

    Forks: this is the form with a softmax that most forks have. Its `type: LINEAR` and `beta` are
    declared there, but the published code computes ORIGIN whatever they say, so LINEAR is an error
    here. Forks with a sigmoid per class have a message of their own under the same name.
    """

    bottoms = 2
    tops = range(1, 3)
    loss = True
    no_grad_bottoms = (1,)
    examples = (
        Example("", [(4, 10), Labels(4, below=10)], [()]),
        Example("focal_loss_param { gamma: 0.5 alpha: 1 }", [_SCORES, _LABELS], [(), _SCORES]),
        Example(
            "focal_loss_param { gamma: 0 } loss_param { ignore_label: 2 }", [_SCORES, _LABELS], [()]
        ),
        Example(
            "focal_loss_param { type: ORIGIN } loss_param { normalize: false ignore_label: 0 }",
            [_SCORES, _LABELS],
            [()],
            phase="TRAIN",
        ),
        Example("loss_param { normalization: FULL }", [_SCORES, _LABELS], [()]),
        Example("loss_param { normalization: NONE }", [_SCORES, _LABELS], [()]),
        Example(
            "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 64 }",
            [_SCORES, _LABELS],
            [()],
        ),
        Example("softmax_param { axis: -1 }", [(2, 3, 7), Labels(2, 3, below=7)], [()]),
    )

    def signature(self, n: Instance) -> Signature:
        """A scalar; the second top has the shape of the scores."""
        axis = _axis(n)
        with n.collect():
            check_labels(n, axis, field="softmax_param.axis")
            if n.p.type == _LINEAR:
                text = "no published code computes LINEAR, though several declare it"
                n.fault("type", text, "unsupported", "leave out `type`: they all compute ORIGIN")
            if not n.p.gamma >= 0:
                n.fault("gamma", f"`gamma` must be at least 0, not {n.p.gamma:g}")
            if not n.p.alpha > 0:
                n.fault("alpha", f"`alpha` must be above 0, not {n.p.alpha:g}")
        warnings = ignored(n, "beta", reason="`beta` belongs to `type: LINEAR`")
        return Signature([(), n.ins[0]][: len(n.tops)], warnings=warnings)

    def cost(self, n: Instance) -> Cost:
        """A softmax (5 per score), then seven operations per label.

        A comparison, a logarithm, 1 - p, a power, two products and a sum.
        """
        return Cost(other=5 * count(n.ins[0]) + 7 * count(n.ins[1]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Negative log-likelihood of a log-softmax, each position with a factor."""
        p = n.message.loss_param
        return t.ops.FocalLoss(
            n.p.alpha,
            n.p.gamma,
            _axis(n),
            normalization(n),
            ignore_label=p.ignore_label if p.HasField("ignore_label") else None,
            divisor=p.pre_fixed_normalizer,
            softmax_top=len(n.tops) > 1,
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """None: there are no labels."""
        n.unsupported("a loss exists only in training")


def _axis(n: Instance) -> int:
    axis, rank = n.message.softmax_param.axis, len(n.ins[0])
    if not -rank <= axis < rank:
        text = f"`axis` is {axis}, but the input has {rank} axes"
        n.fault("softmax_param.axis", text, bottom=0)
    return axis % rank
