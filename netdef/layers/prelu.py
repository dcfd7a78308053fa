"""Rectified linear unit with learned slopes."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, Weight, count, layer
from netdef.ir import show_shape


@layer("PReLU", param="prelu_param", role="activation")
class PReLU(LayerType):
    """Keep what is positive; multiply the rest by a learned slope, one per channel.

    y = x where x is above 0, and slope * x elsewhere. One bottom (N, C, ...), one top of the same
    shape. The parameter has the shape (C,), or with `channel_shared: true` no axes: one slope for
    all. `filler` starts it; without one it starts at 0.25, not at 0.

    A weight decay pulls the slopes towards 0, that is towards a ReLU; `param { decay_mult: 0 }`
    keeps them from it, as the paper does. (He et al., Delving Deep into Rectifiers, 2015.)
    """

    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)], 3),
        Example("prelu_param { channel_shared: true }", [(2, 3, 4, 5)], [(2, 3, 4, 5)], 1),
        Example("prelu_param { filler { value: 0.1 } }", [(2, 7)], [(2, 7)], 7),
        Example("", [(2, 3, 4)], [(2, 3, 4)], 3),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape; a slope per channel, or one."""
        shape = n.ins[0]
        if len(shape) < 2:
            text = f"PReLU needs a batch axis and channels, not the shape {show_shape(shape)}"
            n.mismatch("bottom[0]", text)
        slopes = () if n.p.channel_shared else (shape[1],)
        return Signature([shape], [Weight("weight", slopes, n.filler("filler", 0.25))])

    def cost(self, n: Instance) -> Cost:
        """A comparison and a product per element."""
        return Cost(other=2 * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's prelu; its module cannot have a weight without axes."""
        return t.ops.PReLU(None if n.p.channel_shared else n.ins[0][1])

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """PRelu, with axes appended to the slopes."""
        slope = g.weight("weight")
        behind = range(1, len(n.ins[0]) - 1)
        if behind and not n.p.channel_shared:
            slope = g.op("Unsqueeze", slope, g.constant(list(behind)))
        return g.op("PRelu", ins[0], slope)
