"""The layers that some blobs need, as a torch.fx graph."""

import re
from collections.abc import Mapping, Sequence
from operator import getitem
from typing import Any

from torch import fx
from torch.fx.proxy import GraphAppendingTracer

from netdef import catalog
from netdef.contract import Affine
from netdef.contract.of_layer import instance_of
from netdef.ir import Blob, Layer, Net
from netdef.torch_backend.gradient import is_cut_off, stops_gradient

MODULES = "layers"
"""Name of the ModuleDict that holds the layers' modules."""


def needed_layers(
    net: Net, wanted: Sequence[Blob], fed: set[Blob], effects: bool = False
) -> list[Layer]:
    """Return the layers that `wanted` depends on, in order, stopping at what is fed.

    With `effects`, layers that do something besides their tops are needed, too.
    """
    needed = {blob for blob in wanted if blob not in fed}
    layers: list[Layer] = []
    for layer in reversed(net.layers):
        if needed.intersection(layer.tops) or (effects and _has_effect(layer)):
            layers.append(layer)
            needed.update(b for b in layer.bottoms if b not in fed)
    return layers[::-1]


def _has_effect(layer: Layer) -> bool:
    kind = catalog.find(layer.type)
    return kind is not None and kind.effect


def build_graph(
    layers: Sequence[Layer],
    names: Mapping[Layer, str],
    wanted: Sequence[Blob],
    fed: Mapping[Blob, str],
) -> fx.Graph:
    """Return a graph that computes `wanted`.

    Its placeholders are the fed blobs, called and ordered as `fed` says; its output is a tuple in
    the order of `wanted`. A node's `meta` holds the layer's own name and type, and the names of the
    blobs it makes.

    Args:
        layers: The layers needed, in order.
        names: The names of the layers' modules in the ModuleDict `layers`.
        wanted: The blobs to compute.
        fed: The blobs given from outside, with the names of their placeholders.
    """
    graph = fx.Graph()
    values: dict[Blob, fx.Node] = {blob: graph.placeholder(name) for blob, name in fed.items()}
    merged = _affine_behind(layers, wanted, fed)
    behind = set(merged.values())
    for layer in layers:
        if layer not in behind:
            _add_layer(graph, layer, names, values, merged.get(layer))
    graph.output(tuple(values[blob] for blob in wanted))
    graph.lint()
    return graph


def _affine_behind(
    layers: Sequence[Layer], wanted: Sequence[Blob], fed: Mapping[Blob, str]
) -> dict[Layer, Layer]:
    """Return the layers that can apply an affine layer behind them in the same step, with that.

    Nobody else may read what is between the two.
    """
    readers: dict[Blob, list[Layer]] = {}
    for layer in layers:
        for bottom in layer.bottoms:
            readers.setdefault(bottom, []).append(layer)
    pairs: dict[Layer, Layer] = {}
    for layer in layers:
        kind = catalog.find(layer.type)
        if kind is None or not kind.takes_affine:
            continue
        (top,) = layer.tops
        found = readers.get(top, [])
        free = len(found) == 1 and top not in wanted and found[0].tops[0] not in fed
        if free and _affine_of(found[0]) is not None:
            pairs[layer] = found[0]
    return pairs


def _affine_of(layer: Layer) -> Affine | None:
    """Return how a layer maps its only bottom, by its own parameters."""
    kind = catalog.find(layer.type)
    own = all(param.owner is None for param in layer.params or ())
    if kind is None or not layer.params or not own or layer.message.propagate_down:
        return None
    return kind.affine(instance_of(layer, catalog.own_message(kind, layer.message)))


def _add_layer(
    graph: fx.Graph,
    layer: Layer,
    names: Mapping[Layer, str],
    values: dict[Blob, fx.Node],
    behind: Layer | None,
) -> None:
    inputs = [_input(graph, layer, i, values) for i in range(len(layer.bottoms))]
    further = _factor_and_shift(graph, behind, names[behind]) if behind is not None else {}
    node = graph.create_node(
        "call_module",
        f"{MODULES}.{names[layer]}",
        tuple(inputs),
        further,
        name=_identifier(layer.name),
    )
    node.meta["layer"] = layer.name
    node.meta["type"] = layer.type
    tops = layer.tops if behind is None else behind.tops
    node.meta["tops"] = tuple(blob.name for blob in tops)
    if len(tops) == 1:
        values.setdefault(tops[0], node)
        return
    for i, blob in enumerate(tops):
        item = graph.call_function(getitem, (node, i))
        values.setdefault(blob, item)


def _factor_and_shift(graph: fx.Graph, layer: Layer, name: str) -> dict[str, Any]:
    """Add nodes for what an affine layer multiplies by and adds."""
    affine = _affine_of(layer)
    assert affine is not None  # noqa: S101 - the pair was chosen for it
    tracer = GraphAppendingTracer(graph)
    weights = {
        param.weight: fx.Proxy(graph.get_attr(f"{MODULES}.{name}.{param.weight}"), tracer)
        for param in layer.params or ()
    }
    factor, shift = affine(weights)
    return {"factor": factor.node, "shift": shift.node}


def _input(graph: fx.Graph, layer: Layer, index: int, values: dict[Blob, fx.Node]) -> fx.Node:
    node = values[layer.bottoms[index]]
    stops = stops_gradient(layer, index) and node.op != "placeholder"
    if stops or is_cut_off(layer, index):
        return graph.call_method("detach", (node,))
    return node


def _identifier(name: str) -> str:
    return "v_" + re.sub(r"\W", "_", name)
