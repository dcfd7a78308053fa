"""A frozen layer that gradients still have to pass."""

from collections.abc import Iterator

from netdef import catalog
from netdef.ir import Blob, Layer, Net
from netdef.passes.places import place_of
from netdef.source import Diagnostic, Label, hint

_COSTLY = ("convolution", "dense", "recurrent")


def hints(net: Net) -> Iterator[Diagnostic]:
    """Yield a hint per frozen layer between a trained one and the loss, in nets for training."""
    if net.phase != "TRAIN":
        return
    in_loss = _reaching_a_loss(net)
    trained: dict[Blob, Layer] = {}  # blob: the nearest trained layer that it depends on
    for layer in net.layers:
        kind = catalog.find(layer.type)
        below = next((trained[b] for b in _passed(layer) if b in trained), None)
        rates = [param.lr_mult for param in layer.params or () if param.learnable]
        costly = kind is not None and kind.role in _COSTLY
        frozen = bool(rates) and not any(rates)
        if frozen and costly and below is not None and not in_loss.isdisjoint(layer.tops):
            yield _hint(layer, below)
        source = layer if any(rates) else below
        if source is not None:
            trained.update(dict.fromkeys(layer.tops, source))


def _hint(layer: Layer, below: Layer) -> Diagnostic:
    place = place_of(below)
    return hint(
        "frozen-above-trained",
        f"`{layer.name}` is frozen, but every gradient for `{below.name}` goes back through it",
        place_of(layer, "param[0].lr_mult"),
        [Label(place, "trained here, below the frozen layer")] if place else [],
        f"freeze `{below.name}`, too, or stop the gradient with `propagate_down: false`",
    )


def _passed(layer: Layer) -> list[Blob]:
    """The bottoms that get a gradient."""
    down = list(layer.message.propagate_down)
    if len(down) != len(layer.bottoms):
        return list(layer.bottoms)
    return [blob for blob, passed in zip(layer.bottoms, down, strict=True) if passed]


def _reaching_a_loss(net: Net) -> set[Blob]:
    found: set[Blob] = set()
    for layer in reversed(net.layers):
        if any(layer.loss_weights):
            found.update(layer.tops)
        if not found.isdisjoint(layer.tops):
            found.update(_passed(layer))
    return found
