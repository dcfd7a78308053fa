"""Eltwise."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, at_least, count, layer

_PROD, _SUM, _MAX = 0, 1, 2


@layer("Eltwise", param="eltwise_param", role="elementwise")
class Eltwise(LayerType):
    """Combine bottoms of one shape, place by place.

    `operation` is SUM (the default), PROD or MAX. For SUM, `coeff` gives a factor per bottom:
    `coeff: 1 coeff: -1` subtracts the second from the first.

    Easy to get wrong: nothing is broadcast, all shapes must be equal. Where the first two bottoms
    of MAX tie, the second gets the gradient; a later bottom gets it only where it is larger than
    all before. The gradient of PROD is always the product of the other bottoms:
    `stable_prod_grad: false` (divide the top by the bottom) differs only where that is 0 / 0.
    """

    bottoms = at_least(2)
    examples = (
        Example("", [(2, 3, 4, 5)] * 2, [(2, 3, 4, 5)]),
        Example("eltwise_param { coeff: 1 coeff: -0.5 coeff: 2 }", [(2, 3)] * 3, [(2, 3)]),
        Example("eltwise_param { coeff: -2 coeff: 1 }", [(2, 3)] * 2, [(2, 3)]),
        Example("eltwise_param { operation: PROD }", [(2, 3, 4)] * 3, [(2, 3, 4)]),
        Example(
            "eltwise_param { operation: PROD stable_prod_grad: false }", [(2, 3)] * 2, [(2, 3)]
        ),
        Example("eltwise_param { operation: MAX }", [(2, 3, 4)] * 3, [(2, 3, 4)]),
    )

    def signature(self, n: Instance) -> Signature:
        coeffs = len(n.p.coeff)
        with n.collect():
            if coeffs and n.p.operation == _PROD:
                n.fault("coeff", "`coeff` is for SUM, not for PROD")
            elif coeffs not in (0, len(n.ins)):
                n.fault(
                    "coeff",
                    f"`coeff` is given {coeffs} times for {len(n.ins)} bottoms; give one each",
                )
        for i, shape in enumerate(n.ins[1:], 1):
            if shape != n.ins[0]:
                text = (
                    f"`{n.bottoms[i]}` has the shape {shape}, but `{n.bottoms[0]}` has {n.ins[0]}"
                )
                n.mismatch(f"bottom[{i}]", text, note="Eltwise does not broadcast")
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """Per element: one for each bottom after the first and for each factor that is not 1."""
        factors = sum(c != 1 for c in n.p.coeff) if n.p.operation == _SUM else 0
        return Cost(other=count(n.ins[0]) * (len(n.ins) - 1 + factors))

    def torch(self, n: Instance, t: Any) -> Any:
        if n.p.operation == _PROD:
            return t.ops.Eltwise("prod")
        if n.p.operation == _MAX:
            return t.ops.Eltwise("max")
        return t.ops.Eltwise("sum", tuple(n.p.coeff))

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Max, or a chain of Mul or Add."""
        if n.p.operation == _MAX:
            return g.op("Max", *ins)
        operator = "Mul" if n.p.operation == _PROD else "Add"
        terms = list(ins)
        if operator == "Add":
            for i, coeff in enumerate(n.p.coeff):
                if coeff != 1:
                    terms[i] = g.op("Mul", terms[i], g.constant(float(coeff)))
        result = terms[0]
        for term in terms[1:]:
            result = g.op(operator, result, term)
        return result
