"""Layer normalisation."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    LayerType,
    Signature,
    Weight,
    constant,
    count,
    layer,
)


@layer("LayerNorm", param="layer_norm_param", role="normalization")
class LayerNorm(LayerType):
    """Bring each item to mean 0 and variance 1 over the axes from `axis` on, then scale and shift.

        y = (x - mean) / sqrt(variance + eps) * weight + bias

    Bottom and top: (N, ..., D). Mean and (biased) variance are taken over all axes from `axis` on:
    1 by default, so over everything but the batch; `axis: -1` is a transformer's, over the features
    of each token of (N, T, D). `eps` (1e-5) is added to the variance. Weight and bias have the
    shape of the axes from `axis` on, start at 1 and 0, and are left out with
    `elementwise_affine: false`. TRAIN and TEST are alike, and nothing is stored.

    Easy to get wrong: with weights, the sizes from `axis` on are fixed, so images of another size
    do not fit. The default `axis` is not torch's, which has to be told the shape.

    Source: Ba et al., Layer Normalization, 2016.

    Forks: Several have a LayerNorm that normalises from axis 1 on, with `eps`; some without weights
    (here `elementwise_affine: false`), some with the field `elementwise_affine`. `axis` is
    netdef's.
    """

    examples = (
        Example("", [(2, 3, 4)], [(2, 3, 4)], 24),
        Example("layer_norm_param { axis: -1 }", [(2, 3, 8)], [(2, 3, 8)], 16),
        Example("layer_norm_param { axis: 2 eps: 0.1 }", [(2, 3, 4, 5)], [(2, 3, 4, 5)], 40),
        Example("layer_norm_param { elementwise_affine: false }", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("layer_norm_param { axis: 0 elementwise_affine: false }", [(2, 3, 4)], [(2, 3, 4)]),
        Example("layer_norm_param { axis: 0 }", [(6,)], [(6,)], 12),
    )

    def signature(self, n: Instance) -> Signature:
        """The bottom's shape; weight and bias of its last axes."""
        shape = n.ins[0]
        with n.collect():
            axis = n.axis("axis", len(shape))
            if n.p.eps < 0:
                n.fault("eps", f"`eps` must not be negative, but is {n.p.eps:g}")
        if not n.p.elementwise_affine:
            return Signature([shape])
        last = shape[axis:]
        return Signature([shape], [Weight("weight", last, constant(1.0)), Weight("bias", last)])

    def cost(self, n: Instance) -> Cost:
        """Seven per element, five without weights, and four per item.

        Per element two sums, a difference, a square and a division, then a product and a sum; per
        item the divisions of mean and variance, a sum and a root.
        """
        shape = n.ins[0]
        items = count(shape, 0, n.axis("axis", len(shape)))
        return Cost(other=count(shape) * (7 if n.p.elementwise_affine else 5) + 4 * items)

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's layer_norm over what the input has from `axis` on."""
        axis = n.axis("axis", len(n.ins[0]))
        return t.ops.LayerNorm(axis, n.ins[0][axis:], n.p.eps, affine=n.p.elementwise_affine)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """LayerNormalization; without weights its parts, since it needs a scale of fixed size."""
        x, rank = ins[0], len(n.ins[0])
        axis = n.axis("axis", rank)
        if n.p.elementwise_affine:
            weights = g.weight("weight"), g.weight("bias")
            return g.op("LayerNormalization", x, *weights, axis=axis, epsilon=n.p.eps)
        axes = list(range(axis, rank))
        centred = g.op("Sub", x, g.op("ReduceMean", x, axes=axes))
        variance = g.op("ReduceMean", g.op("Mul", centred, centred), axes=axes)
        root = g.op("Sqrt", g.op("Add", variance, g.constant(float(n.p.eps))))
        return g.op("Div", centred, root)
