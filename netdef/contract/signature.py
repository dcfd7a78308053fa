"""What a layer makes and keeps, for given inputs."""

from collections.abc import Sequence
from dataclasses import dataclass

from netdef.contract.fault import Problem
from netdef.contract.weight import Weight
from netdef.ir import Shape


@dataclass(frozen=True, slots=True)
class Signature:
    """Shapes of the tops, and the weights in Caffe's order.

    A top's shape is None when nobody can know it (a data source that is not there). The shapes of
    a `dynamic` layer type are upper bounds. `warnings` are what should be known though the layer
    works: a field without effect, say.
    """

    tops: Sequence[Shape | None]
    weights: Sequence[Weight] = ()
    warnings: Sequence[Problem] = ()
