"""Older forms of a file to the current one, on the syntax tree, so that places survive."""

from netdef.frontend.nodes import Block, Document, Node, Scalar, occurrences
from netdef.source import Diagnostic, error

_DIMS = 4
"""`input_dim` gives this many sizes per input: N, C, H, W."""


def upgrade(document: Document) -> tuple[Document, list[Diagnostic]]:
    """Return the document in current form, with the faults of the old forms.

    The net-level fields `input`, `input_dim` and `input_shape` become one Input layer, the first.
    """
    inputs = [n for n in occurrences(document.fields, "input") if isinstance(n, Scalar)]
    if not inputs:
        return document, []
    shapes = [n for n in occurrences(document.fields, "input_shape") if isinstance(n, Block)]
    dims = [n for n in occurrences(document.fields, "input_dim") if isinstance(n, Scalar)]
    faults: list[Diagnostic] = []
    if dims and len(dims) != _DIMS * len(inputs):
        text = f"{len(dims)} input_dim for {len(inputs)} inputs; give {_DIMS} per input"
        faults.append(error("input-shape", text, dims[-1].span))
    elif shapes and len(shapes) != len(inputs):
        text = f"{len(shapes)} input_shape for {len(inputs)} inputs; give one per input"
        faults.append(error("input-shape", text, shapes[-1].name_span))
    elif not dims and not shapes:
        text = "an input needs a shape"
        note = "write `input_shape { dim: 1 dim: 3 dim: 224 dim: 224 }`"
        faults.append(error("input-shape", text, inputs[0].span, note=note))
    old = {"input", "input_dim", "input_shape"}
    rest: list[Node] = [node for node in document.fields if node.name not in old]
    if faults:
        return Document(document.file, rest), faults
    layer = _input_layer(inputs, shapes, dims)
    at = next((i for i, node in enumerate(rest) if node.name == "layer"), len(rest))
    return Document(document.file, [*rest[:at], layer, *rest[at:]]), faults


def _input_layer(inputs: list[Scalar], shapes: list[Block], dims: list[Scalar]) -> Block:
    first = inputs[0]
    blocks = [_block("shape", shape, shape.fields) for shape in shapes]
    for i in range(0, len(dims), _DIMS):
        sizes: list[Node] = [_scalar("dim", dim, dim.raw) for dim in dims[i : i + _DIMS]]
        blocks.append(_block("shape", dims[i], sizes))
    fields: list[Node] = [
        _scalar("name", first, '"input"'),
        _scalar("type", first, '"Input"'),
        *(_scalar("top", name, name.raw) for name in inputs),
        _block("input_param", first, list(blocks)),
    ]
    return _block("layer", first, fields)


def _scalar(name: str, place: Scalar, raw: str) -> Scalar:
    """Make a field that is shown at `place`."""
    return Scalar(place.file, name, place.start, raw, place.value_start)


def _block(name: str, place: Node, fields: list[Node]) -> Block:
    return Block(place.file, name, place.start, place.start, fields, place.end)
