"""The score that is explained."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from netdef.ir import show_shape
from netdef.source import NetdefError, error
from netdef.source.suggest import did_you_mean
from netdef.torch_backend.executable import Executable


@dataclass(frozen=True)
class Score:
    """A class of a blob of scores.

    Attributes:
        blob: The name of the blob, (N, K) or (N, K, 1, 1).
        number: The class.
    """

    blob: str
    number: int

    def of(self, exe: Executable, feed: Mapping[str, Any]) -> Tensor:
        """Return the score of every image, (N,), with its gradient."""
        values = exe.run(feed, [self.blob])[self.blob]
        return values.flatten(1)[:, self.number]


def scores_blob(exe: Executable, asked: str | None) -> str:
    """Return the blob whose classes are explained: the one asked for, or what the softmax reads.

    Behind a softmax a gradient tells as much of the other classes as of the one in question.

    Raises:
        NetdefError: It does not hold a score per class, or none does (rule `cannot-explain`).
    """
    net = exe.net
    if asked is not None and asked not in net.blobs:
        note = did_you_mean(asked, net.blobs)
        raise NetdefError(error("unknown-blob", f"this net has no blob `{asked}`", note=note))
    outputs = [asked] if asked is not None else net.outputs
    fit = [name for name in outputs if _is_scores(net.blobs[name].shape)]
    if len(fit) != 1:
        which = ", ".join(f"`{name}` {show_shape(net.blobs[name].shape)}" for name in outputs)
        text = "several outputs hold scores" if fit else "no output holds scores (N, K)"
        note = f"{which}; choose a blob with --scores"
        raise NetdefError(error("cannot-explain", text, note=note))
    layer = net.producers[net.blobs[fit[0]]]
    if asked is None and isinstance(exe.module_of(layer), nn.Softmax):
        bottom = layer.bottoms[0]
        if net.blobs[bottom.name] is bottom:
            return bottom.name
    return fit[0]


def best_class(exe: Executable, feed: Mapping[str, Any], blob: str, asked: int | None) -> Score:
    """Return the score of a class: the one asked for, or the best of the first image.

    Raises:
        NetdefError: There is no such class (rule `cannot-explain`).
    """
    with torch.no_grad():
        values = exe.run(feed, [blob])[blob].flatten(1)
    if asked is None:
        return Score(blob, int(values[0].argmax()))
    if not 0 <= asked < values.shape[1]:
        text = f"`{blob}` has the classes 0 to {values.shape[1] - 1}, not {asked}"
        raise NetdefError(error("cannot-explain", text))
    return Score(blob, asked)


def _is_scores(shape: tuple[int, ...] | None) -> bool:
    return shape is not None and len(shape) > 1 and shape[1] > 1 and prod(shape[2:]) == 1
