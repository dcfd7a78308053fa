"""Work that nobody asks for: tops that no layer reads."""

from collections.abc import Iterator

from netdef import catalog
from netdef.ir import Layer, Net
from netdef.passes.places import place_of
from netdef.source import Diagnostic, hint

_RESULTS = ("loss", "sink")
"""Roles of layers whose tops are there to be looked at."""


def hints(net: Net) -> Iterator[Diagnostic]:
    """Yield a hint per input that no layer reads and, in a net with a loss, per idle top.

    Elsewhere what no layer reads is an output: the result of the net.
    """
    trains = net.phase == "TRAIN" and any(any(layer.loss_weights) for layer in net.layers)
    for layer in net.layers:
        if not layer.source and not (trains and _computes(layer)):
            continue
        for index, top in enumerate(layer.tops):
            if not net.consumers[top] and not layer.loss_weights[index]:
                yield _hint(layer, index)


def _computes(layer: Layer) -> bool:
    kind = catalog.find(layer.type)
    return kind is not None and kind.role not in _RESULTS


def _hint(layer: Layer, index: int) -> Diagnostic:
    name = layer.tops[index].name
    if layer.source:
        text = f"no layer reads `{name}`"
        note = "leave it out, or let a Silence layer read it if it has to be there"
    else:
        text = f"`{name}` is computed in every iteration of training, but no layer reads it"
        note = "`include { phase: TEST }` computes it in tests only"
    return hint("unused-top", text, place_of(layer, f"top[{index}]"), note=note)
