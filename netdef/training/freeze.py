"""Layers whose parameters are not trained."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from netdef.source import NetdefError, error
from netdef.source.suggest import did_you_mean
from netdef.torch_backend.executable import Executable


def freeze_layers(model: Executable, patterns: Sequence[str]) -> list[str]:
    """Keep the parameters of layers as they are; what lies below all others needs no backward pass.

    Args:
        model: The net that is trained.
        patterns: Names of layers, with * and ? for what may vary.

    Returns:
        The names of the layers.

    Raises:
        NetdefError: No layer with parameters has a name like one of the patterns, or nothing is
            left to train.
    """
    frozen: list[str] = []
    for pattern in patterns:
        names = [name for name, params in model.params.items() if params]
        found = [name for name in names if fnmatchcase(name, pattern)]
        if not found:
            text = f"no layer with parameters is called like `{pattern}`"
            raise NetdefError(error("no-such-layer", text, note=did_you_mean(pattern, names)))
        frozen += found
        for tensor in (tensor for name in found for tensor in model.params[name]):
            tensor.requires_grad_(False)
    if frozen and not count_parameters(model)[0]:
        text = "every parameter of the net is frozen, so there is nothing to train"
        raise NetdefError(error("all-frozen", text))
    return frozen


def count_parameters(model: Executable) -> tuple[int, int]:
    """Return how many values of a net are trained, and how many frozen; statistics are neither."""
    own = (p for layer in model.net.layers for p in layer.params or () if p.owner is None)
    counts = {True: 0, False: 0}
    for param in own:
        if param.learnable:
            counts[model.tensor_of(param).requires_grad] += param.count
    return counts[True], counts[False]
