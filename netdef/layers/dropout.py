"""Dropout."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer

_SHAPE = (4, 16)


@layer("Dropout", param="dropout_param", role="regularization")
class Dropout(LayerType):
    """In phase TRAIN, make each element 0 with probability `dropout_ratio` (0.5 by default).

    The elements that stay are multiplied by 1 / (1 - dropout_ratio), so that the expected value is
    the input, and phase TEST passes its input on unchanged. (Hinton et al., Improving neural
    networks by preventing co-adaptation of feature detectors, 2012.)

    Two fields come from forks. With `sample_weights_test: true` (SegNet) it drops in TEST as well,
    so that every run samples another net. With `scale_train: false` (Fast R-CNN) what stays is not
    multiplied in TRAIN; in TEST everything is multiplied by 1 - dropout_ratio instead.

    `dropout_ratio` is the share that is dropped, not the share that is kept. The phase is the
    net's, or the layer's own `phase`; calling `train()` or `eval()` on the program changes nothing.
    """

    examples = (
        Example("", [(2, 3, 4)], [(2, 3, 4)]),
        Example("dropout_param { dropout_ratio: 0.3 scale_train: false }", [_SHAPE], [_SHAPE]),
        Example("dropout_param { dropout_ratio: 0 }", [_SHAPE], [_SHAPE], phase="TRAIN"),
        Example(
            "dropout_param { dropout_ratio: 0.4 }", [_SHAPE], [_SHAPE], 0, "TRAIN", random=True
        ),
        Example(
            "dropout_param { dropout_ratio: 0.4 scale_train: false }",
            [_SHAPE],
            [_SHAPE],
            phase="TRAIN",
            random=True,
        ),
        Example("dropout_param { sample_weights_test: true }", [_SHAPE], [_SHAPE], random=True),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        ratio = n.p.dropout_ratio
        if not 0 <= ratio < 1:
            message = f"`dropout_ratio` must be at least 0 and less than 1, not {ratio:g}"
            n.fault("dropout_ratio", message, note="it is the share that is dropped")
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """A comparison and a product per element where it drops, a product where it scales."""
        return Cost(other=(2 * _drops(n) or int(not n.p.scale_train)) * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Identity where nothing is dropped or scaled; otherwise an op that heeds no mode."""
        if n.p.scale_train and not _drops(n):
            return t.nn.Identity()
        return t.ops.Dropout(n.p.dropout_ratio, drops=_drops(n), scale_train=n.p.scale_train)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Identity or Mul; Dropout where it drops in phase TEST."""
        if n.training and _drops(n):
            n.unsupported("in phase TRAIN a Dropout drops at random; export the net of phase TEST")
        x = ins[0]
        if _drops(n):
            x = g.op("Dropout", x, g.constant(n.p.dropout_ratio), g.constant(True))
        if not n.p.scale_train:
            return g.op("Mul", x, g.constant(1 - n.p.dropout_ratio))
        return x if _drops(n) else g.op("Identity", x)


def _drops(n: Instance) -> bool:
    return bool(n.p.dropout_ratio) and (n.training or n.p.sample_weights_test)
