"""Division by the L2 norm."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    LayerType,
    Signature,
    Weight,
    count,
    layer,
)


@layer("Normalize", param="norm_param", role="normalization")
class Normalize(LayerType):
    """Divide by the L2 norm, then multiply by a learned scale.

        y = x / sqrt(sum of x^2 + eps) * scale

    Bottom and top: (N, C, ...). With `across_spatial: true` (the default) the sum goes over a whole
    item; with `across_spatial: false` over the channels at each place. The scale is one number, or
    with `channel_shared: false` one per channel; `scale_filler` starts it (1 by default). `eps`
    (1e-10) keeps a norm of 0 from dividing. TRAIN and TEST are alike.

    The gradient is SSD's: that of x / sqrt(...), times the scale. With scales that differ from
    channel to channel it is not quite the derivative of the above, and training follows it.

    Easy to get wrong: the defaults are not SSD's use of it, which is `across_spatial: false`,
    `channel_shared: false` and a scale that starts at 20.

    Forks: From SSD (Liu et al., ParseNet: Looking Wider to See Better, 2015). Other forks have a
    type of this name without a scale, which divides by the norm over the channels at each place;
    their files have no `norm_param` and their weight files no blob, and mean this one's
    `across_spatial: false` with a scale that stays at 1.
    """

    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)], 1),
        Example("norm_param { across_spatial: false }", [(2, 3, 4, 5)], [(2, 3, 4, 5)], 1),
        Example("norm_param { channel_shared: false }", [(2, 3, 4)], [(2, 3, 4)], 3),
        Example(
            "norm_param { across_spatial: false channel_shared: false scale_filler { value: 20 } }",
            [(2, 3, 4, 5)],
            [(2, 3, 4, 5)],
            3,
        ),
        Example("norm_param { across_spatial: false eps: 0.5 }", [(2, 7)], [(2, 7)], 1),
        Example("norm_param { channel_shared: false }", [(2, 7)], [(2, 7)], 7, phase="TRAIN"),
    )

    def signature(self, n: Instance) -> Signature:
        """The bottom's shape; the scale."""
        shape = n.ins[0]
        if len(shape) < 2:
            n.mismatch("bottom[0]", f"Normalize needs channels (N, C, ...), not {shape}")
        with n.collect():
            if n.p.eps < 0:
                n.fault("eps", f"`eps` must not be negative, but is {n.p.eps:g}")
            filler = n.filler("scale_filler", 1.0)
        scale = () if n.p.channel_shared else (shape[1],)
        return Signature([shape], [Weight("weight", scale, filler)])

    def cost(self, n: Instance) -> Cost:
        """Per element a square, a sum, a division and a product; per norm a sum and a root."""
        shape = n.ins[0]
        norms = shape[0] if n.p.across_spatial else shape[0] * count(shape, 2)
        return Cost(other=4 * count(shape) + 2 * norms)

    def torch(self, n: Instance, t: Any) -> Any:
        """A root of sums, a division and a product."""
        channels = None if n.p.channel_shared else n.ins[0][1]
        return t.ops.Normalize(channels, across_spatial=n.p.across_spatial, eps=n.p.eps)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """ReduceSum of the squares, Sqrt, Div and Mul."""
        x, rank = ins[0], len(n.ins[0])
        axes = range(1, rank) if n.p.across_spatial else [1]
        total = g.op("ReduceSum", g.op("Mul", x, x), g.constant(axes))
        norm = g.op("Sqrt", g.op("Add", total, g.constant(float(n.p.eps))))
        scale = g.weight("weight")
        if not n.p.channel_shared and rank > 2:
            scale = g.op("Unsqueeze", scale, g.constant(range(1, rank - 1)))
        return g.op("Mul", g.op("Div", x, norm), scale)
