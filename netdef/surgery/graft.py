"""Growing one net out of a blob of another."""

from netdef.source import NetdefError, SourceFile, error
from netdef.surgery.draft import Draft
from netdef.surgery.edits import (
    Edit,
    blob_names,
    edited,
    layer_names,
    layers_of,
    renaming,
    unknown,
)


def graft(draft: Draft, other: Draft, at: str) -> Draft:
    """Return a draft with the layers of another net behind its own, reading its blob `at`.

    The blob takes the place of the other net's only input. Weights of both are kept.

    Raises:
        NetdefError: There is no such blob (rule `unknown-blob`), the other net has not exactly one
            input, or both have a layer or blob of one name (`cannot-operate`).
    """
    bound = draft.bound()
    if at not in blob_names(bound):
        raise NetdefError(unknown("unknown-blob", "blob", at, blob_names(bound)))
    scion = _reading(other, at)
    theirs = scion.bound()
    clashes = (layer_names(bound) & layer_names(theirs)) | (
        blob_names(bound) & blob_names(theirs) - {at}
    )
    if clashes:
        names = ", ".join(f"`{name}`" for name in sorted(clashes))
        note = "rename them in one of the nets first"
        raise NetdefError(error("cannot-operate", f"both nets use the names {names}", note=note))
    file = SourceFile(draft.file.path, f"{draft.text}\n{scion.text}")
    return draft.having(edited(file, []), {**draft.weights, **scion.weights})


def _reading(other: Draft, at: str) -> Draft:
    """Return a net without input, whose layers read `at` instead."""
    net = other.net()
    sources = {id(layer.message): layer for layer in net.layers if layer.source}
    inputs = [top.name for layer in sources.values() for top in layer.tops]
    if len(inputs) != 1:
        text = f"a net to graft has one input, but this one has {len(inputs)}"
        note = f"its inputs: {', '.join(inputs) or 'none'}"
        raise NetdefError(error("cannot-operate", text, note=note))
    bound = other.bound()
    names = {layer.name for layer in sources.values()}
    removed = [node for node, message in layers_of(bound) if message.name in names]
    removed += [node for node in bound.document.fields if node.name != "layer"]
    edits: list[Edit] = []
    for node, message in layers_of(bound):
        if message.name not in names:
            for name in ("bottom", "top"):
                edits += renaming(node, message, name, inputs[0], at)
    return other.having(edited(other.file, edits, removed))
