"""Hard sigmoid."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, Uniform, count, layer

_SLOPES = {"HardSigmoid": 0.2, "HSigmoid": 1 / 6}


@layer("HardSigmoid", "HSigmoid", param=None, role="activation")
class HardSigmoid(LayerType):
    """Sigmoid made of straight lines: y = min(max(slope * x + 0.5, 0), 1).

    One bottom of any shape, one top of the same shape; there are no settings. The slope depends on
    the name of the type. HardSigmoid has 0.2, as in Keras and ONNX, so that the top reaches 0 and 1
    at -2.5 and 2.5; HSigmoid has 1/6, as in PyTorch, and reaches them at -3 and 3. The gradient is
    the slope between these ends and 0 elsewhere. (Howard et al., Searching for MobileNetV3, 2019,
    for 1/6.)

    Forks: They brought both types. Those whose HardSigmoid has no settings compute 0.2 * x + 0.5,
    the one with an HSigmoid computes min(max(x + 3, 0), 6) / 6. Others read a slope `alpha` and an
    offset `beta` from a message of their own, which is not supported: write HSigmoid for such a
    layer when they are 1/6 and 0.5, as in models that were converted from PyTorch.
    """

    examples = (
        Example("", [Uniform(2, 3, 4, low=-5.0, high=5.0)], [(2, 3, 4)]),
        Example("", [(7,)], [(7,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The top has the bottom's shape."""
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """A product, an addition and two comparisons per element."""
        return Cost(other=4 * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """A line between two limits."""
        return t.ops.HardSigmoid(_SLOPES[n.type])

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """HardSigmoid."""
        return g.op("HardSigmoid", ins[0], alpha=_SLOPES[n.type], beta=0.5)
