"""Power of a linear function."""

import math
from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, Uniform, count, layer

_LARGEST_FLOAT = 3.4028235e38


@layer("Power", param="power_param", role="activation")
class Power(LayerType):
    """Scale, shift and raise to a power, element by element: y = (shift + scale * x) ^ power.

    One bottom of any shape, one top of the same shape. `power` and `scale` are 1 and `shift` is 0
    by default: `power_param { scale: 0.5 }` halves, `power_param { scale: -1 shift: 1 }` is 1 - x.

    With `power: 0` or `scale: 0` the top is constant (1, or shift ^ power), whatever the bottom
    holds, and its gradient is 0; 0 ^ 0 counts as 1. Easy to get wrong: a power that is not whole of
    a negative number is NaN, and a power below 1 has an infinite gradient where shift + scale * x
    is 0.
    """

    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("power_param { scale: 2.5 shift: -1 }", [(2, 7)], [(2, 7)]),
        Example("power_param { power: 2 }", [(7,)], [(7,)]),
        Example(
            "power_param { power: 0.37 scale: 2 shift: 1 }",
            [Uniform(2, 3, 4, low=0.1, high=4.0)],
            [(2, 3, 4)],
        ),
        Example("power_param { power: -1 shift: 0.5 }", [Uniform(2, 7)], [(2, 7)]),
        Example("power_param { power: 0 shift: 3 }", [(2, 7)], [(2, 7)]),
        Example("power_param { power: 3 scale: 0 shift: -2 }", [(2, 7)], [(2, 7)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        value = _constant(n)
        if value is not None and not abs(value) <= _LARGEST_FLOAT:
            everywhere = f"{n.p.shift:g} ^ {n.p.power:g}"
            text = f"with `scale` 0 the top is {everywhere} everywhere, which no float holds"
            n.fault("power", text, because=("scale", "shift"))
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """Per element a product for a scale, an addition for a shift, and a power that is not 1."""
        if _constant(n) is not None:
            return Cost()
        steps = (n.p.scale != 1) + (n.p.shift != 0) + (n.p.power != 1)
        return Cost(other=steps * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """A product, a sum and a power; a constant with a gradient of 0."""
        constant = _constant(n)
        if constant is not None:
            return t.ops.Power(0.0, factor=constant)
        return t.ops.Power(n.p.power, n.p.scale, n.p.shift)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Mul, Add and Pow, where they change anything."""
        constant = _constant(n)
        if constant is not None:
            return g.op("Mul", g.op("Pow", ins[0], g.constant(0.0)), g.constant(constant))
        x = ins[0]
        if n.p.scale != 1:
            x = g.op("Mul", x, g.constant(n.p.scale))
        if n.p.shift:
            x = g.op("Add", x, g.constant(n.p.shift))
        if n.p.power != 1:
            x = g.op("Pow", x, g.constant(n.p.power))
        return g.op("Identity", x) if x is ins[0] else x


def _constant(n: Instance) -> float | None:
    """Return what every element of the top is, if that does not depend on the bottom."""
    if n.p.power == 0:
        return 1.0
    if n.p.scale != 0:
        return None
    try:
        return math.pow(n.p.shift, n.p.power)
    except OverflowError:
        return math.inf
    except ValueError:  # a root of a negative number, or a division by 0
        return math.nan
