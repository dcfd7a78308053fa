"""Giving layers and blobs another name."""

from netdef.source import NetdefError, error
from netdef.surgery.draft import Draft
from netdef.surgery.edits import blob_names, edited, layer_names, layers_of, renaming, unknown

_FIELDS = ("name", "bottom", "top")


def rename(draft: Draft, old: str, new: str) -> Draft:
    """Return a draft in which the layers, the blobs and the weights called `old` are called `new`.

    Raises:
        NetdefError: Nothing has the old name, or something has the new one (rule `no-such-layer`,
            `cannot-operate`).
    """
    bound = draft.bound()
    known = layer_names(bound) | blob_names(bound)
    if old not in known:
        raise NetdefError(unknown("no-such-layer", "layer or blob", old, known))
    if new in known or not new:
        text = f"`{old}` cannot be called `{new}`: " + (
            "something of this net is called so already" if new else "the name is empty"
        )
        raise NetdefError(error("cannot-operate", text))
    edits = [
        edit
        for node, message in layers_of(bound)
        for name in _FIELDS
        for edit in renaming(node, message, name, old, new)
    ]
    weights = {new if name == old else name: blobs for name, blobs in draft.weights.items()}
    return draft.having(edited(draft.file, edits), weights)
