"""Putting other layers in the place of one."""

from netdef.source import NetdefError, SourceFile, error
from netdef.surgery.draft import Blobs, Draft, current_form
from netdef.surgery.edits import Edit, edited, layer_names, layers_of, unknown


def replace(draft: Draft, name: str, layer_text: str) -> Draft:
    """Return a draft with other layers in the place of the one called `name`.

    Where layers of several phases have this name, the new ones stand in the place of the first. The
    weights of a layer that keeps its name stay if their shapes are as they were.

    Args:
        draft: The net.
        name: The layer that goes.
        layer_text: One or several layers, `layer { ... }`, their comments too.

    Raises:
        NetdefError: There is no such layer (rule `no-such-layer`), the new text has faults or holds
            no layer, or the net does not fit together.
    """
    bound = draft.bound()
    nodes = [node for node, message in layers_of(bound) if message.name == name]
    if not nodes:
        raise NetdefError(unknown("no-such-layer", "layer", name, layer_names(bound)))
    new = current_form(SourceFile("<replacement>", layer_text))
    if not layer_names(Draft(new).bound()):
        text = f"what shall stand in the place of `{name}` holds no layer"
        raise NetdefError(error("cannot-operate", text, note='write `layer { name: "..." ... }`'))
    first, *others = nodes
    edits = [Edit(first.start, first.end, f"\n{new.text}\n")]
    done = draft.having(edited(draft.file, edits, others))
    return done.having(done.file, _fitting(done, draft.weights, name))


def _fitting(done: Draft, weights: Blobs, name: str) -> Blobs:
    """Return the weights without those of layer `name`, unless they fit it as it is now."""
    if name not in weights:
        return weights
    wanted = [tuple(param.shape) for param in done.net().params.get(name, ())]
    held = [None if blob is None else tuple(blob.shape) for blob in weights[name]]
    return {key: blobs for key, blobs in weights.items() if key != name or wanted == held}
