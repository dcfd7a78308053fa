"""The net's fields `input`, `input_dim` and `input_shape` to an Input layer, the first."""

from netdef.frontend.nodes import Block, Node, Scalar, occurrences
from netdef.frontend.upgrade.tree import Log, block, scalar
from netdef.source import error, warning

_FIELDS = ("input", "input_dim", "input_shape")
_DIMS = 4
"""`input_dim` gives this many sizes per input: N, C, H, W."""


def upgrade_inputs(fields: list[Node], log: Log) -> list[Node]:
    """Return the fields of a net, which have some of these, in current form."""
    inputs = [n for n in occurrences(fields, "input") if isinstance(n, Scalar)]
    shapes = [n for n in occurrences(fields, "input_shape") if isinstance(n, Block)]
    dims = [n for n in occurrences(fields, "input_dim") if isinstance(n, Scalar)]
    if not inputs:
        _warn_of_nameless([*shapes, *dims], log)
        return fields
    layer = _input_layer(inputs, shapes, dims)
    if not _fit(inputs, shapes, dims, log):
        layer = _faulty_layer(layer, [*inputs, *shapes, *dims])
    log.did("input fields to an Input layer")
    rest = [node for node in fields if node.name not in _FIELDS]
    at = next((i for i, node in enumerate(rest) if node.name == "layer"), len(rest))
    return [*rest[:at], layer, *rest[at:]]


def _fit(inputs: list[Scalar], shapes: list[Block], dims: list[Scalar], log: Log) -> bool:
    """Report shapes that are not as many as the inputs."""
    fault = None
    if shapes and len(shapes) != len(inputs):
        text = f"{len(shapes)} input_shape for {len(inputs)} inputs; give one per input"
        fault = error("input-shape", text, shapes[-1].name_span)
    elif dims and not shapes and len(dims) != _DIMS * len(inputs):
        text = f"{len(dims)} input_dim for {len(inputs)} inputs; give {_DIMS} per input"
        fault = error("input-shape", text, dims[-1].span)
    elif not dims and not shapes:
        note = "write `input_shape { dim: 1 dim: 3 dim: 224 dim: 224 }`"
        fault = error("input-shape", "an input needs a shape", inputs[0].span, note=note)
    if fault is not None:
        log.faults.append(fault)
    elif dims and shapes:  # as in the reference, shapes win
        text = "`input_dim` does nothing beside `input_shape`"
        log.faults.append(warning("ignored-field", text, dims[0].name_span))
    return fault is None


def _warn_of_nameless(given: list[Scalar | Block], log: Log) -> None:
    if given:
        text = f"`{given[0].name}` does nothing without `input`, the name of the blob"
        log.faults.append(warning("ignored-field", text, given[0].name_span))


def _input_layer(inputs: list[Scalar], shapes: list[Block], dims: list[Scalar]) -> Block:
    first = inputs[0]
    if shapes:
        blocks = [block("shape", shape.fields, shape) for shape in shapes]
    else:
        blocks = [
            block("shape", [scalar("dim", dim.raw, dim) for dim in dims[i : i + _DIMS]], dims[i])
            for i in range(0, len(dims), _DIMS)
        ]
    fields: list[Node] = [
        scalar("name", '"input"', first),
        scalar("type", '"Input"', first),
        *(scalar("top", name.raw, name) for name in inputs),
        *(block("input_param", blocks, each) for each in blocks[:1]),
    ]
    return block("layer", fields, first)


def _faulty_layer(layer: Block, written: list[Scalar | Block]) -> Block:
    """Return the layer as one that has the faults of its parts: it is there, without shapes."""
    start, end = min(node.start for node in written), max(node.end for node in written)
    return Block(layer.file, layer.name, start, start, layer.fields, end)
