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
        NetdefError: No layer with parameters has a name like one of the patterns.
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
    return frozen
