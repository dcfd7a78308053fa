"""Logarithm."""

import math
from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, Uniform, count, layer

_POSITIVE = Uniform(2, 3, 4, low=0.1, high=3.0)


@layer("Log", param="log_param", role="activation")
class Log(LayerType):
    """Logarithm of every element: y = log_base(shift + scale * x).

    One bottom of any shape, one top of the same shape. `base` must be above 0 and not 1; its
    default, -1, stands for e. `scale` is 1 and `shift` 0 by default. Of 0 the logarithm is minus
    infinity, of a negative number NaN: a small positive `shift` keeps probabilities from that.
    """

    examples = (
        Example("", [_POSITIVE], [(2, 3, 4)]),
        Example("log_param { base: 2 scale: 3 shift: 1 }", [_POSITIVE], [(2, 3, 4)]),
        Example("log_param { base: 0.5 shift: 0.25 }", [Uniform(2, 7)], [(2, 7)]),
        Example("log_param { base: 10 }", [Uniform(7, low=0.1, high=3.0)], [(7,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        p = n.p
        with n.collect():
            if p.base == 1:
                n.fault("base", "there is no logarithm of `base` 1: its powers are all 1")
            elif p.base != -1 and not 0 < p.base < math.inf:
                n.fault("base", f"`base` must be above 0, or -1 for e, not {p.base:g}")
            if p.scale == 0 and not p.shift > 0:
                text = f"with `scale` 0 this is the logarithm of `shift`, {p.shift:g}, everywhere"
                n.fault("scale", text, note="it needs a number above 0", because=("shift",))
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """Per element a logarithm, an addition for a shift, a product for a scale and a base."""
        extras = (n.p.scale != 1) + (n.p.shift != 0) + (n.p.base != -1)
        return Cost(other=(1 + extras) * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """The natural logarithm, divided by that of the base."""
        return t.ops.Log(n.p.scale, n.p.shift, _factor(n))

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Log, between Mul and Add where they change anything."""
        x = ins[0]
        if n.p.scale != 1:
            x = g.op("Mul", x, g.constant(n.p.scale))
        if n.p.shift:
            x = g.op("Add", x, g.constant(n.p.shift))
        x = g.op("Log", x)
        return x if n.p.base == -1 else g.op("Mul", x, g.constant(_factor(n)))


def _factor(n: Instance) -> float:
    """Return what the natural logarithm is multiplied by."""
    return 1.0 if n.p.base == -1 else 1 / math.log(n.p.base)
