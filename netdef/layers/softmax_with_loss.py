"""Cross entropy of a softmax."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    Labels,
    LayerType,
    Signature,
    Values,
    check_labels,
    count,
    layer,
    normalization,
)

_SCORES, _LABELS = Values((2, 5, 3, 4)), Labels(2, 3, 4, below=5)


@layer("SoftmaxWithLoss", param="softmax_param", role="loss")
class SoftmaxWithLoss(LayerType):
    """Mean of -log(p[label]), where p is the softmax of the scores over `softmax_param.axis`.

    Bottoms: scores (N, C, ...), not probabilities; labels, whole numbers from 0 to C - 1, one per
    position: as many as the scores have elements without the class axis, in that order, so (N),
    (N, 1), (N, H, W) and (N, 1, H, W) all do. Tops: the loss, a scalar; if asked for, the softmax.
    A probability below the least normal float, 1.2e-38, counts as that: no position costs more than
    87.3, but its gradient is that of its own probability.

    `loss_param.ignore_label` names a label whose positions cost nothing. The sum is divided by what
    `loss_param.normalization` says, but at least by 1: VALID (the default), the positions that are
    not ignored; FULL, all positions; BATCH_SIZE, the product of the axes before the class axis;
    NONE, 1; PRE_FIXED (R-FCN), `pre_fixed_normalizer`. In old files `normalize: true` is VALID and
    `normalize: false` is BATCH_SIZE; `normalization` wins over it.

    With `weight_by_label_freqs: true` (SegNet) each position's loss is multiplied by the weight
    that `class_weighting` gives for its label; the divisor is not.

    Labels get no gradient. A label that is neither a class nor ignored is an error on a CPU; on a
    GPU, where finding it would stop the program, the loss becomes NaN.
    """

    bottoms = 2
    tops = range(1, 3)
    loss = True
    no_grad_bottoms = (1,)
    examples = (
        Example("", [(4, 10), Labels(4, below=10)], [()]),
        Example("", [(4, 10), Labels(4, 1, 1, 1, below=10)], [(), (4, 10)]),
        Example("", [_SCORES, _LABELS], [()]),
        Example("loss_param { ignore_label: 2 }", [_SCORES, _LABELS], [()]),
        Example("loss_param { ignore_label: 2 normalization: FULL }", [_SCORES, _LABELS], [()]),
        Example("loss_param { normalization: BATCH_SIZE }", [_SCORES, _LABELS], [()]),
        Example("loss_param { normalization: NONE }", [_SCORES, _LABELS], [()]),
        Example("loss_param { normalize: false }", [_SCORES, _LABELS], [()], phase="TRAIN"),
        Example(
            "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 128 }",
            [_SCORES, _LABELS],
            [()],
        ),
        Example(
            "loss_param { weight_by_label_freqs: true"
            " class_weighting: 0.5 class_weighting: 1 class_weighting: 4 }",
            [(2, 3, 4, 4), Labels(2, 1, 4, 4, below=3)],
            [()],
        ),
        Example("softmax_param { axis: -1 }", [(2, 3, 7), Labels(2, 3, below=7)], [()]),
    )

    def signature(self, n: Instance) -> Signature:
        """A scalar; the second top has the shape of the scores."""
        axis = n.axis("axis", len(n.ins[0]))
        with n.collect():
            check_labels(n, axis)
            _check_class_weights(n, n.ins[0][axis])
        return Signature([(), n.ins[0]][: len(n.tops)])

    def cost(self, n: Instance) -> Cost:
        """A softmax (5 per score), then a comparison, a logarithm and an addition per label."""
        return Cost(other=5 * count(n.ins[0]) + 3 * count(n.ins[1]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Negative log-likelihood of a log-softmax."""
        p = n.message.loss_param
        return t.ops.SoftmaxWithLoss(
            n.axis("axis", len(n.ins[0])),
            normalization(n),
            ignore_label=p.ignore_label if p.HasField("ignore_label") else None,
            divisor=p.pre_fixed_normalizer,
            class_weights=tuple(p.class_weighting) if p.weight_by_label_freqs else None,
            softmax_top=len(n.tops) > 1,
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """None: there are no labels."""
        n.unsupported("a loss exists only in training")


def _check_class_weights(n: Instance, classes: int) -> None:
    p = n.message.loss_param
    if p.weight_by_label_freqs and len(p.class_weighting) != classes:
        given = len(p.class_weighting)
        message = f"`class_weighting` is given {given} times, but there are {classes} classes"
        n.fault("loss_param.class_weighting", message, bottom=0, because=("axis",))
