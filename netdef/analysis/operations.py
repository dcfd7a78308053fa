"""How much a layer computes."""

from netdef.analysis.facets import facets_of
from netdef.contract import Cost
from netdef.ir import Layer


def cost_of(layer: Layer) -> Cost | None:
    """Return the operations of one forward pass over the whole batch; None when unknown."""
    view = facets_of(layer)
    if view is None:
        return None
    kind, instance = view
    return kind.cost(instance)
