"""Share of items whose class is found."""

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


@layer("Accuracy", param="accuracy_param", role="sink")
class Accuracy(LayerType):
    """Share of the items whose true class is among the `top_k` (1 by default) best scores.

    Bottoms: scores (N, C, ...), or probabilities; labels, whole numbers from 0 to C - 1, one per
    position: as many as the scores have elements without `axis` (1 by default), in that order.
    Tops: the share, a scalar from 0 to 1; if asked for, (C) shares of the items of each class.

    An item is right when fewer than `top_k` other scores are at least as large as that of its true
    class. So ties go against it: a net that gives every class the same score has accuracy 0. A
    score that is NaN counts as larger than all others. `ignore_label` names a label whose items do
    not count; a share of no items is 0. Nothing gets a gradient.

    A label that is neither a class nor ignored is an error on a CPU; on a GPU, where finding it
    would stop the program, the share becomes NaN.
    """

    bottoms = 2
    tops = range(1, 3)
    no_grad_bottoms = (0, 1)
    examples = (
        Example("", [(9, 5), Labels(9, below=5)], [()]),
        Example("accuracy_param { top_k: 3 }", [(9, 7), Labels(9, 1, below=7)], [()]),
        Example("", [(30, 4), Labels(30, below=4)], [(), (4,)]),
        Example("", [(3, 5, 4, 2), Labels(3, 1, 4, 2, below=5)], [()]),
        Example(
            "accuracy_param { axis: -1 ignore_label: 0 top_k: 2 }",
            [(3, 4, 5), Labels(3, 4, below=5)],
            [(), (5,)],
        ),
    )

    def signature(self, n: Instance) -> Signature:
        """A scalar; the second top has an element per class."""
        scores = n.ins[0]
        axis = n.axis("axis", len(scores))
        classes = scores[axis]
        with n.collect():
            if not 1 <= n.p.top_k <= classes:
                message = f"`top_k` must be from 1 to the number of classes, {classes}"
                n.fault("top_k", f"{message}, not {n.p.top_k}", bottom=0)
            check_labels(n, axis)
        return Signature([(), (classes,)][: len(n.tops)])

    def cost(self, n: Instance) -> Cost:
        """A comparison and an addition per score."""
        return Cost(other=2 * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Count the scores that are not below the true class's."""
        return t.ops.Accuracy(
            n.p.top_k,
            n.axis("axis", len(n.ins[0])),
            ignore_label=n.p.ignore_label if n.p.HasField("ignore_label") else None,
            per_class=len(n.tops) > 1,
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """None: there are no labels."""
        n.unsupported("an accuracy is measured only where labels are given")
