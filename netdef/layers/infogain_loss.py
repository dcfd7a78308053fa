"""Cross entropy with a matrix of what each mistake costs."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    Labels,
    LayerType,
    Problem,
    Signature,
    Uniform,
    check_labels,
    count,
    ignored,
    layer,
    normalization,
)

_SCORES, _LABELS, _H = (2, 4, 3, 2), Labels(2, 3, 2, below=4), Uniform(1, 1, 4, 4)


@layer("InfogainLoss", param="infogain_loss_param", role="loss")
class InfogainLoss(LayerType):
    """Cross entropy in which a matrix H says what every class is worth when another is true.

    A position with label l costs

        - sum over all classes k of  H[l, k] * log p[k]

    where p is the softmax of the scores over `axis` (1). With H the identity matrix this is
    SoftmaxWithLoss; a diagonal H weights the classes.

    Bottoms: scores (N, C, ...), not probabilities; labels, whole numbers from 0 to C - 1, one per
    position, as many as the scores have elements without the class axis; H, C * C values by rows,
    unless `source` names a binaryproto file that holds it. Tops: the loss, a scalar; if asked for,
    the softmax. The file is looked for as sources of data are.

    `loss_param.ignore_label` names a label whose positions cost nothing. The sum is divided by what
    `loss_param.normalization` says, but at least by 1: VALID (the default), the positions that are
    not ignored; FULL, all positions; BATCH_SIZE, the product of the axes before the class axis;
    NONE, 1; PRE_FIXED (R-FCN), `pre_fixed_normalizer`. The old `normalize` is an error here.

    Easy to get wrong: the softmax is computed here, so the bottom is not a Softmax (in Caffe before
    1.0 it was). Every class counts, not only the true one. A probability below 1e-20 counts as
    that; its gradient is that of its own probability. Labels and H get no gradient. A label that is
    neither a class nor ignored is an error on a CPU; on a GPU the loss becomes NaN.
    """

    bottoms = range(2, 4)
    tops = range(1, 3)
    loss = True
    no_grad_bottoms = (1, 2)
    examples = (
        Example("", [(5, 4), Labels(5, below=4), Uniform(4, 4)], [()]),
        Example("", [_SCORES, _LABELS, _H], [(), _SCORES]),
        Example(
            "infogain_loss_param { axis: -1 } loss_param { ignore_label: 0 }",
            [(2, 3, 4), Labels(2, 3, 1, below=4), Uniform(4, 4, low=-1)],
            [()],
            phase="TRAIN",
        ),
        Example("loss_param { normalization: FULL ignore_label: 1 }", [_SCORES, _LABELS, _H], [()]),
        Example("loss_param { normalization: BATCH_SIZE }", [_SCORES, _LABELS, _H], [()]),
        Example("loss_param { normalization: NONE }", [_SCORES, _LABELS, _H], [()]),
        Example(
            "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 64 }",
            [_SCORES, _LABELS, _H],
            [()],
        ),
    )

    def signature(self, n: Instance) -> Signature:
        """A scalar; the second top has the shape of the scores."""
        scores = n.ins[0]
        axis = n.axis("axis", len(scores))
        with n.collect():
            check_labels(n, axis)
            _check_matrix(n, scores[axis])
            if n.message.loss_param.HasField("normalize"):
                note = (
                    "write `normalization: VALID` for true, `normalization: BATCH_SIZE` for false"
                )
                n.fault("loss_param.normalize", "InfogainLoss knows no `normalize`", note=note)
        warnings: list[Problem] = []
        if len(n.ins) > 2:
            warnings = ignored(
                n, "source", reason=f"the matrix is the third bottom, `{n.bottoms[2]}`"
            )
        return Signature([(), scores][: len(n.tops)], warnings=warnings)

    def cost(self, n: Instance) -> Cost:
        """A softmax (5 per score), then a logarithm, a comparison, a product and a sum each."""
        return Cost(other=9 * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """A log-softmax, weighted by rows of the matrix."""
        scores, p = n.ins[0], n.message.loss_param
        axis = n.axis("axis", len(scores))
        return t.ops.InfogainLoss(
            axis,
            normalization(n),
            ignore_label=p.ignore_label if p.HasField("ignore_label") else None,
            divisor=p.pre_fixed_normalizer,
            matrix=None if len(n.ins) > 2 else _stored_matrix(n, t, scores[axis]),
            softmax_top=len(n.tops) > 1,
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """None: there are no labels."""
        n.unsupported("a loss exists only in training")


def _check_matrix(n: Instance, classes: int) -> None:
    if len(n.ins) > 2 and count(n.ins[2]) != classes**2:
        text = f"{classes} classes need a matrix of {classes**2} values, not {count(n.ins[2])}"
        n.fault("bottom[2]", text, "shape-mismatch", because=("axis",))
    if len(n.ins) == 2 and not n.p.source:
        text = "InfogainLoss needs its matrix, as a third bottom or in a file named by `source`"
        n.fault("source", text, "missing-field")


def _stored_matrix(n: Instance, t: Any, classes: int) -> tuple[tuple[float, ...], ...]:
    values = t.blob(n, "source")
    if values.size != classes**2:
        text = f"{classes} classes need a matrix of {classes**2} values"
        n.fault("source", f"{text}, but `{n.p.source}` has {values.size}", "bad-source")
    return tuple(map(tuple, values.reshape(classes, classes).tolist()))
