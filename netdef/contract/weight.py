"""A parameter blob, as a layer type declares it."""

from dataclasses import dataclass, field

from netdef.ir import Shape
from netdef.schema import pb


def constant(value: float) -> pb.FillerParameter:
    """Return a filler of one value everywhere."""
    return pb.FillerParameter(type="constant", value=value)


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight, bias or statistic of a layer.

    Attributes:
        name: Its name in the layer's torch module.
        shape: Its shape, in Caffe's layout.
        filler: How it starts out; zeros when nothing is said.
        learnable: False for a statistic, which the module keeps as a buffer.
    """

    name: str
    shape: Shape
    filler: pb.FillerParameter = field(default_factory=lambda: constant(0.0))
    learnable: bool = True
