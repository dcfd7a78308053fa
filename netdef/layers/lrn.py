"""Local response normalisation."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, Window, count, layer

_ACROSS, _WITHIN = 0, 1


@layer("LRN", param="lrn_param", role="normalization")
class LRN(LayerType):
    """Divide every value by a power of the mean square of its neighbourhood.

    With n = `local_size` (5, odd), and zeros beyond the edges,

        ACROSS_CHANNELS  y = x / (k + alpha / n * sum of x^2 over n neighbouring channels) ^ beta
        WITHIN_CHANNEL   y = x / (1 + alpha / n^2 * sum of x^2 over n x n places) ^ beta

    Defaults: `alpha` 1, `beta` 0.75, `k` 1, ACROSS_CHANNELS. The input is (N, C, H, W).

    Easy to get wrong: alpha is divided by the size of the neighbourhood (other frameworks multiply
    the plain sum), and `k` has no effect WITHIN_CHANNEL.

    Source: Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural Networks, 3.3.
    """

    examples = (
        Example("", [(2, 7, 3, 4)], [(2, 7, 3, 4)]),
        Example("lrn_param { alpha: 0.0001 }", [(1, 6, 2, 3)], [(1, 6, 2, 3)]),
        Example(
            "lrn_param { local_size: 3 alpha: 2 beta: 0.5 k: 2 }", [(2, 2, 3, 3)], [(2, 2, 3, 3)]
        ),
        Example("lrn_param { local_size: 7 beta: 1.3 }", [(1, 3, 2, 2)], [(1, 3, 2, 2)]),
        Example(
            "lrn_param { local_size: 3 alpha: 0.5 norm_region: WITHIN_CHANNEL }",
            [(2, 3, 5, 7)],
            [(2, 3, 5, 7)],
        ),
        Example(
            "lrn_param { beta: 0.4 k: 3 norm_region: WITHIN_CHANNEL }",
            [(1, 2, 3, 8)],
            [(1, 2, 3, 8)],
        ),
    )

    def signature(self, n: Instance) -> Signature:
        if len(n.ins[0]) != 4:
            n.mismatch("bottom[0]", f"LRN takes (N, C, H, W), not {len(n.ins[0])} axes")
        if n.p.local_size % 2 == 0:
            n.fault("local_size", f"`local_size` must be odd, not {n.p.local_size}")
        return Signature([n.ins[0]])

    def cost(self, n: Instance) -> Cost:
        """A square, the mean, alpha and k, the power and the product."""
        size = n.p.local_size
        neighbours = size * size if n.p.norm_region == _WITHIN else size
        return Cost(other=count(n.ins[0]) * (neighbours + 5))

    def torch(self, n: Instance, t: Any) -> Any:
        p = n.p
        if p.norm_region == _WITHIN:
            return t.ops.LRN(p.local_size, p.alpha, p.beta, 1.0, within=True)
        return t.ops.LRN(p.local_size, p.alpha, p.beta, p.k)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """LRN; within a channel, the mean by AveragePool."""
        x, p = ins[0], n.p
        if p.norm_region == _ACROSS:
            return g.op("LRN", x, size=p.local_size, alpha=p.alpha, beta=p.beta, bias=p.k)
        side = p.local_size
        mean = g.op(
            "AveragePool",
            g.op("Mul", x, x),
            kernel_shape=[side, side],
            pads=[side // 2] * 4,
            count_include_pad=1,
        )
        scale = g.op("Add", g.op("Mul", mean, g.constant(float(p.alpha))), g.constant(1.0))
        return g.op("Div", x, g.op("Pow", scale, g.constant(float(p.beta))))

    def window(self, n: Instance) -> Window | None:
        """The square that a value is normalised by."""
        side = n.p.local_size
        if n.p.norm_region == _ACROSS:
            return None
        return Window((side, side), (1, 1), (side // 2, side // 2), (1, 1))
