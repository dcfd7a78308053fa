"""What is drawn: boxes of one or more layers, and the blobs between them."""

from collections.abc import Mapping
from dataclasses import dataclass

from netdef.ir import Blob, Layer, Net


@dataclass(frozen=True, slots=True)
class Box:
    """A layer, with the layers stacked below it that work on its top in place."""

    layers: tuple[Layer, ...]

    @property
    def head(self) -> Layer:
        """The layer that the box is drawn for."""
        return self.layers[0]


@dataclass(frozen=True, slots=True)
class Edge:
    """A blob on its way from the box at index `tail` to the one at index `head`."""

    tail: int
    head: int
    blob: Blob


@dataclass(frozen=True, slots=True)
class Diagram:
    """Boxes in order of execution, and edges in the order in which their blobs are read."""

    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]


def diagram_of(net: Net) -> Diagram:
    """Return the boxes and edges of a net.

    A layer that works in place joins the box above it when nothing else reads what it overwrites.
    """
    stacks: list[list[Layer]] = []
    made_by: dict[Blob, int] = {}
    edges: list[Edge] = []
    for layer in net.layers:
        if _folds(net, layer):
            box = made_by[layer.bottoms[0]]
            stacks[box].append(layer)
        else:
            box = len(stacks)
            stacks.append([layer])
            edges += _edges_into(box, layer, made_by)
        made_by.update(dict.fromkeys(layer.tops, box))
    return Diagram(tuple(Box(tuple(stack)) for stack in stacks), tuple(edges))


def _folds(net: Net, layer: Layer) -> bool:
    """Whether a layer is the only thing that happens to the only top of another.

    With a second bottom (a Scale of two) there is an edge to draw into the middle of a stack, and
    that edge may even come from below; with a second top above, it is not clear which one is meant.
    """
    if not layer.in_place or len(layer.bottoms) != 1:
        return False
    producer = net.producers.get(layer.bottoms[0])
    alone = net.consumers.get(layer.bottoms[0]) == (layer,)
    return alone and producer is not None and len(producer.tops) == 1


def _edges_into(box: int, layer: Layer, made_by: Mapping[Blob, int]) -> list[Edge]:
    blobs = dict.fromkeys(layer.bottoms)
    return [Edge(made_by[blob], box, blob) for blob in blobs if blob in made_by]
