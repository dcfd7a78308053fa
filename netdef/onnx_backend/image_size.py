"""How far the height and width of a net's inputs may vary."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import onnx_ir as ir

from netdef.ir import Blob, Layer, Net, Param, Shape
from netdef.onnx_backend.batch import Batch, Dims, Shapes, fits
from netdef.onnx_backend.build import Values, write_layers
from netdef.onnx_backend.graph import Value
from netdef.onnx_backend.part import Part
from netdef.passes.infer import infer
from netdef.passes.places import place_of
from netdef.source import Diagnostic, warning

_IMAGE_AXES = 4
_SYMBOLS = ("H", "W")
_ENOUGH = 2
"""Other sizes that the net must fit; rows and columns differ in them by different amounts."""


@dataclass(frozen=True)
class _Other:
    """The net for another size: the inputs' shapes, and the part inferred for them."""

    shapes: Shapes
    part: Part


def open_size(part: Part, batch: Batch, values: Values, fixed_by: str = "") -> tuple[Batch, bool]:
    """Find out whether height and width may vary, by making the graph for other sizes.

    They may where the net fits other sizes with the same parameters, and the graph is the same for
    all of them: no layer has written the size of its input into it. Axes 2 and 3 of the inputs that
    are as large as the first image are then called `H` and `W`.

    Args:
        part: What is exported.
        batch: What is known of the batch.
        values: The parameters' values.
        fixed_by: What else needs the size that the net has, if anything does.

    Returns:
        `batch` with the sizes of every blob, and inputs to try; or with a warning that says which
        layer is in the way. And whether they may vary.
    """
    own = {blob.name: blob.shape or () for blob in part.inputs}
    images = _images(own)
    if fixed_by or not images:
        return _fixed(batch, fixed_by or "no input is a batch of images"), False
    others = list(_others(part, own, images))
    if len(others) < _ENOUGH:
        return _fixed(batch, *_why_not(part, own, images)), False
    params = {(p.layer, p.index): p for ps in part.net.params.values() for p in ps}

    def same_values(param: Param) -> Any:
        return values(params[param.layer, param.index])

    written = _fingerprints(part, values)
    for other in others:
        again = _fingerprints(other.part, same_values)
        for (layer, mine), (_, its) in zip(written, again, strict=True):
            if mine != its:
                text = f"the graph of layer `{layer.name}` depends on the size of its input"
                return _fixed(batch, text, layer), False
    dims = _dims(part, [other.part.net for other in others], images, batch.dims)
    small = sorted((other.shapes for other in others), key=lambda shapes: prod(shapes[images[0]]))
    return replace(batch, dims=dims, trials=(*batch.trials, *small[:_ENOUGH])), True


def _images(own: Shapes) -> list[str]:
    """Return the inputs with four axes that are as large as the first of them."""
    planes = {name: s[2:] for name, s in own.items() if len(s) == _IMAGE_AXES and min(s[2:]) > 1}
    first = next(iter(planes.values()), None)
    return [name for name, plane in planes.items() if plane == first]


def _candidates(plane: Shape) -> list[tuple[int, int]]:
    """Return other sizes: twice the plane, odd ones, and those that poolings divide well."""
    rows, columns = plane
    steps = [(rows, columns), (1, 2), (-3, 1), (5, -2), (32, 64), (-64, -32), (columns, rows + 7)]
    sizes = [(rows + down, columns + right) for down, right in steps]
    return [size for size in sizes if min(size) > 1]


def _others(part: Part, own: Shapes, images: Sequence[str]) -> Iterator[_Other]:
    """Yield the net for the other sizes that it fits; none where it does not fit twice the size.

    A few pixels more or less prove nothing: rounding may lose them before a layer that minds.
    """
    for index, plane in enumerate(_candidates(own[images[0]][2:])):
        shapes = _resized(own, images, plane)
        net = infer(part.net.replace(diagnostics=()), shapes)
        if fits(part.net, net):
            yield _Other(shapes, _moved(part, net))
        elif index == 0:
            return


def _resized(own: Shapes, images: Sequence[str], plane: tuple[int, int]) -> Shapes:
    return {**own, **{name: (*own[name][:2], *plane) for name in images}}


def _moved(part: Part, net: Net) -> Part:
    """Return the part that `net`, inferred again, is."""
    blobs = {(blob.name, blob.version): blob for blob in _blobs(net)}
    inputs, outputs = (
        tuple(blobs[blob.name, blob.version] for blob in group)
        for group in (part.inputs, part.outputs)
    )
    return Part(net, inputs, outputs)


def _blobs(net: Net) -> list[Blob]:
    return [blob for layer in net.layers for blob in layer.tops]


def _fingerprints(part: Part, values: Values) -> list[tuple[Layer, Any]]:
    """Return what is written into the graph for every layer; parameters by their names."""
    nodes_of, blobs, params = write_layers(part, values)
    return [
        (layer, _fingerprint(nodes, [blobs[top] for top in layer.tops], params))
        for layer, nodes in nodes_of
    ]


def _fingerprint(
    nodes: Sequence[ir.Node], tops: Sequence[Value], params: Collection[Value]
) -> tuple[list[bytes], list[bytes]]:
    read = [value for node in nodes for value in node.inputs if value is not None]
    constants = [v.const_value for v in (*read, *tops) if v not in params]
    return (
        [ir.serde.serialize_node(node).SerializeToString() for node in nodes],
        [constant.tobytes() for constant in constants if constant is not None],
    )


def _why_not(part: Part, own: Shapes, images: Sequence[str]) -> tuple[str, Layer | None]:
    """Return what keeps the net from another size, and the layer."""
    for plane in _candidates(own[images[0]][2:]):
        net = infer(part.net.replace(diagnostics=()), _resized(own, images, plane))
        if fits(part.net, net):
            continue
        rows, columns = plane
        with_it = f"with images of {rows} x {columns}"
        for before, after in zip(part.net.layers, net.layers, strict=True):
            if after.faulty or after.params is None:
                return f"{with_it}, layer `{before.name}` does not fit", before
            if [p.shape for p in before.params or ()] != [p.shape for p in after.params]:
                return f"{with_it}, layer `{before.name}` would need other weights", before
        fault = next(d for d in net.diagnostics if d.is_error)
        return f"{with_it}, {fault.message}", None
    return "the net fits no other size that was tried", None


def _fixed(batch: Batch, reason: str, layer: Layer | None = None) -> Batch:
    text = f"height and width are fixed in the ONNX file: {reason}"
    said: Diagnostic = warning("fixed-size", text, place_of(layer) if layer else None)
    return replace(batch, warnings=(*batch.warnings, said))


def _dims(
    part: Part, others: Sequence[Net], images: Sequence[str], known: Mapping[Blob, Dims]
) -> dict[Blob, Dims]:
    """Return the sizes that are the same in all nets, and what is known of the batch."""
    named: dict[tuple[int, ...], str] = {}
    dims: dict[Blob, Dims] = {}
    inputs = {blob for blob in part.inputs if blob.name in images}
    rows = zip(_blobs(part.net), *map(_blobs, others), strict=True)
    for blob, *again in rows:
        shapes = [blob.shape or (), *((b.shape or blob.shape or ()) for b in again)]
        sizes = list(zip(*shapes, strict=True))
        if blob in inputs:
            for symbol, variants in zip(_SYMBOLS, sizes[2:], strict=True):
                named.setdefault(variants, symbol)
            dims[blob] = (*known[blob][:2], *_SYMBOLS)
        else:
            dims[blob] = tuple(
                before
                if len(set(variants)) == 1 or not isinstance(before, int)
                else named.get(variants)
                for before, variants in zip(known[blob], sizes, strict=True)
            )
    return dims
