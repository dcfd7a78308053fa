"""Limits to both sides."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, Uniform, count, layer


@layer("Clip", param="clip_param", role="activation")
class Clip(LayerType):
    """Keep every element between two limits: y = max(min, min(x, max)).

    One bottom of any shape, one top of the same shape. `min` and `max` must both be given, `min`
    not above `max`. The gradient passes where x lies between the limits, the limits themselves
    included; elsewhere it is 0.
    """

    examples = (
        Example("clip_param { min: -0.5 max: 0.8 }", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("clip_param { min: 0 max: 6 }", [Uniform(2, 9, low=-9.0, high=9.0)], [(2, 9)]),
        Example("clip_param { min: 1 max: 1 }", [(7,)], [(7,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        with n.collect():
            for limit in ("min", "max"):
                if not n.p.HasField(limit):
                    n.fault(limit, f"Clip needs `{limit}`", rule="missing-field")
        if not n.p.min <= n.p.max:
            text = f"`min` must not be above `max`, but they are {n.p.min:g} and {n.p.max:g}"
            n.fault("min", text, because=("max",))
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """Two comparisons per element."""
        return Cost(other=2 * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's clamp; its Hardtanh gives the limits no gradient."""
        return t.ops.Clip(n.p.min, n.p.max)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Clip."""
        return g.op("Clip", ins[0], g.constant(n.p.min), g.constant(n.p.max))
