"""The figures of one layer, or of all."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

from netdef.analysis.memory import BYTES_PER_VALUE, activation_bytes
from netdef.analysis.operations import cost_of
from netdef.analysis.parameters import count_parameters
from netdef.ir import Layer


@dataclass(frozen=True, slots=True)
class Figures:
    """What a layer or a net keeps, computes and holds; a figure is None when it is not known.

    Operations and activations are those of one forward pass over the whole batch.

    Attributes:
        learnable: Weights and biases, frozen ones too; shared ones count where they come first.
        frozen: Those of the learnable values whose lr_mult is 0.
        shared: Values that belong to an earlier layer.
        buffers: Values that are kept but not learned (BatchNorm's statistics).
        parameter_bytes: Bytes of the learnable values and the buffers, as float32.
        macs: Multiply-accumulates.
        other: Other arithmetic operations.
        activation_bytes: Bytes of the tops, as float32; those made in place take none.
    """

    learnable: int | None
    frozen: int | None
    shared: int | None
    buffers: int | None
    parameter_bytes: int | None
    macs: int | None
    other: int | None
    activation_bytes: int | None

    @property
    def complete(self) -> bool:
        """Whether every figure is known."""
        return all(getattr(self, field.name) is not None for field in fields(self))


PER_BATCH = ("macs", "other", "activation_bytes")
"""The figures that grow with the batch, and so can be given per image."""


def figures_of(layer: Layer) -> Figures:
    """Return the figures of a layer of a typed net."""
    count = count_parameters(layer)
    cost = cost_of(layer)
    return Figures(
        learnable=count.learnable if count else None,
        frozen=count.frozen if count else None,
        shared=count.shared if count else None,
        buffers=count.buffers if count else None,
        parameter_bytes=(count.learnable + count.buffers) * BYTES_PER_VALUE if count else None,
        macs=cost.macs if cost else None,
        other=cost.other if cost else None,
        activation_bytes=activation_bytes(layer),
    )


def total(parts: Iterable[Figures]) -> Figures:
    """Return the sum of the figures that are known; it has no unknown ones."""
    parts = list(parts)
    sums = {f.name: sum(getattr(part, f.name) or 0 for part in parts) for f in fields(Figures)}
    return Figures(**sums)
