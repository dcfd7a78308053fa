"""Mean and variance normalisation."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, ignored, layer
from netdef.ir import Shape

_AXES = 4


@layer("MVN", param="mvn_param", role="normalization")
class MVN(LayerType):
    """Bring every channel of every item to mean 0 and variance 1.

        y = (x - mean) / (standard deviation + eps)

    Bottom: x (N, C, H, W), or fewer axes. Top: (N, C, H, W), always with four axes: those that the
    bottom lacks are added at the end, with the size 1. Mean and (biased) variance are taken over H
    and W; with `across_channels: true` over C, H and W. `normalize_variance: false` only subtracts
    the mean. There are no weights, TRAIN and TEST are alike, and no item sees another.

    Easy to get wrong: `eps` (1e-9) is added to the standard deviation, not to the variance under
    the root as in BatchNorm or torch's InstanceNorm. And a bottom (N, C) has one value per channel,
    which becomes 0: there, `across_channels: true` is wanted.

    The gradient is Caffe's, (dy - mean(dy) - y * mean(dy * y)) / (standard deviation + eps): exact
    where eps is small against the deviation, and finite in a channel of equal values.
    """

    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("mvn_param { across_channels: true }", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("mvn_param { normalize_variance: false }", [(2, 3, 4)], [(2, 3, 4, 1)]),
        Example(
            "mvn_param { normalize_variance: false across_channels: true }",
            [(2, 3, 2, 2)],
            [(2, 3, 2, 2)],
        ),
        Example("mvn_param { eps: 0.5 }", [(2, 3, 6)], [(2, 3, 6, 1)]),
        Example("mvn_param { across_channels: true }", [(2, 7)], [(2, 7, 1, 1)]),
        Example("", [(3,)], [(3, 1, 1, 1)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The bottom's shape with four axes."""
        if len(n.ins[0]) > _AXES:
            n.mismatch("bottom[0]", f"MVN takes up to (N, C, H, W), not {len(n.ins[0])} axes")
        if n.p.eps < 0:
            n.fault("eps", f"`eps` must not be negative, but is {n.p.eps:g}")
        reason = "with `normalize_variance: false` nothing is divided"
        warnings = [] if n.p.normalize_variance else ignored(n, "eps", reason=reason)
        return Signature([_four(n)], warnings=warnings)

    def cost(self, n: Instance) -> Cost:
        """Per element a sum and a difference, per mean a division.

        With the variance, per element a square, a sum and a division, and per mean a division, a
        root and a sum more.
        """
        shape = _four(n)
        means = count(shape, 0, 1 if n.p.across_channels else 2)
        each, once = (5, 4) if n.p.normalize_variance else (2, 1)
        return Cost(other=count(shape) * each + means * once)

    def torch(self, n: Instance, t: Any) -> Any:
        """Means over two or three axes."""
        return t.ops.MVN(n.p.normalize_variance, n.p.across_channels, n.p.eps)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """ReduceMean, Sub, Sqrt and Div; MeanVarianceNormalization has another eps."""
        rank = len(n.ins[0])
        x = ins[0]
        if rank < _AXES:
            x = g.op("Unsqueeze", x, g.constant(range(rank, _AXES)))
        axes = [1, 2, 3] if n.p.across_channels else [2, 3]
        centred = g.op("Sub", x, g.op("ReduceMean", x, axes=axes))
        if not n.p.normalize_variance:
            return centred
        variance = g.op("ReduceMean", g.op("Mul", centred, centred), axes=axes)
        return g.op("Div", centred, g.op("Add", g.op("Sqrt", variance), g.constant(float(n.p.eps))))


def _four(n: Instance) -> Shape:
    shape = n.ins[0]
    return shape + (1,) * (_AXES - len(shape))
