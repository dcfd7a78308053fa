"""The part of a net that its ONNX file holds: what inference needs."""

from collections.abc import Iterable
from dataclasses import dataclass

from netdef import catalog
from netdef.contract import Unsupported
from netdef.contract.of_layer import instance_of
from netdef.ir import Blob, Layer, Net
from netdef.onnx_backend.graph import GraphBuilder, Value
from netdef.passes.infer import infer
from netdef.passes.places import place_of
from netdef.source import Diagnostic, Label, NetdefError, error, warning

_ENDS = ("loss", "sink")
"""Roles of the layers that only judge or end a net."""


@dataclass(frozen=True)
class Part:
    """What goes into the file.

    Attributes:
        net: The net, reduced to the layers that the outputs need.
        inputs: The blobs from outside that these layers read, in the order of the file.
        outputs: The blobs asked for, sorted by name.
        warnings: What was left out.
    """

    net: Net
    inputs: tuple[Blob, ...]
    outputs: tuple[Blob, ...]
    warnings: tuple[Diagnostic, ...] = ()


def inference_part(net: Net) -> Part:
    """Return the layers that the outputs of a net need.

    The outputs are the blobs that nobody reads. A loss or accuracy that ONNX cannot express does
    not hinder: it is left out, what it read becomes an output, and a warning says so. What a
    Silence reads is no output.

    Raises:
        NetdefError: Nothing is left to compute, or a layer that is needed could not be inferred.
    """
    left_out = _left_out(net)
    outputs = _outputs(net, left_out)
    layers = _needed(net, outputs)
    if not any(not layer.source for layer in layers):
        text = "nothing of this net can be exported: no layer computes an output"
        raise NetdefError(error("no-output", text))
    _refuse_unknown(net, layers, outputs)
    part = _owning_its_params(net.replace(layers=layers), layers)
    blobs = part.blobs
    outputs = tuple(blobs[blob.name] for blob in outputs)
    inputs = _inputs(part)
    return Part(part, inputs, outputs, _warnings(net, left_out, inputs, outputs))


def _left_out(net: Net) -> list[Layer]:
    """Return the losses and sinks that ONNX cannot express and nothing else builds on."""
    gone: set[Layer] = set()
    for layer in reversed(net.layers):
        read = any(reader not in gone for top in layer.tops for reader in net.consumers[top])
        if not layer.tops or (not read and _is_end(layer) and not _has_onnx(layer)):
            gone.add(layer)
    return [layer for layer in net.layers if layer in gone and layer.tops]


def _is_end(layer: Layer) -> bool:
    kind = catalog.find(layer.type)
    return kind is not None and kind.role in _ENDS


def _has_onnx(layer: Layer) -> bool:
    """Ask the layer's `onnx` facet, with stand-ins for its inputs and weights."""
    kind = catalog.find(layer.type)
    if kind is None or layer.params is None:
        return False
    g = GraphBuilder()
    g.enter(layer.name, {p.weight: Value(name=p.weight) for p in layer.params})
    ins = tuple(Value(name=blob.name) for blob in layer.bottoms)
    try:
        kind.onnx(instance_of(layer, catalog.own_message(kind, layer.message)), g, ins)
    except Unsupported:
        return False
    return True


def _outputs(net: Net, left_out: list[Layer]) -> tuple[Blob, ...]:
    """Return the unread blobs, and those that only losses and sinks read, some of them left out."""
    gone = set(left_out)
    given = _given(net)
    outputs: list[Blob] = []
    for layer in net.layers:
        if layer.source or layer in gone:
            continue
        for blob in layer.tops:
            readers = net.consumers[blob]
            judged = gone.intersection(readers) and all(_is_end(reader) for reader in readers)
            judged = judged and blob not in given
            if net.blobs[blob.name] is blob and (judged or not readers):
                outputs.append(blob)
    return tuple(sorted(outputs, key=lambda blob: blob.name))


def _given(net: Net) -> set[Blob]:
    """Return the inputs and their reshapings: as a loss's bottom, what was wanted, not computed."""
    given: set[Blob] = set()
    for layer in net.layers:
        kind = catalog.find(layer.type)
        moves = kind is not None and kind.role == "shape" and given.issuperset(layer.bottoms)
        if layer.source or moves:
            given.update(layer.tops)
    return given


def _needed(net: Net, outputs: Iterable[Blob]) -> tuple[Layer, ...]:
    needed = set(outputs)
    layers: list[Layer] = []
    for layer in reversed(net.layers):
        if needed.intersection(layer.tops):
            layers.append(layer)
            needed.update(layer.bottoms)
    return tuple(reversed(layers))


def _refuse_unknown(net: Net, layers: tuple[Layer, ...], outputs: Iterable[Blob]) -> None:
    used = {blob for layer in layers for blob in layer.bottoms}.union(outputs)
    faults: list[Diagnostic] = []
    for layer in layers:
        if catalog.find(layer.type) is None:
            text = f"layer `{layer.name}` cannot be exported: its type `{layer.type}` is unknown"
            faults.append(error("not-inferred", text, place_of(layer, "type")))
        for index, blob in enumerate(layer.tops if layer.source else ()):
            if blob.shape is None and blob in used:
                text = f"the shape of the input `{blob.name}` is not known"
                place = place_of(layer, f"top[{index}]")
                note = f"give it with --shape {blob.name}=N,C,H,W"
                faults.append(error("unknown-shape", text, place, note=note))
    stuck = [layer for layer in layers if layer.params is None and not layer.source]
    if stuck and not faults:  # otherwise they only follow from the above
        text = f"layer `{stuck[0].name}` cannot be exported: the shape of an input is not known"
        faults.append(error("not-inferred", text, place_of(stuck[0])))
    if faults:
        raise NetdefError(faults)


def _owning_its_params(net: Net, layers: tuple[Layer, ...]) -> Net:
    """Return `net` so that no parameter belongs to a layer that is gone."""
    params = [p for layer in layers for p in layer.params or ()]
    if {p.root for p in params} <= set(params):
        return net
    shapes = {b.name: b.shape for b in _inputs(net) if b.shape is not None}
    return infer(net.replace(diagnostics=()), shapes).replace(diagnostics=net.diagnostics)


def _inputs(net: Net) -> tuple[Blob, ...]:
    read = {blob for layer in net.layers for blob in layer.bottoms}
    return tuple(b for layer in net.layers if layer.source for b in layer.tops if b in read)


def _warnings(
    net: Net, left_out: list[Layer], inputs: tuple[Blob, ...], outputs: tuple[Blob, ...]
) -> tuple[Diagnostic, ...]:
    if not left_out:
        return ()
    plural = "s" if len(left_out) > 1 else ""
    verb = "are" if plural else "is"
    named = _listed(layer.name for layer in left_out)
    text = f"layer{plural} {named} {verb} left out, which ONNX cannot express"
    labels = [
        Label(place, "left out, too")
        for place in (place_of(layer, "type") for layer in left_out[1:])
        if place is not None
    ]
    kept = {blob.name for blob in inputs}
    unread = [b.name for b in _inputs(net) if b.name not in kept]
    note = f"the outputs are now {_listed(blob.name for blob in outputs)}"
    if unread:
        verb = "are inputs" if len(unread) > 1 else "is an input"
        note += f", and {_listed(unread)} {verb} no more"
    return (warning("left-out", text, place_of(left_out[0], "type"), labels, note),)


def _listed(names: Iterable[str]) -> str:
    *most, last = [f"`{name}`" for name in names]
    return f"{', '.join(most)} and {last}" if most else last
