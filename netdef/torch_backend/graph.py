"""The layers that some blobs need, as a torch.fx graph."""

import re
from collections.abc import Mapping, Sequence
from operator import getitem

from torch import fx

from netdef import catalog
from netdef.ir import Blob, Layer, Net

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
    the order of `wanted`. A node's `meta` holds the layer's own name and type.

    Args:
        layers: The layers needed, in order.
        names: The names of the layers' modules in the ModuleDict `layers`.
        wanted: The blobs to compute.
        fed: The blobs given from outside, with the names of their placeholders.
    """
    graph = fx.Graph()
    values: dict[Blob, fx.Node] = {blob: graph.placeholder(name) for blob, name in fed.items()}
    for layer in layers:
        _add_layer(graph, layer, names[layer], values)
    graph.output(tuple(values[blob] for blob in wanted))
    graph.lint()
    return graph


def _add_layer(graph: fx.Graph, layer: Layer, name: str, values: dict[Blob, fx.Node]) -> None:
    inputs = [_input(graph, layer, i, values) for i in range(len(layer.bottoms))]
    node = graph.create_node(
        "call_module", f"{MODULES}.{name}", tuple(inputs), name=_identifier(layer.name)
    )
    node.meta["layer"] = layer.name
    node.meta["type"] = layer.type
    if len(layer.tops) == 1:
        values.setdefault(layer.tops[0], node)
        return
    for i, blob in enumerate(layer.tops):
        item = graph.call_function(getitem, (node, i))
        values.setdefault(blob, item)


def _input(graph: fx.Graph, layer: Layer, index: int, values: dict[Blob, fx.Node]) -> fx.Node:
    node = values[layer.bottoms[index]]
    kind = catalog.find(layer.type)
    from_end = index - len(layer.bottoms)
    stops = kind is not None and {index, from_end}.intersection(kind.no_grad_bottoms)
    asked = layer.message.propagate_down
    if (index < len(asked) and not asked[index]) or (stops and node.op != "placeholder"):
        return graph.call_method("detach", (node,))
    return node


def _identifier(name: str) -> str:
    return "v_" + re.sub(r"\W", "_", name)
