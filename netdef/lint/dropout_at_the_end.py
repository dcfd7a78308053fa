"""Dropout behind everything that learns: the scores themselves are dropped."""

from collections.abc import Iterator

from netdef.ir import Blob, Net
from netdef.passes.places import place_of
from netdef.source import Diagnostic, hint


def hints(net: Net) -> Iterator[Diagnostic]:
    """Yield a hint per Dropout that nothing with weights comes after."""
    learning: set[Blob] = set()  # what reaches a layer that learns, or may learn for all we know
    for layer in reversed(net.layers):
        learns = layer.params is None or any(param.learnable for param in layer.params)
        reaches = not learning.isdisjoint(layer.tops)
        if layer.type == "Dropout" and not reaches:
            text = (
                f"no layer with weights comes after `{layer.name}`: it drops the net's own scores"
            )
            note = "Dropout belongs before the last layer with weights"
            yield hint("dropout-at-the-end", text, place_of(layer, "type"), note=note)
        if learns or reaches:
            learning.update(layer.bottoms)
