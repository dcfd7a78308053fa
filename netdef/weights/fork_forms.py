"""Layers that forks store with other blobs than the net's own layer has.

NVIDIA's fork can fuse a batch normalisation with the factor and bias after it, and stores all five
blobs (mean, variance, factor, scale, bias) under the first one's name. A net in Caffe's own form
has two layers there, so that the blobs are divided between them. What is what is told by the
parameters' roles and sizes, not by the types of the layers.
"""

from dataclasses import replace

from netdef.ir import Layer, Net, Param, Shape
from netdef.weights.weights import Array, StoredLayer, Weights

_STATISTICS = ("mean", "variance", "factor")
_AFFINE = ("weight", "bias")
_FUSED = len(_STATISTICS) + len(_AFFINE)
_NOTES = {
    (_STATISTICS, _FUSED): (
        "NVIDIA's fork stores a factor and a bias with the statistics: they need a Scale layer of "
        "their own right after this one, with `scale_param { bias_term: true }`"
    ),
    (("slope", "bias", "mean", "variance"), 2): (
        "two blobs are SegNet's form of the layer: say `bn_param { bn_mode: INFERENCE }`, or LEARN "
        "for a net that is still trained"
    ),
    (("scale", "shift"), 4): (
        "four blobs are PSPNet's form of the layer: leave out `bn_mode`, `scale_filler` and "
        "`shift_filler`"
    ),
}


def split_fused(weights: Weights, net: Net) -> Weights:
    """Return the weights with fused layers divided as the net has them; most have none."""
    layers: list[StoredLayer] = []
    by_name = {layer.name: layer for layer in reversed(net.layers)}
    for stored in weights.layers:
        layer = by_name.get(stored.name)
        parts = _parts(layer, stored, net) if layer is not None else None
        layers += parts or [stored]
    return weights if len(layers) == len(weights.layers) else weights.with_layers(layers)


def note_about(params: tuple[Param, ...], stored: StoredLayer) -> str | None:
    """Say what to do about a number of blobs that a fork's form explains."""
    return _NOTES.get((_roles(params), len(stored.blobs)))


def _parts(layer: Layer, stored: StoredLayer, net: Net) -> list[StoredLayer] | None:
    if _roles(layer.params) != _STATISTICS or len(stored.blobs) != _FUSED or len(layer.tops) != 1:
        return None
    readers = net.consumers.get(layer.tops[0], ())
    if len(readers) != 1 or _roles(readers[0].params) != _AFFINE:
        return None
    params = (*(layer.params or ()), *(readers[0].params or ()))
    blobs = tuple(map(_shaped, stored.blobs, (param.shape for param in params)))
    if any(blob is None for blob in blobs):
        return None
    first = replace(stored, blobs=blobs[:3], legacy=frozenset[int](), extras={})
    return [first, StoredLayer(readers[0].name, blobs[3:], dtypes=stored.dtypes[3:])]


def _roles(params: tuple[Param, ...] | None) -> tuple[str, ...]:
    return tuple(param.weight for param in params or ())


def _shaped(blob: Array | None, shape: Shape) -> Array | None:
    """Return values of the net's shape; the fork has 1s before or behind, by its cuDNN's age."""
    if blob is None or _without_ones(blob.shape) != _without_ones(shape):
        return None
    return blob.reshape(shape)


def _without_ones(shape: Shape) -> Shape:
    return tuple(size for size in shape if size != 1)
