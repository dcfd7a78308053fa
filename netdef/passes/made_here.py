"""Where a blob got its shape, and by which arithmetic: the second place of a fault about shapes."""

from netdef import catalog
from netdef.contract.of_layer import instance_of
from netdef.ir import Blob, Layer, Shape, show_shape
from netdef.passes.places import place_of
from netdef.source import Label


def made_here(blob: Blob, layers: list[Layer]) -> Label | None:
    """Return a label at the layer that gave `blob` its shape.

    Args:
        blob: The blob, with its shape.
        layers: The layers inferred so far, the last that has it as a top made it.
    """
    made = _maker(blob, layers)
    while made is not None and made[0].in_place and made[0].bottoms[0].shape == blob.shape:
        earlier = _maker(made[0].bottoms[0], layers)  # what works in place only passes shapes on
        if earlier is None:
            break
        made = earlier
    if made is None:
        return None
    maker, index = made
    place = place_of(maker, f"top[{index}]")
    if place is None:
        return None
    formula = _formula(maker, blob.shape)
    text = f"`{blob.name}` is made here, of shape {show_shape(blob.shape)}"
    return Label(place, f"{text}: {formula}" if formula else text)


def _maker(blob: Blob, layers: list[Layer]) -> tuple[Layer, int] | None:
    for layer in reversed(layers):
        for index, top in enumerate(layer.tops):
            if top is blob:
                return layer, index
    return None


def _formula(layer: Layer, shape: Shape | None) -> str:
    """Return how a window made the spatial sizes, (8 + 2 x 1 - 3) / 2 + 1 = 4, or ""."""
    kind = catalog.find(layer.type)
    if kind is None or layer.params is None or shape is None:
        return ""
    if kind.role not in ("convolution", "pooling"):
        return ""
    window = kind.window(instance_of(layer, catalog.own_message(kind, layer.message)))
    given = layer.bottoms[0].shape
    if window is None or window.trivial or given is None or len(given) != len(shape):
        return ""
    first = len(shape) - len(window.kernel)
    lines: list[str] = []
    for axis in range(len(window.kernel)):
        size, made = given[first + axis], shape[first + axis]
        reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1
        stride, pad = window.stride[axis], window.pad[axis]
        span = size + 2 * pad - reach
        if span // stride + 1 != made and -(-span // stride) + 1 != made:
            return ""  # counted in another way, as a Deconvolution's
        inner = f"{size} + 2 x {pad} - {reach}" if pad else f"{size} - {reach}"
        rounded = ""
        if span % stride:
            rounded = " rounded down" if span // stride + 1 == made else " rounded up"
        quotient = f"({inner}) / {stride}{rounded}" if stride > 1 else inner
        lines.append(f"{quotient} + 1 = {made}")
    return ", ".join(dict.fromkeys(lines))
