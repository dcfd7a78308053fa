"""Multiplication by a learned factor, or by another blob."""

from typing import Any

from netdef.contract import (
    Absorb,
    Affine,
    Cost,
    Example,
    Instance,
    LayerType,
    Signature,
    Weight,
    count,
    layer,
    operand_of,
)


@layer("Scale", param="scale_param", role="elementwise")
class Scale(LayerType):
    """Multiply by a factor that spans some of the axes: y = x * factor (+ bias).

    With one bottom the factor is learned. It has the shape of `num_axes` of the bottom's axes from
    `axis` on: by default one factor per channel. `num_axes: -1` takes all axes to the end,
    `num_axes: 0` one factor for everything. `filler` starts it (1 by default).

    With two bottoms the second is the factor; its shape must be that of the first's axes from
    `axis` on, or have no axes, and `num_axes` means nothing.

    `bias_term` adds a learned bias of the factor's shape, started by `bias_filler` (0 by default).
    """

    bottoms = range(1, 3)
    absorbs_affine = True
    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)], 3),
        Example("scale_param { bias_term: true }", [(2, 3)], [(2, 3)], 6),
        Example("scale_param { num_axes: 2 bias_term: true }", [(2, 3, 4, 5)], [(2, 3, 4, 5)], 24),
        Example("scale_param { axis: -2 num_axes: -1 }", [(2, 3, 4)], [(2, 3, 4)], 12),
        Example("scale_param { num_axes: 0 bias_term: true }", [(2, 3)], [(2, 3)], 2),
        Example("scale_param { axis: 0 }", [(2, 3, 4), (2, 3)], [(2, 3, 4)]),
        Example("scale_param { bias_term: true }", [(2, 3, 4), (3,)], [(2, 3, 4)], 3),
        Example("scale_param { axis: 0 bias_term: true }", [(2, 3), ()], [(2, 3)], 1),
    )

    def signature(self, n: Instance) -> Signature:
        """The first bottom's shape; the factor unless it is a bottom, and the bias."""
        shape = operand_of(n, "factor").shape
        weights: list[Weight] = []
        if len(n.ins) == 1:
            weights.append(Weight("weight", shape, n.filler("filler", 1.0)))
        if n.p.bias_term:
            weights.append(Weight("bias", shape, n.filler("bias_filler")))
        return Signature([n.ins[0]], weights)

    def cost(self, n: Instance) -> Cost:
        """A product per element, with a bias a sum, too."""
        return Cost(other=count(n.ins[0]) * (2 if n.p.bias_term else 1))

    def torch(self, n: Instance, t: Any) -> Any:
        """A product that is laid along the axes."""
        shape = operand_of(n, "factor").shape
        return t.ops.Scale(shape, axis=n.p.axis, weight=len(n.ins) == 1, bias=n.p.bias_term)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Mul and Add, with axes appended to the factor and the bias."""
        operand = operand_of(n, "factor")
        factor = ins[1] if len(ins) > 1 else g.weight("weight")
        product = g.op("Mul", ins[0], operand.laid_along(g, factor))
        if not n.p.bias_term:
            return product
        return g.op("Add", product, operand.laid_along(g, g.weight("bias")))

    def affine(self, n: Instance) -> Affine | None:
        """The weight and the bias, when they are learned and there is one per channel."""
        if not operand_of(n, "factor").per_channel:
            return None

        def factor_and_shift(weights: dict[str, Any]) -> tuple[Any, Any]:
            factor = weights["weight"]
            return factor, weights["bias"] if "bias" in weights else 0 * factor

        return factor_and_shift

    def absorb(self, n: Instance) -> Absorb | None:
        """Into a weight per channel."""
        return super().absorb(n) if operand_of(n, "factor").per_channel else None
