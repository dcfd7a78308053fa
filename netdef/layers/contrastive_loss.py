"""Distance of like pairs, closeness of unlike pairs."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Marker, Signature, count, layer


@layer("ContrastiveLoss", param="contrastive_loss_param", role="loss")
class ContrastiveLoss(LayerType):
    """Pull the features of like pairs together, and push those of unlike pairs apart.

    With d the Euclidean distance of the n-th rows of a and b, and N pairs, the loss is

        1 / (2 N) * sum of  d^2                   over like pairs
                            max(margin - d, 0)^2  over unlike pairs

    Bottoms: features a (N, C) and b (N, C); N marks, not 0 where the pair is alike. Features may
    have more axes of size 1, as (N, C, 1, 1). Top: a scalar. Both features get a gradient.

    `margin` (1) is the distance from which unlike pairs cost nothing. With `legacy_version: true`
    they cost max(margin - d^2, 0), which is what Caffe once computed: then `margin` is a squared
    distance, and a net that was tuned for one form needs another margin for the other.

    Easy to get wrong: a mark's fraction is dropped, so 0.9 marks an unlike pair. In the gradient of
    an unlike pair Caffe divides by d + 0.0001: two equal rows get none.

    Source: Hadsell, Chopra and LeCun, Dimensionality reduction by learning an invariant mapping,
    2006.
    """

    bottoms = 3
    loss = True
    no_grad_bottoms = (2,)
    examples = (
        Example("", [(6, 4), (6, 4), Marker(6)], [()]),
        Example("contrastive_loss_param { margin: 3 }", [(6, 4), (6, 4), Marker(6, 1)], [()]),
        Example(
            "contrastive_loss_param { margin: 9 legacy_version: true }",
            [(4, 5), (4, 5, 1, 1), Marker(4, 1, 1, 1)],
            [()],
            phase="TRAIN",
        ),
    )

    def signature(self, n: Instance) -> Signature:
        """A scalar."""
        a, b, marks = n.ins
        for index, shape in enumerate((a, b)):
            if len(shape) < 2 or count(shape, 2) != 1:
                n.mismatch(f"bottom[{index}]", "the features need the shape (N, C)")
        with n.collect():
            if a[:2] != b[:2]:
                text = f"the features are {a[0]} x {a[1]} in `{n.bottoms[0]}`"
                n.fault("bottom[1]", f"{text}, but {b[0]} x {b[1]} here", "shape-mismatch")
            if count(marks) != a[0]:
                text = f"{a[0]} pairs need {a[0]} marks, not {count(marks)}"
                n.fault("bottom[2]", text, "shape-mismatch")
            if not n.p.margin >= 0:
                n.fault("margin", f"`margin` must be at least 0, not {n.p.margin:g}")
        return Signature([()])

    def cost(self, n: Instance) -> Cost:
        """A difference, a square and a sum per element of a; five operations per pair."""
        return Cost(other=3 * count(n.ins[0]) + 5 * n.ins[0][0])

    def torch(self, n: Instance, t: Any) -> Any:
        """Squared distances, and what unlike ones lack."""
        return t.ops.ContrastiveLoss(n.p.margin, legacy=n.p.legacy_version)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """None: there are no marks."""
        n.unsupported("a loss exists only in training")
