"""How much memory a layer's tops take."""

from math import prod

from netdef.ir import Layer

BYTES_PER_VALUE = 4
"""Values are float32."""


def activation_bytes(layer: Layer) -> int | None:
    """Return the bytes of the tops of a layer, for the whole batch; None when a shape is unknown.

    A top made in place takes none: it lies where its bottom lies.
    """
    total = 0
    for index, top in enumerate(layer.tops):
        if top.shape is None:
            return None
        if not _is_in_place(layer, index):
            total += prod(top.shape) * BYTES_PER_VALUE
    return total


def _is_in_place(layer: Layer, index: int) -> bool:
    """Whether a top is a new version of the bottom at the same position."""
    return index < len(layer.bottoms) and layer.bottoms[index].name == layer.tops[index].name
