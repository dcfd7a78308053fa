"""From a layer of a typed net to its type and what the type's facets see."""

from netdef import catalog
from netdef.contract import Instance, LayerType
from netdef.contract.of_layer import instance_of
from netdef.ir import Layer


def facets_of(layer: Layer) -> tuple[LayerType, Instance] | None:
    """Return the type of a layer and the record to ask its facets with.

    None when there is nothing to ask: the type is unknown, or an input's shape, or the layer has a
    fault.
    """
    kind = catalog.find(layer.type)
    if kind is None or layer.params is None:
        return None
    return kind, instance_of(layer, catalog.own_message(kind, layer.message))
