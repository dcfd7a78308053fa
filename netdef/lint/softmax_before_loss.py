"""Probabilities given to a loss that makes probabilities itself."""

from collections.abc import Iterator

from netdef.ir import Net
from netdef.passes.places import place_of
from netdef.source import Diagnostic, Label, hint

_TWICE = {"SoftmaxWithLoss": "Softmax", "SigmoidCrossEntropyLoss": "Sigmoid"}
"""A loss, and the activation that is part of it."""


def hints(net: Net) -> Iterator[Diagnostic]:
    """Yield a hint per loss whose scores went through its own activation before."""
    for layer in net.layers:
        activation = _TWICE.get(layer.type)
        maker = net.producers.get(layer.bottoms[0]) if activation and layer.bottoms else None
        if activation is None or maker is None or maker.type != activation:
            continue
        text = f"{layer.type} applies a {activation} itself, but `{layer.bottoms[0].name}` has one"
        place = place_of(maker, "type")
        scores = maker.bottoms[0].name
        yield hint(
            "softmax-before-loss",
            text,
            place_of(layer, "bottom[0]"),
            [Label(place, "applied here already")] if place else [],
            f'let the loss read the scores: `bottom: "{scores}"`',
        )
