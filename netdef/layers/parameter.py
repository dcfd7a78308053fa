"""A learned blob."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, Weight, layer


@layer("Parameter", param="parameter_param", role="source")
class Parameter(LayerType):
    """A learned blob as a top, without bottoms: y = weight.

    The top has the shape `shape`, which does not depend on the batch; `shape {}` is a single
    number. What reads the top gives the weight its gradient.

    The blob starts at 0, and there is no filler. Where that will not do (products of it would stay
    0), its values come from a weight file.
    """

    bottoms = 0
    examples = (
        Example("parameter_param { shape { dim: 3 dim: 4 } }", [], [(3, 4)], 12),
        Example("parameter_param { shape { dim: 1 dim: 2 dim: 3 dim: 1 } }", [], [(1, 2, 3, 1)], 6),
        Example("parameter_param { shape {} }", [], [()], 1),
    )

    def signature(self, n: Instance) -> Signature:
        """The shape that is written, of the top and of the weight."""
        if not n.p.HasField("shape"):
            n.fault("shape", "Parameter needs `shape`", rule="missing-field")
        shape = tuple(n.p.shape.dim)
        with n.collect():
            for i, size in enumerate(shape):
                if size < 1:
                    n.fault(f"shape.dim[{i}]", f"a size must be at least 1, not {size}")
        return Signature([shape], [Weight("weight", shape)])

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        """The parameter's values."""
        return t.ops.Parameter(tuple(n.p.shape.dim))

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Identity of the weight."""
        return g.op("Identity", g.weight("weight"))
