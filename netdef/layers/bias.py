"""Addition of a learned value, or of another blob."""

from typing import Any

from netdef.contract import (
    Affine,
    Cost,
    Example,
    Instance,
    LayerType,
    Signature,
    Weight,
    count,
    ignored,
    layer,
    operand_of,
)


@layer("Bias", param="bias_param", role="elementwise")
class Bias(LayerType):
    """Add a bias that spans some of the axes: y = x + bias.

    Bottoms: x (any shape); optionally the bias. Top: x's shape.

    With one bottom the bias is learned. It has the shape of `num_axes` (1) of the bottom's axes
    from `axis` (1) on: by default one number per channel. `num_axes: -1` takes all axes to the end,
    `num_axes: 0` one number for everything. `filler` starts it (0 by default).

    With two bottoms the second is the bias; its shape must be that of the first's axes from `axis`
    on, or have no axes, and `num_axes` and `filler` mean nothing.

    Easy to get wrong: the second bottom is laid along the axes from `axis` on, not along the last
    ones as in numpy; its axes must all have the first's sizes, a size of 1 is not stretched.
    """

    bottoms = range(1, 3)
    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)], 3),
        Example("bias_param { filler { value: 0.5 } }", [(2, 3)], [(2, 3)], 3),
        Example("bias_param { num_axes: 2 }", [(2, 3, 4, 5)], [(2, 3, 4, 5)], 12),
        Example("bias_param { axis: -2 num_axes: -1 }", [(2, 3, 4)], [(2, 3, 4)], 12),
        Example("bias_param { num_axes: 0 }", [(2, 3)], [(2, 3)], 1),
        Example("bias_param { axis: 0 }", [(2, 3, 4), (2, 3)], [(2, 3, 4)]),
        Example("", [(2, 3, 4), (3,)], [(2, 3, 4)]),
        Example("bias_param { axis: -1 }", [(2, 3), ()], [(2, 3)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The first bottom's shape; the bias unless it is a bottom."""
        shape = operand_of(n, "bias").shape
        if len(n.ins) == 1:
            return Signature([n.ins[0]], [Weight("bias", shape, n.filler("filler"))])
        warnings = ignored(n, "num_axes", "filler", reason="the second bottom is the bias")
        return Signature([n.ins[0]], warnings=warnings)

    def cost(self, n: Instance) -> Cost:
        """A sum per element."""
        return Cost(other=count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """A sum that is laid along the axes."""
        return t.ops.Bias(operand_of(n, "bias").shape, axis=n.p.axis, learned=len(n.ins) == 1)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Add, with axes appended to the bias."""
        bias = ins[1] if len(ins) > 1 else g.weight("bias")
        return g.op("Add", ins[0], operand_of(n, "bias").laid_along(g, bias))

    def affine(self, n: Instance) -> Affine | None:
        """1 and the bias, when it is learned and there is one per channel."""
        if not operand_of(n, "bias").per_channel:
            return None

        def factor_and_shift(weights: dict[str, Any]) -> tuple[Any, Any]:
            bias = weights["bias"]
            return 0 * bias + 1, bias

        return factor_and_shift
