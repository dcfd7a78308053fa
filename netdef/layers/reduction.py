"""Sum or mean over the last axes."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer
from netdef.schema import pb


@layer("Reduction", param="reduction_param", role="pooling")
class Reduction(LayerType):
    """Reduce all axes from `axis` on to one number: y = coeff * sum of f(x).

    Bottom: x. Top: x's axes before `axis` (0 by default, so that the top is a scalar; a negative
    one counts from the end). `operation` is one of

        SUM    sum of x (the default)
        ASUM   sum of |x|, with the gradient 0 where x is 0
        SUMSQ  sum of x^2
        MEAN   mean of x

    and `coeff` (1) is a factor on the result, of MEAN too.

    Easy to get wrong: `axis` is the first of the axes that vanish, all after it vanish, too; a
    single axis in the middle cannot be reduced. SUMSQ has no factor 1/2: `coeff: 0.5` gives it.
    With `loss_weight`, a Reduction is a loss.
    """

    examples = (
        Example("", [(2, 3, 4, 5)], [()]),
        Example("reduction_param { axis: 1 coeff: 0.5 }", [(2, 3, 4)], [(2,)]),
        Example("reduction_param { operation: ASUM axis: -1 }", [(2, 3, 4)], [(2, 3)]),
        Example("reduction_param { operation: SUMSQ axis: 2 coeff: -2 }", [(2, 3, 4, 5)], [(2, 3)]),
        Example("reduction_param { operation: MEAN }", [(2, 3)], [()]),
        Example("reduction_param { operation: MEAN axis: 1 coeff: 3 }", [(2, 3, 4)], [(2,)]),
        Example("reduction_param { operation: ASUM axis: 0 }", [(6,)], [()]),
    )

    def signature(self, n: Instance) -> Signature:
        """The axes before `axis`."""
        return Signature([n.ins[0][: n.axis("axis", len(n.ins[0]))]])

    def cost(self, n: Instance) -> Cost:
        """A sum per element, before it a square or a magnitude; per result the mean, the factor."""
        operation = _operation(n)
        each = 2 if operation in ("ASUM", "SUMSQ") else 1
        last = (operation == "MEAN") + (n.p.coeff != 1)
        results = count(n.ins[0], 0, n.axis("axis", len(n.ins[0])))
        return Cost(other=count(n.ins[0]) * each + results * last)

    def torch(self, n: Instance, t: Any) -> Any:
        """A sum or mean of what is flattened."""
        axis = n.axis("axis", len(n.ins[0]))
        return t.ops.Reduction(_operation(n).lower(), axis=axis, coeff=n.p.coeff)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """ReduceSum or ReduceMean, and Mul."""
        x, operation = ins[0], _operation(n)
        rank = len(n.ins[0])
        axes = range(n.axis("axis", rank), rank)
        if operation == "MEAN":
            result = g.op("ReduceMean", x, axes=list(axes), keepdims=0)
        else:
            terms = {"SUM": lambda: x, "ASUM": lambda: g.op("Abs", x)}
            term = terms.get(operation, lambda: g.op("Mul", x, x))()
            result = g.op("ReduceSum", term, g.constant(axes), keepdims=0)
        return result if n.p.coeff == 1 else g.op("Mul", result, g.constant(float(n.p.coeff)))


def _operation(n: Instance) -> str:
    return pb.ReductionParameter.ReductionOp.Name(n.p.operation)
