"""A learned vector per index."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    Labels,
    LayerType,
    Signature,
    Weight,
    count,
    ignored,
    layer,
)

_INT64 = 7  # ONNX's number of the type


@layer("Embed", param="embed_param", role="dense")
class Embed(LayerType):
    """Replace every index by a learned vector: y = weight[x] + bias.

    Bottom: whole numbers from 0 to `input_dim` - 1, of any shape. Top: the bottom's shape, and an
    axis of `num_output` after it. It is what InnerProduct computes of one-hot vectors, without
    their zeros.

    The weight is `input_dim` x `num_output`, started by `weight_filler` (0 by default).
    `bias_term` (true) adds one bias of `num_output` values to all vectors, started by
    `bias_filler`; as an embedding in the usual sense has none, `bias_term: false` is common.

    The indices get no gradient. An index that is out of range is an error on a CPU; on a GPU,
    where finding it would stop the program, its vector becomes NaN.
    """

    no_grad_bottoms = (0,)
    examples = (
        Example(
            "embed_param { num_output: 5 input_dim: 7 }", [Labels(4, 3, below=7)], [(4, 3, 5)], 40
        ),
        Example(
            "embed_param { num_output: 4 input_dim: 9 bias_term: false }",
            [Labels(6, below=9)],
            [(6, 4)],
            36,
        ),
        Example(
            "embed_param { num_output: 2 input_dim: 3 bias_filler { value: 1 } }",
            [Labels(2, 1, 2, 2, below=3)],
            [(2, 1, 2, 2, 2)],
            8,
        ),
        Example("embed_param { num_output: 3 input_dim: 2 }", [Labels(below=2)], [(3,)], 9),
    )

    def signature(self, n: Instance) -> Signature:
        """The bottom's shape, then num_output; weight and bias."""
        with n.collect():
            for field in ("num_output", "input_dim"):
                if not n.p.HasField(field):
                    n.fault(field, f"Embed needs `{field}`", rule="missing-field")
                elif getattr(n.p, field) < 1:
                    n.fault(field, f"`{field}` must be at least 1, not 0")
        outputs = n.p.num_output
        weights = [Weight("weight", (n.p.input_dim, outputs), n.filler("weight_filler"))]
        if n.p.bias_term:
            weights.append(Weight("bias", (outputs,), n.filler("bias_filler")))
        warnings = [] if n.p.bias_term else ignored(n, "bias_filler", reason="there is no bias")
        return Signature([(*n.ins[0], outputs)], weights, warnings)

    def cost(self, n: Instance) -> Cost:
        """A sum per value of the top where there is a bias; vectors are only looked up."""
        return Cost(other=count(n.ins[0]) * n.p.num_output if n.p.bias_term else 0)

    def torch(self, n: Instance, t: Any) -> Any:
        """An embedding, and a sum."""
        return t.ops.Embed(n.p.input_dim, n.p.num_output, bias=n.p.bias_term)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Gather, and Add."""
        rows = g.op("Gather", g.weight("weight"), g.op("Cast", ins[0], to=_INT64), axis=0)
        return g.op("Add", rows, g.weight("bias")) if n.p.bias_term else rows
