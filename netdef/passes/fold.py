"""Folding affine layers (BatchNorm, Scale) into the layers before them.

Which layers go together is decided here, on the graph; what becomes of the values is for whoever
has them: `LayerType.affine` and `LayerType.absorb` say how.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from netdef import catalog
from netdef.contract import Instance, LayerType
from netdef.contract.of_layer import instance_of
from netdef.ir import Blob, Layer, Net, Param


@dataclass(frozen=True, eq=False, slots=True)
class Group:
    """Layers that become one.

    Attributes:
        first: The layer that absorbs the others, as it was.
        merged: The affine layers, in order of execution.
        result: The layer of the smaller net that stands for all of them: it has the name of the
            first, the top of the last, and a bias whether the first had one or not.
    """

    first: Layer
    merged: tuple[Layer, ...]
    result: Layer


def fold(net: Net, keep: Collection[str] = ()) -> tuple[Net, tuple[Group, ...]]:
    """Return a smaller net, and how the values of its layers come about.

    An affine layer is merged into the layer right before it when that layer absorbs affine maps, or
    has been merged itself, and nobody else reads the blob between them. Layers that share a
    parameter stay as they are. A blob between two merged layers is gone afterwards.

    Args:
        net: A typed net.
        keep: Names of blobs that must stay.
    """
    kept = {net.blobs[name] for name in keep}
    shared = _shared(net)
    chains: dict[Blob, list[Layer]] = {}  # by the top of their last layer
    for layer in net.layers:
        if len(layer.tops) != 1 or shared.intersection(p.root for p in layer.params or ()):
            continue
        top = layer.tops[0]
        chain = chains.get(layer.bottoms[0]) if len(layer.bottoms) == 1 else None
        if chain and _only_reader(net, layer, kept) and _is_affine(layer):
            del chains[layer.bottoms[0]]
            chains[top] = [*chain, layer]
        elif _absorbs(layer):
            chains[top] = [layer]
    groups = tuple(
        Group(chain[0], tuple(chain[1:]), _result(chain[0], chain[-1]))
        for chain in chains.values()
        if len(chain) > 1
    )
    results = {group.first: group.result for group in groups}
    gone = {layer for group in groups for layer in group.merged}
    layers = (results.get(layer, layer) for layer in net.layers if layer not in gone)
    return net.replace(layers=tuple(layers)), groups


def _shared(net: Net) -> set[Param]:
    uses = Counter(p.root for layer in net.layers for p in layer.params or ())
    return {param for param, count in uses.items() if count > 1}


def _only_reader(net: Net, layer: Layer, kept: set[Blob]) -> bool:
    """Whether nothing but `layer` wants its only bottom: no layer, nobody outside, no loss."""
    blob = layer.bottoms[0]
    maker = net.producers[blob]
    in_loss = any(weight for weight in maker.loss_weights)
    return net.consumers[blob] == (layer,) and blob not in kept and not in_loss


def _is_affine(layer: Layer) -> bool:
    kind, n = _instance(layer)
    return n is not None and kind is not None and kind.affine(n) is not None


def _absorbs(layer: Layer) -> bool:
    kind = catalog.find(layer.type)
    if kind is None or not kind.absorbs_affine:
        return False
    n = _instance(layer)[1]
    return n is not None and kind.absorb(n) is not None


def _instance(layer: Layer) -> tuple[LayerType | None, Instance | None]:
    kind = catalog.find(layer.type)
    if kind is None or layer.params is None:
        return kind, None
    return kind, instance_of(layer, catalog.own_message(kind, layer.message))


def _result(first: Layer, last: Layer) -> Layer:
    kind = catalog.find(first.type)
    assert kind is not None and first.params is not None  # noqa: S101 - it absorbs
    message = type(first.message)()
    message.CopyFrom(first.message)
    message.top[:] = [last.tops[0].name]
    own: Any = catalog.own_message(kind, message)
    if all(param.weight != "bias" for param in first.params):
        own.bias_term = True
    layer = first.replace(message=message, tops=last.tops, loss_weights=last.loss_weights)
    have = {param.weight: param for param in first.params}
    params = [
        have.get(w.name) or Param(w.name, tuple(w.shape), w.filler, first.name, index)
        for index, w in enumerate(kind.signature(instance_of(layer, own)).weights)
    ]
    return layer.replace(params=tuple(params))
