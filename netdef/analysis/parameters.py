"""How many values a layer keeps."""

from collections.abc import Iterable
from dataclasses import dataclass

from netdef.ir import Layer, Param


@dataclass(frozen=True, slots=True)
class ParameterCount:
    """Values that a layer keeps, by what becomes of them.

    Attributes:
        learnable: Weights and biases of its own, frozen ones too.
        frozen: Those of the learnable ones that stay as they are, because their lr_mult is 0.
        buffers: Statistics of its own, which are kept but not learned (BatchNorm's).
        shared: Values that belong to a layer before it, and are counted there.
    """

    learnable: int
    frozen: int
    buffers: int
    shared: int


def count_parameters(layer: Layer) -> ParameterCount | None:
    """Count what a layer keeps; None when its type or an input's shape is unknown."""
    if layer.params is None:
        return None
    own = [p for p in layer.params if p.owner is None]
    learnable = [p for p in own if p.learnable]
    return ParameterCount(
        learnable=_count(learnable),
        frozen=_count(p for p in learnable if p.lr_mult == 0),
        buffers=_count(p for p in own if not p.learnable),
        shared=_count(p for p in layer.params if p.owner is not None),
    )


def _count(params: Iterable[Param]) -> int:
    return sum(p.count for p in params)
