"""Normalising by the batch's own statistics, in ONNX's operators."""

from typing import Any


def normalized_by_batch(g: Any, x: Any, rank: int, eps: float) -> Any:
    """Return (x - mean) / sqrt(variance + eps), the mean and biased variance those of the batch.

    Args:
        g: The graph under construction.
        x: A value of `rank` axes; each index of axis 1 is a channel. With one axis, all is one.
        rank: Its number of axes.
        eps: What is added to the variance.
    """
    axes = [axis for axis in range(rank) if axis != 1]
    centred = g.op("Sub", x, g.op("ReduceMean", x, axes=axes))
    variance = g.op("ReduceMean", g.op("Mul", centred, centred), axes=axes)
    return g.op("Div", centred, g.op("Sqrt", g.op("Add", variance, g.constant(float(eps)))))
