"""Fully connected layer."""

from typing import Any

from netdef.contract import (
    Absorb,
    Cost,
    Example,
    Instance,
    LayerType,
    Signature,
    Weight,
    absorb_outputs,
    count,
    layer,
)


@layer("InnerProduct", param="inner_product_param", role="dense")
class InnerProduct(LayerType):
    """Flatten from `axis`, multiply by the weight, add the bias.

    The axes before `axis` stay: (N, C, H, W) becomes (N, num_output). The weight is num_output x K,
    or K x num_output with `transpose`, where K counts the flattened elements.
    """

    absorbs_affine = True
    examples = (
        Example("inner_product_param { num_output: 10 }", [(1, 800)], [(1, 10)], 8010),
        Example("inner_product_param { num_output: 7 }", [(2, 3, 4, 5)], [(2, 7)], 427),
        Example(
            "inner_product_param { num_output: 6 axis: -1 bias_term: false transpose: true }",
            [(2, 3, 4)],
            [(2, 3, 6)],
            24,
        ),
    )

    def signature(self, n: Instance) -> Signature:
        """Keep the axes before `axis`, then num_output."""
        outputs = n.p.num_output
        if outputs < 1:
            if not n.p.HasField("num_output"):
                n.fault("num_output", "InnerProduct needs `num_output`", rule="missing-field")
            n.fault("num_output", "`num_output` must be at least 1, not 0")
        axis = n.axis("axis", len(n.ins[0]))
        inputs = count(n.ins[0], axis)
        shape = (inputs, outputs) if n.p.transpose else (outputs, inputs)
        weights = [Weight("weight", shape, n.filler("weight_filler"))]
        if n.p.bias_term:
            weights.append(Weight("bias", (outputs,), n.filler("bias_filler")))
        return Signature([(*n.ins[0][:axis], outputs)], weights)

    def cost(self, n: Instance) -> Cost:
        """K multiply-accumulates per output."""
        axis = n.axis("axis", len(n.ins[0]))
        outputs = count(n.ins[0], 0, axis) * n.p.num_output
        return Cost(outputs * count(n.ins[0], axis), outputs if n.p.bias_term else 0)

    def torch(self, n: Instance, t: Any) -> Any:
        """A Linear behind a flattening."""
        return t.ops.InnerProduct(
            count(n.ins[0], n.axis("axis", len(n.ins[0]))),
            n.p.num_output,
            axis=n.p.axis,
            bias=n.p.bias_term,
            transpose=n.p.transpose,
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Flatten and Gemm; with more axes before `axis`, MatMul."""
        axis = n.axis("axis", len(n.ins[0]))
        weight = g.weight("weight")
        if axis == 1:
            bias = [g.weight("bias")] if n.p.bias_term else []
            flat = ins[0] if len(n.ins[0]) == 2 else g.op("Flatten", ins[0], axis=1)
            return g.op("Gemm", flat, weight, *bias, transB=int(not n.p.transpose))
        flat = ins[0]
        if axis < len(n.ins[0]) - 1:
            flat = g.op("Reshape", ins[0], g.constant([0] * axis + [count(n.ins[0], axis)]))
        if axis == 0:  # one row of all elements
            flat = g.op("Reshape", ins[0], g.constant([count(n.ins[0])]))
        matrix = weight if n.p.transpose else g.op("Transpose", weight, perm=[1, 0])
        product = g.op("MatMul", flat, matrix)
        return g.op("Add", product, g.weight("bias")) if n.p.bias_term else product

    def absorb(self, n: Instance) -> Absorb | None:
        """Into the rows, or with `transpose` the columns, when the top is (N, num_output)."""
        absorb = super().absorb(n)
        return absorb_outputs(1) if absorb and n.p.transpose else absorb
