"""A parameter blob of a layer."""

from dataclasses import dataclass
from math import prod

from netdef.ir.blob import Shape
from netdef.schema import pb


@dataclass(frozen=True, eq=False, slots=True)
class Param:
    """A weight, bias or statistic that a layer keeps.

    Attributes:
        weight: What it is to its layer (`weight`, `bias`, `mean`), as the layer type names it.
        shape: Its shape, in Caffe's layout.
        filler: How it starts out.
        layer: The name of the layer that has it.
        index: Its place among the layer's blobs.
        name: The name it is shared under, or "".
        learnable: False for a statistic, which is kept but not learned.
        lr_mult: Factor on the solver's learning rate; 0 freezes it.
        decay_mult: Factor on the solver's weight decay.
        owner: The parameter that this one is, where it is shared; None when it is its own.
    """

    weight: str
    shape: Shape
    filler: pb.FillerParameter
    layer: str
    index: int
    name: str = ""
    learnable: bool = True
    lr_mult: float = 1.0
    decay_mult: float = 1.0
    owner: "Param | None" = None

    @property
    def count(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def root(self) -> "Param":
        """The parameter that holds the values: itself, or its owner."""
        return self.owner or self
