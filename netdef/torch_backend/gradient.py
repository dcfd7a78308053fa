"""Where the gradient of the objective goes."""

from netdef import catalog
from netdef.ir import Blob, Layer, Net


def carries_gradient(layer: Layer, index: int) -> bool:
    """Whether a bottom of a layer gets a gradient when the layer's tops have one."""
    return not (is_cut_off(layer, index) or stops_gradient(layer, index))


def is_cut_off(layer: Layer, index: int) -> bool:
    """Whether the file wants no gradient for a bottom: `propagate_down: false`."""
    asked = layer.message.propagate_down
    return index < len(asked) and not asked[index]


def stops_gradient(layer: Layer, index: int) -> bool:
    """Whether the layer's type has no gradient for a bottom: labels, markers."""
    kind = catalog.find(layer.type)
    from_end = index - len(layer.bottoms)
    return kind is not None and bool({index, from_end}.intersection(kind.no_grad_bottoms))


def layers_with_gradient(net: Net) -> list[Layer]:
    """Return the layers that get a gradient, in order: from the losses, or else the outputs.

    Whether they and those below them have something to learn does not count.
    """
    reached: set[Blob] = {blob for blob, _ in net.losses}
    reached = reached or {net.blobs[name] for name in net.outputs}
    layers: list[Layer] = []
    for layer in reversed(net.layers):
        if reached.intersection(layer.tops):
            layers.append(layer)
            reached.update(b for i, b in enumerate(layer.bottoms) if carries_gradient(layer, i))
    return layers[::-1]
