"""From a field's path inside a layer to its place in the file."""

import re

from netdef.frontend.nodes import Block, Node, Scalar
from netdef.ir import Layer
from netdef.source import Span

_STEP = re.compile(r"([^.\[]+)(?:\[(\d+)\])?")


def place_of(layer: Layer, path: str = "", own: str | None = None) -> Span | None:
    """Return where a field of a layer is written.

    Args:
        layer: The layer.
        path: The field, such as `stride`, `kernel_size[1]`, `loss_param.ignore_label`, `bottom[0]`.
            A field that the file leaves out is shown at the innermost block that would hold it.
        own: Name of the block with the layer type's own parameters, searched first.
    """
    if layer.node is None:
        return None
    span = written(layer, path, own)
    if span is not None:
        return span
    own_block = layer.node.first(own) if own else None
    if own_block is not None and path and not path.startswith(("bottom", "top")):
        return own_block.name_span
    return _span(layer.node, layer)


def written(layer: Layer, path: str, own: str | None = None) -> Span | None:
    """Return where a field of a layer is written, or None where the file leaves it out."""
    if layer.node is None:
        return None
    steps = _STEP.findall(path)
    walks = (_walk(start, steps) for start in _starts(layer.node, own))
    return next((_span(found, layer) for found, complete in walks if complete), None)


def largest(layer: Layer) -> Span | None:
    """Return where the largest whole number of a layer is written; None when it has none."""
    best: tuple[int, Scalar] | None = None
    waiting: list[Node] = [layer.node] if layer.node is not None else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, Scalar):
            if node.raw.isdecimal() and (best is None or int(node.raw) > best[0]):
                best = int(node.raw), node
        else:
            waiting.extend(node.fields if isinstance(node, Block) else node.items)
    return best[1].value_span if best else None


def _starts(node: Block, own: str | None) -> list[Block]:
    blocks = [b for b in node.all(own) if isinstance(b, Block)] if own else []
    return [*blocks, node]


def _walk(start: Block, steps: list[tuple[str, str]]) -> tuple[Block | Scalar, bool]:
    at: Block | Scalar = start
    for name, index in steps:
        if not isinstance(at, Block):
            return at, False
        found = list(at.all(name))
        if not found:
            return at, False
        at = found[min(int(index or 0), len(found) - 1)]
    return at, bool(steps)


def _span(node: Block | Scalar, layer: Layer) -> Span:
    if isinstance(node, Scalar):
        return node.value_span
    if node is layer.node:  # the layer as a whole: its name says most
        name = node.first("name") or node.first("type")
        return name.value_span if isinstance(name, Scalar) else node.name_span
    return node.name_span
