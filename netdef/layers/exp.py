"""Exponential function."""

import math
from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer


@layer("Exp", param="exp_param", role="activation")
class Exp(LayerType):
    """Raise a base to every element: y = base ^ (shift + scale * x).

    One bottom of any shape, one top of the same shape. `base` must be above 0; its default, -1,
    stands for e. `scale` is 1 and `shift` 0 by default. Where the power is too large for a float
    the top is infinite.
    """

    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("exp_param { base: 2 scale: 0.5 shift: 0.3 }", [(2, 7)], [(2, 7)]),
        Example("exp_param { scale: -1 shift: -2 }", [(7,)], [(7,)]),
        Example("exp_param { base: 0.25 }", [(2, 3, 4)], [(2, 3, 4)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        base = n.p.base
        if base != -1 and not 0 < base < math.inf:
            n.fault("base", f"`base` must be above 0, or -1 for e, not {base:g}")
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """An exponential per element; a product for a factor, an addition for a shift."""
        factor, offset = _exponent(n)
        return Cost(other=(1 + (factor != 1) + (offset != 0)) * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """The natural exponential; the logarithm of the base goes into factor and shift."""
        return t.ops.Exp(*_exponent(n))

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Exp, behind Mul and Add where they change anything."""
        factor, offset = _exponent(n)
        x = ins[0]
        if factor != 1:
            x = g.op("Mul", x, g.constant(factor))
        if offset:
            x = g.op("Add", x, g.constant(offset))
        return g.op("Exp", x)


def _exponent(n: Instance) -> tuple[float, float]:
    """Return the factor and the shift that x gets in the exponent of e."""
    log_base = 1.0 if n.p.base == -1 else math.log(n.p.base)
    return n.p.scale * log_base, n.p.shift * log_base
