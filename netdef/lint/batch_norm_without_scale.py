"""BatchNorm alone: every channel is left with mean 0 and variance 1."""

from collections.abc import Iterator

from netdef import catalog
from netdef.ir import Layer, Net
from netdef.passes.places import place_of
from netdef.source import Diagnostic, hint


def hints(net: Net) -> Iterator[Diagnostic]:
    """Yield a hint per BatchNorm whose top gets no factor and bias again."""
    for layer in net.layers:
        normalises = layer.type == "BatchNorm" and layer.tops
        readers = net.consumers[layer.tops[0]] if normalises else ()
        if readers and not any(_may_scale(reader) for reader in readers):
            text = f"no Scale layer follows `{layer.name}`: BatchNorm itself learns nothing"
            note = "add a Scale layer with `scale_param { bias_term: true }` in place after it"
            yield hint("batch-norm-without-scale", text, place_of(layer, "type"), note=note)


def _may_scale(layer: Layer) -> bool:
    kind = catalog.find(layer.type)
    # A layer with weights of its own per channel can learn the factor in them.
    return kind is None or kind.absorbs_affine or layer.type in ("Scale", "Bias")
