"""Where in an image the evidence for a class lies.

Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization,
2017.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from netdef.explain.score import Score
from netdef.ir import show_shape
from netdef.source import NetdefError, error
from netdef.source.suggest import did_you_mean
from netdef.torch_backend.executable import Executable
from netdef.torch_backend.graph import needed_layers

_MAP_AXES = 4


def grad_cam(exe: Executable, feed: Mapping[str, Any], blob: str, score: Score) -> Tensor:
    """Return relu(sum over k of a_k A_k), a_k the mean over the places of the gradient of A_k.

    Args:
        exe: The net.
        feed: Its inputs.
        blob: A, a blob (N, K, H, W).
        score: The score.

    Returns:
        (N, H, W), at least 0.

    Raises:
        NetdefError: The blob has no rows and columns, or the score does not depend on it (rule
            `cannot-explain`).
    """
    _check(exe, blob)
    with torch.no_grad():
        values = exe.run(feed, [blob])[blob]
    maps = values.detach().clone().requires_grad_()
    with torch.enable_grad():
        value = score.of(exe, {**feed, blob: maps}).sum()
        found = (
            torch.autograd.grad(value, maps, allow_unused=True)[0] if value.requires_grad else None
        )
    if found is None:
        text = f"`{score.blob}` does not depend on `{blob}`"
        raise NetdefError(error("cannot-explain", text))
    weights = found.mean(dim=(2, 3), keepdim=True)
    return (weights * maps).sum(dim=1).relu().detach()


def last_maps(exe: Executable, score: str) -> str:
    """Return the last blob with rows and columns that a score depends on.

    Raises:
        NetdefError: There is none (rule `cannot-explain`).
    """
    net = exe.net
    layers = needed_layers(net, [net.blobs[score]], set())
    tops = [top for layer in layers if not layer.source for top in layer.tops]
    for top in reversed(tops):
        if net.blobs[top.name] is top and _has_places(top.shape):
            return top.name
    text = f"no blob that `{score}` is made from has rows and columns"
    raise NetdefError(error("cannot-explain", text))


def _check(exe: Executable, blob: str) -> None:
    found = exe.net.blobs.get(blob)
    if found is None:
        note = did_you_mean(blob, exe.net.blobs)
        raise NetdefError(error("unknown-blob", f"this net has no blob `{blob}`", note=note))
    if not _has_places(found.shape):
        text = f"`{blob}` has no rows and columns: it is {show_shape(found.shape)}"
        raise NetdefError(error("cannot-explain", text))


def _has_places(shape: tuple[int, ...] | None) -> bool:
    return shape is not None and len(shape) == _MAP_AXES and shape[2] * shape[3] > 1
