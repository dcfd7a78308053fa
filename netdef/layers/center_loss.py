"""Distance of features from the centre of their class."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    Labels,
    LayerType,
    Signature,
    Weight,
    count,
    layer,
)


@layer("CenterLoss", param="center_loss_param", role="loss")
class CenterLoss(LayerType):
    """Pull the features of each class together: half the mean squared distance from its centre.

    With N items x of class y, and a learned centre c per class:

        1 / (2 N) * sum over items of |x - c[y]|^2

    Bottoms: features (N, ...), flattened from `axis` (1) on into K numbers; N labels, whole numbers
    from 0 to `num_output` - 1. Top: a scalar. The centres, (`num_output`, K), are the layer's
    parameter, started by `center_filler` (0 by default; published nets use xavier).

    The centres do not follow the gradient of the loss but a running mean: a class with n items in
    the batch gets

        sum over its items of (c - x) / (1 + n)

    and this has no loss weight on it. How fast the centres move is the learning rate times their
    `lr_mult` alone; the loss weight, usually 0.001 to 0.01, says only how strongly the features are
    pulled.

    Easy to get wrong: the loss weight is 0 if not given. Put it next to a SoftmaxWithLoss: alone it
    is best served by features that are all the same. Labels get no gradient. A label that is no
    class is an error on a CPU; on a GPU, where finding it would stop the program, the loss becomes
    NaN.

    Source: Wen, Zhang, Li and Qiao, A discriminative feature learning approach for deep face
    recognition, 2016.

    Forks: caffe-face, and others after it.
    """

    bottoms = 2
    no_grad_bottoms = (1,)
    examples = (
        Example("center_loss_param { num_output: 5 }", [(6, 4), Labels(6, below=5)], [()], 20),
        Example(
            'center_loss_param { num_output: 3 axis: -3 center_filler { type: "xavier" } }'
            " loss_weight: 0.01",
            [(4, 2, 3, 1), Labels(4, 1, 1, 1, below=3)],
            [()],
            18,
            phase="TRAIN",
        ),
    )

    def signature(self, n: Instance) -> Signature:
        """A scalar; the centres."""
        p, features = n.p, n.ins[0]
        if not p.HasField("num_output"):
            n.fault(
                "num_output",
                "CenterLoss needs `num_output`, the number of classes",
                "missing-field",
            )
        if p.num_output < 1:
            n.fault("num_output", f"`num_output` must be at least 1, not {p.num_output}")
        axis = n.axis("axis", len(features))
        if axis == 0 or count(features, 1, axis) != 1:
            text = f"`axis` is {p.axis}, but all axes after the batch are features of an item"
            n.fault("axis", text, bottom=0)
        shape = (p.num_output, count(features, axis))
        if count(n.ins[1]) != features[0]:
            text = f"{features[0]} items need {features[0]} labels, not {count(n.ins[1])}"
            n.mismatch("bottom[1]", text)
        return Signature([()], [Weight("centers", shape, n.filler("center_filler"))])

    def cost(self, n: Instance) -> Cost:
        """A difference, a square and a sum per feature."""
        return Cost(other=3 * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Squared distances, with a gradient of its own for the centres."""
        classes, features = n.sig.weights[0].shape
        given = n.message.loss_weight
        return t.ops.CenterLoss(classes, features, loss_weight=(given[0] if given else 0) or 1.0)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """None: there are no labels."""
        n.unsupported("a loss exists only in training")
