"""What goes into a weight file, whatever its format."""

from dataclasses import replace

from netdef.ir import Layer, Net
from netdef.schema import pb
from netdef.weights.match import match_weights
from netdef.weights.weights import Array, StoredLayer, Weights


def arrange(weights: Weights, net: Net | None, *, repeat_shared: bool) -> list[StoredLayer]:
    """Return the layers to write, in order, each with its settings.

    Without a net these are the layers of `weights`. With one they are the net's, with its
    parameters' own shapes; a layer whose parameters have no values is left out, and stored layers
    that the net lacks follow at the end, so that nothing is lost.

    Args:
        weights: The values.
        net: The typed net they belong to.
        repeat_shared: Whether a shared parameter is written with every layer that has it, or only
            with its owner.

    Raises:
        NetdefError: The weights do not fit the net (rule `weight-mismatch`).
    """
    if net is None:
        return [_with_settings(layer) for layer in weights.layers]
    values = match_weights(weights, net).values
    out: list[StoredLayer] = []
    for layer in net.layers:
        blobs, legacy = _known_blobs(layer, weights)
        if layer.params is not None:
            if any(param.root not in values for param in layer.params):
                continue
            legacy = frozenset[int]()
            blobs = tuple(
                values[p.root].reshape(p.shape) if repeat_shared or p.owner is None else None
                for p in layer.params
            )
        out.append(StoredLayer(layer.name, blobs, layer.type, legacy, settings_of(layer)))
    names = {layer.name for layer in net.layers}
    rest = (s for s in weights.layers if s.has_blobs and s.name not in names)
    return out + [_with_settings(layer) for layer in rest]


def _known_blobs(layer: Layer, weights: Weights) -> tuple[tuple[Array | None, ...], frozenset[int]]:
    if layer.name not in weights:
        return (), frozenset()
    stored = weights.layer(layer.name)
    return stored.blobs, stored.legacy


def _with_settings(layer: StoredLayer) -> StoredLayer:
    if layer.settings:
        return layer
    settings = pb.LayerParameter(name=layer.name, type=layer.type).SerializePartialToString()
    return replace(layer, settings=settings)


def settings_of(layer: Layer) -> bytes:
    """Return a layer's LayerParameter without blobs, with its phase, as the reference writes it."""
    message = pb.LayerParameter()
    message.CopyFrom(layer.message)
    message.ClearField("blobs")
    message.name, message.type = layer.name, layer.type
    if not message.HasField("phase"):
        message.phase = pb.TRAIN if layer.phase == "TRAIN" else pb.TEST
    return message.SerializePartialToString()
