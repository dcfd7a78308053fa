"""Batch normalisation without an affine part."""

from typing import Any

from netdef.contract import (
    Affine,
    Cost,
    Example,
    Instance,
    LayerType,
    Signature,
    Weight,
    count,
    layer,
    normalized_by_batch,
)


@layer("BatchNorm", param="batch_norm_param", role="normalization")
class BatchNorm(LayerType):
    """Normalise every channel: (x - mean) / sqrt(variance + eps).

    A channel is an index of axis 1; a blob with a single axis is one channel. By default TRAIN
    takes the batch's own mean and (biased) variance, TEST the stored ones; `use_global_stats`
    chooses otherwise. A layer that uses the batch's own, in either phase, moves the stored ones in
    every forward pass. Three blobs are kept, none of them learned, the first two C long:

        mean     = moving_average_fraction * mean     + batch mean
        variance = moving_average_fraction * variance + batch variance * m / (m - 1)
        factor   = moving_average_fraction * factor   + 1

    with m values per channel in the batch. The stored mean and variance are the first two divided
    by the third, or 0 while that is 0. What is usually learned with it, a factor and a bias, is a
    Scale layer with `bias_term: true`.

    Ioffe and Szegedy, Batch Normalization: Accelerating Deep Network Training by Reducing Internal
    Covariate Shift, 2015.
    """

    takes_affine = True
    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("batch_norm_param { eps: 0.001 }", [(4, 6)], [(4, 6)]),
        Example(
            "batch_norm_param { moving_average_fraction: 0.9 }",
            [(4, 3, 2)],
            [(4, 3, 2)],
            phase="TRAIN",
        ),
        Example("batch_norm_param { use_global_stats: false }", [(8, 3)], [(8, 3)]),
        Example("batch_norm_param { use_global_stats: true }", [(5,)], [(5,)], phase="TRAIN"),
    )

    def signature(self, n: Instance) -> Signature:
        """The bottom's shape; sums of means and variances per channel, and their factor."""
        shape = n.ins[0]
        with n.collect():
            if not shape:
                n.fault("bottom[0]", "BatchNorm needs an axis to normalise over", "shape-mismatch")
            if n.p.eps < 0:
                n.fault("eps", f"`eps` must not be negative, but is {n.p.eps:g}")
            if n.p.moving_average_fraction < 0:
                n.fault("moving_average_fraction", "`moving_average_fraction` must not be negative")
        statistics = (("mean", _channels(shape)), ("variance", _channels(shape)), ("factor", 1))
        weights = [Weight(name, (size,), learnable=False) for name, size in statistics]
        return Signature([shape], weights)

    def cost(self, n: Instance) -> Cost:
        """A subtraction and a product per element; the batch's own statistics take four more."""
        return Cost(other=count(n.ins[0]) * (2 if _stored(n) else 6))

    def torch(self, n: Instance, t: Any) -> Any:
        """The statistics as buffers, moved by the module itself."""
        return t.ops.BatchNorm(
            _channels(n.ins[0]),
            eps=n.p.eps,
            fraction=n.p.moving_average_fraction,
            stored=_stored(n),
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """BatchNormalization by the stored statistics; by the batch's own, means and products.

        A graph has no state: there the stored ones stay.
        """
        if not _stored(n):
            return normalized_by_batch(g, ins[0], len(n.ins[0]), n.p.eps)
        factor = g.weight("factor")
        empty = g.op("Equal", factor, g.constant([0.0]))
        scale = g.op("Where", empty, g.constant([0.0]), g.op("Reciprocal", factor))
        mean = g.op("Mul", g.weight("mean"), scale)
        variance = g.op("Mul", g.weight("variance"), scale)
        channels = _channels(n.ins[0])
        ones, zeros = g.constant([1.0] * channels), g.constant([0.0] * channels)
        flat = len(n.ins[0]) == 1
        columns = g.op("Reshape", ins[0], g.constant([-1, 1])) if flat else ins[0]
        y = g.op("BatchNormalization", columns, ones, zeros, mean, variance, epsilon=n.p.eps)
        return g.op("Reshape", y, g.constant([-1])) if flat else y

    def affine(self, n: Instance) -> Affine | None:
        """1 / sqrt(variance + eps) and -mean times that, when the stored statistics are used."""
        if not _stored(n) or len(n.ins[0]) == 1:
            return None
        eps = n.p.eps

        def factor_and_shift(weights: dict[str, Any]) -> tuple[Any, Any]:
            factor = weights["factor"]
            empty = factor == 0
            scale = (1 - empty * 1) / (factor + empty * 1)  # 0 while the factor is
            multiplier = (weights["variance"] * scale + eps) ** -0.5
            return multiplier, -weights["mean"] * scale * multiplier

        return factor_and_shift


def _channels(shape: tuple[int, ...]) -> int:
    return shape[1] if len(shape) > 1 else 1


def _stored(n: Instance) -> bool:
    """Whether the stored statistics normalise, not the batch's own."""
    return n.p.use_global_stats if n.p.HasField("use_global_stats") else not n.training
