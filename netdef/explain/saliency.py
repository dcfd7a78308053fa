"""How much each pixel would change a score: its gradient.

Simonyan, Vedaldi and Zisserman, Deep Inside Convolutional Networks, 2014.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from netdef import catalog
from netdef.explain.score import Score
from netdef.source import NetdefError, error
from netdef.torch_backend.executable import Executable


def saliency(exe: Executable, feed: Mapping[str, Any], blob: str, score: Score) -> Tensor:
    """Return the gradient of a score with respect to an input, of the input's shape.

    Args:
        exe: The net.
        feed: Its inputs.
        blob: The input that is asked about.
        score: The score.

    Raises:
        NetdefError: No gradient reaches the input (rule `cannot-explain`).
    """
    x = torch.as_tensor(feed[blob]).to(exe.device, torch.float32).clone().requires_grad_()
    with torch.enable_grad():
        value = score.of(exe, {**feed, blob: x}).sum()
        found = torch.autograd.grad(value, x, allow_unused=True)[0] if value.requires_grad else None
    if found is None:
        text = f"`{score.blob}` does not depend on `{blob}` in a way that has a gradient"
        raise NetdefError(error("cannot-explain", text))
    return found.detach()


def guided_saliency(exe: Executable, feed: Mapping[str, Any], blob: str, score: Score) -> Tensor:
    """Return the gradient by guided backpropagation: negative ones end at every ReLU.

    Springenberg et al., Striving for Simplicity: The All Convolutional Net, 2015.

    Raises:
        NetdefError: As `saliency`; or the net has no ReLU (rule `cannot-explain`).
    """
    with _guided(exe):
        return saliency(exe, feed, blob, score)


def magnitude(gradient: Tensor) -> Tensor:
    """Return the largest absolute value over the channels: (N, C, H, W) to (N, H, W)."""
    return gradient.abs().amax(dim=1)


@contextmanager
def _guided(exe: Executable) -> Generator[None]:
    rectifiers = _rectifiers(exe)
    if not rectifiers:
        text = "guided backpropagation changes the gradient of ReLUs, and this net has none"
        raise NetdefError(error("cannot-explain", text))
    hooks = [module.register_full_backward_hook(_only_positive) for module in rectifiers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _rectifiers(exe: Executable) -> list[nn.Module]:
    found: list[nn.Module] = []
    for layer in exe.net.layers:
        kind, module = catalog.find(layer.type), exe.module_of(layer)
        if kind is not None and kind.role == "activation" and isinstance(module, nn.ReLU):
            found.append(module)
    return found


def _only_positive(module: nn.Module, ins: Any, outs: Any) -> tuple[Tensor, ...]:
    """Drop what is negative; ReLU's own rule has dropped the rest."""
    del module, outs
    return tuple(gradient.clamp(min=0) for gradient in ins)
