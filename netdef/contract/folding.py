"""Folding an affine map of a layer's outputs into its own weights."""

from collections.abc import Callable
from typing import Any

Weights = dict[str, Any]
"""Tensors by the names that the signature gives them."""

Affine = Callable[[Weights], tuple[Any, Any]]
"""From a layer's weights to the factor and the shift it applies, one per channel (axis 1)."""

Absorb = Callable[[Weights, Any, Any], Weights]
"""From a layer's weights, and a factor and a shift per channel of its top, to the weights with
which it applies them too."""


def absorb_outputs(axis: int = 0, groups: int = 1) -> Absorb:
    """Return how a layer absorbs whose outputs are the channels of its top.

    Its `bias`, one per channel, may be missing before and is there afterwards.

    Args:
        axis: The axis of its `weight` that counts the outputs: 0, or 1 as in a Deconvolution's
            (inputs, outputs / groups, ...).
        groups: With axis 1, how many equal parts inputs and outputs are cut into.
    """

    def absorb(weights: Weights, factor: Any, shift: Any) -> Weights:
        weight = weights["weight"]
        behind = (1,) * (weight.ndim - axis - 1)
        if axis:
            parts = weight.reshape((groups, -1, *weight.shape[1:]))
            scaled = (parts * factor.reshape((groups, 1, -1, *behind))).reshape(weight.shape)
        else:
            scaled = weight * factor.reshape((-1, *behind))
        bias = weights["bias"] * factor + shift if "bias" in weights else shift
        return {**weights, "weight": scaled, "bias": bias}

    return absorb
