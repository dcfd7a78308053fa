"""One layer of a net."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from netdef.ir.blob import Blob
from netdef.ir.param import Param

if TYPE_CHECKING:
    from netdef.frontend.nodes import Block


@dataclass(frozen=True, eq=False, slots=True)
class Layer:
    """A layer with what it reads, makes and keeps.

    Attributes:
        name: The name in the file; layers without one are named after their type.
        type: The name of the layer type.
        message: The LayerParameter.
        node: The block of the file it came from, where faults are shown; None if it had none.
        phase: "TRAIN" or "TEST": the net's, unless the layer sets its own.
        faulty: Whether its fields had faults, so that nothing can be concluded from them.
        source: Whether its tops come from outside, after `connect`.
        trusted: Whether code that it names may be run, after `infer`.
        bottoms: What it reads, after the pass `connect`.
        tops: What it makes, after `connect`; with shapes after `infer`.
        params: What it keeps, after `infer`; None when its type or an input shape is unknown.
        loss_weights: Weight of each top in the objective, after `connect`.
    """

    name: str
    type: str
    message: Any
    node: "Block | None" = None
    phase: str = "TEST"
    faulty: bool = False
    source: bool = False
    trusted: bool = False
    bottoms: tuple[Blob, ...] = ()
    tops: tuple[Blob, ...] = ()
    params: tuple[Param, ...] | None = None
    loss_weights: tuple[float, ...] = ()

    def replace(self, **changes: Any) -> "Layer":
        """Return a copy with other attributes."""
        return replace(self, **changes)

    @property
    def in_place(self) -> bool:
        """Whether its first top is a new version of its first bottom."""
        return bool(self.tops and self.bottoms) and self.tops[0].name == self.bottoms[0].name
