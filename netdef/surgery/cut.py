"""Cutting a net off behind a blob."""

from netdef.passes.connect import connect
from netdef.passes.dead_code import drop_dead_code
from netdef.passes.pipeline import PHASES, select
from netdef.source import NetdefError
from netdef.surgery.draft import Draft
from netdef.surgery.edits import edited, layer_names, layers_of, unknown


def cut(draft: Draft, blob: str) -> Draft:
    """Return a draft with the layers that a blob needs, in either phase, and their weights.

    A name stands for its last version: after its in-place layers. Tops of layers that stay are as
    they were, so what nobody reads any more is an output, too.

    Raises:
        NetdefError: There is no such blob (rule `unknown-blob`).
    """
    bound = draft.bound()
    needed: set[int] = set()
    known: set[str] = set()
    for phase in PHASES:
        net = connect(select(bound, phase, draft.request))
        known.update(net.blobs)
        if blob in net.blobs:
            kept = drop_dead_code(net, [net.blobs[blob]]).layers
            needed.update(id(layer.node) for layer in kept)
    if blob not in known:
        raise NetdefError(unknown("unknown-blob", "blob", blob, known))
    removed = [node for node, _ in layers_of(bound) if id(node) not in needed]
    done = draft.having(edited(draft.file, [], removed))
    left = layer_names(done.bound())
    return done.having(done.file, {n: blobs for n, blobs in draft.weights.items() if n in left})
