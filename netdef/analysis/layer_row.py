"""One layer of a summary."""

from dataclasses import dataclass

from netdef.analysis.figures import Figures, figures_of
from netdef.ir import Layer, Shape


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A layer and its figures.

    Attributes:
        name: The layer's name.
        type: The name of its type.
        tops: Names of its tops.
        shapes: Their shapes, one per top; None where it is not known.
        dynamic: Whether the shapes are upper bounds, because the sizes depend on the data.
        figures: What it keeps, computes and holds, for the whole batch.
    """

    name: str
    type: str
    tops: tuple[str, ...]
    shapes: tuple[Shape | None, ...]
    dynamic: bool
    figures: Figures


def row_of(layer: Layer) -> LayerRow:
    """Return the row of a layer of a typed net."""
    return LayerRow(
        name=layer.name,
        type=layer.type,
        tops=tuple(top.name for top in layer.tops),
        shapes=tuple(top.shape for top in layer.tops),
        dynamic=any(top.dynamic for top in layer.tops),
        figures=figures_of(layer),
    )
